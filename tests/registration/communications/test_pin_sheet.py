"""The PIN sheet as a family gets it: read back from the PDF."""

import io
import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pikepdf
import pypdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageOps
from pytest_django.fixtures import Settings
from weasyprint import HTML

from patients.models import Patient
from portal.models import Logo, Practice, User
from registration import pins
from registration.communications import pin_sheet
from registration.communications.pin_sheet import Sheet
from registration.models import Registration

PIN = pins.Pin("K7QF2M9TXB4C")
EXPIRES = datetime(2026, 11, 30, 21, 15, tzinfo=UTC)
LETTER = (612, 792)  # points
A4 = (595, 842)
INCH = 72

LONG_NAME = "Maria Guadalupe Alejandra Fernández de la Vega y Montenegro de los Santos "
HOSTILE_NAMES = [
    "<script>alert(1)</script>",
    '"O’Neil" & Sons\' </p></article><article>',
    '<img src="http://tracker.example/x.png">',
    "محمد אבג \u202eReversed",
    "李小龍 👶🏽 \u200b\u0007",
    "W" * 200,
]


def png(width: int = 300, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def practice(**fields: Any) -> Practice:
    ordinary: dict[str, Any] = {
        "name": "Lindenwood Pediatrics",
        "phone": "6125550100",
        "street": "1450 Cedar Avenue",
        "city": "Lindenwood",
        "state": "MN",
        "postal_code": "55298",
        "time_zone": "America/Chicago",
    }
    return Practice(**(ordinary | fields))


def sheet(**fields: Any) -> Sheet:
    ordinary: dict[str, Any] = {
        "practice": practice(),
        "logo_png": png(),
        "who": "S.G.",
        "several": False,
        "recipient_name": "Ana García",
        "pin": PIN,
        "start_url": "https://portal.example.org/start/",
        "expires_at": EXPIRES,
    }
    return Sheet(**(ordinary | fields))


def crowded_sheet(**fields: Any) -> Sheet:
    """Everything as long as the columns allow."""
    full = practice(
        name=(LONG_NAME * 2)[:120],
        street=(LONG_NAME * 2)[:120],
        city=LONG_NAME[:80],
        state="M" * 20,
        postal_code="5" * 12,
    )
    five = ", ".join([LONG_NAME] * 5)
    ordinary: dict[str, Any] = {"practice": full, "who": five, "several": True, "recipient_name": (LONG_NAME * 3)[:200]}
    return sheet(**(ordinary | fields))


def pages(pdf: bytes) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def text(pdf: bytes) -> str:
    """What the sheet says, as one line."""
    return " ".join(" ".join(page.extract_text() for page in pages(pdf)).split())


def size(page: pypdf.PageObject) -> tuple[int, int]:
    return round(page.mediabox.width), round(page.mediabox.height)


def height_of(words: str, *, page: pypdf.PageObject) -> float:
    """How far above the bottom edge those words stand, in points."""
    found: list[float] = []

    def look(said: str, user: list[float], matrix: list[float], _font: object, _size: float) -> None:
        if words in said:
            found.append(matrix[5] * user[3] + user[5])

    page.extract_text(visitor_text=look)
    assert found, f"“{words}” is not on the page"
    return found[0]


def paper(pdf: bytes, *, dots: float) -> Image.Image:
    """The first page as a printer puts it on paper, in so many dots an inch."""
    with pypdfium2.PdfDocument(pdf) as document:
        printed: Image.Image = document[0].render(scale=dots / INCH).to_pil().convert("L")
    return printed


def scan(pdf: bytes, *, scale: float = 1) -> list[str]:
    """What a phone reads from the paper."""
    return [found.text for found in zxingcpp.read_barcodes(paper(pdf, dots=150 * scale))]


@pytest.mark.parametrize(("chosen", "expected"), [("letter", LETTER), ("a4", A4)])
def test_the_page_is_as_large_as_the_practice_says(chosen: str, expected: tuple[int, int]) -> None:
    (page,) = pages(pin_sheet.render([sheet(practice=practice(sheet_size=chosen))]))
    assert size(page) == expected


def test_many_sheets_are_one_document_with_a_page_each() -> None:
    other = pins.Pin("0123456789AB")
    pdf = pin_sheet.render([sheet(), sheet(pin=other, practice=practice(sheet_size="a4")), sheet()])
    assert [size(page) for page in pages(pdf)] == [LETTER, A4, LETTER]
    assert [other.shown in page.extract_text() for page in pages(pdf)] == [False, True, False]


def test_the_sheet_says_what_a_family_needs() -> None:
    said = text(pin_sheet.render([sheet()]))
    for words in (
        "Lindenwood Pediatrics",
        "1450 Cedar Avenue",
        "Lindenwood, MN 55298",
        "Private: for Ana García",
        "For the family of S.G.",
        "Given to: Ana García",
        "K7QF-2M9T-XB4C",
        "Use it by Monday, November 30, 2026, 3:15 PM",
        "portal.example.org/start",
        "Type the PIN and your child’s date of birth.",
        "Call us at (612) 555-0100.",
        "Not yours? Please give it back to the front desk, or call (612) 555-0100.",
        "Anyone who has this sheet can see the record. Destroy it when you are done.",
    ):
        assert words in said
    assert "https" not in said


def test_the_sheet_speaks_the_familys_language() -> None:
    spanish = sheet(
        language="es", several=True, who="S.G. y M.G.", start_url="https://portal.example.org/start/?lang=es"
    )
    pdf = pin_sheet.render([spanish])
    said = text(pdf)
    for words in (
        "Privado: para Ana García",
        "Para la familia de S.G. y M.G.",
        "Entregado a: Ana García",
        "Úselo hasta el lunes 30 de noviembre de 2026, 3:15 PM",
        "Escriba el PIN y la fecha de nacimiento de cada niño o niña.",
        "Llámenos al (612) 555-0100.",
    ):
        assert words in said
    assert "?" not in said.replace("¿Necesita ayuda?", "").replace("¿No es para usted?", "")
    assert scan(pdf) == ["https://portal.example.org/start/?lang=es#pin=K7QF2M9TXB4C"]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.Root.Lang) == "es"
        with document.open_metadata() as metadata:
            assert metadata["dc:title"] == "Hoja con el PIN de Lindenwood Pediatrics"


def test_sheets_of_two_languages_are_one_document() -> None:
    spanish, english = pages(pin_sheet.render([sheet(language="es"), sheet()]))
    assert "Su PIN" in spanish.extract_text()
    assert "Your PIN" in english.extract_text()


def test_siblings_each_need_a_date_of_birth() -> None:
    said = text(pin_sheet.render([sheet(who="S.G., M.G. and L.G.", several=True)]))
    assert "For the family of S.G., M.G. and L.G." in said
    assert "Type the PIN and each child’s date of birth." in said


def test_a_patient_without_letters_to_name_is_still_addressed() -> None:
    assert "For your family" in text(pin_sheet.render([sheet(who="")]))


def test_a_practice_without_address_and_logo_has_a_sheet() -> None:
    bare = practice(street="", city="", state="", postal_code="")
    said = text(pin_sheet.render([sheet(practice=bare, logo_png=None)]))
    assert said.startswith("Lindenwood Pediatrics (612) 555-0100")


SECRET = {
    "en": ("For the family", "Given to", "K7QF", "portal.", "Or scan"),
    "es": ("Para la familia", "Entregado a", "K7QF", "portal.", "O escanee", "teléfono"),
}
COVER = {"en": "Private:", "es": "Privado:"}
FOLD = {"en": "Fold here", "es": "Doble aquí"}


@pytest.mark.parametrize("size_name", ["letter", "a4"])
@pytest.mark.parametrize("make", [sheet, crowded_sheet])
@pytest.mark.parametrize("language", ["en", "es"])
def test_folded_once_only_the_cover_is_to_be_seen(size_name: str, make: Any, language: str) -> None:
    made = make(language=language)
    made.practice.sheet_size = size_name
    (page,) = pages(pin_sheet.render([made]))
    fold = height_of(FOLD[language], page=page)
    flap_reaches = 2 * fold
    covered = [height_of(words, page=page) for words in SECRET[language]]
    assert flap_reaches > max(covered) + INCH / 4, "the flap covers everything that is secret"
    assert min(covered) > fold + INCH / 8, "and all of it lies above the fold"
    assert height_of(COVER[language], page=page) > flap_reaches, "the recipient’s name stays to be seen"


@pytest.mark.parametrize("logo", [None, png(), png(3000, 40), png(40, 3000), b"not a picture"])
def test_whatever_the_logo_the_sheet_is_one_page_with_the_address_on_it(logo: bytes | None) -> None:
    pdf = pin_sheet.render([sheet(logo_png=logo)])
    assert len(pages(pdf)) == 1
    assert "1450 Cedar Avenue Lindenwood, MN 55298 (612) 555-0100" in text(pdf)


@pytest.mark.parametrize(
    ("language", "end"), [("en", "Destroy it when you are done."), ("es", "Destrúyala cuando termine.")]
)
def test_the_longest_of_everything_fits_on_one_page(language: str, end: str) -> None:
    url = "https://" + "patient-portal." * 5 + "example.org/start/?lang=es&practice=" + "p" * 60
    pdf = pin_sheet.render([crowded_sheet(start_url=url, language=language)])
    assert len(pages(pdf)) == 1
    for words in (PIN.shown, "3:15 PM", "example.org/start", FOLD[language], end):
        assert words in text(pdf)


@pytest.mark.parametrize("name", [LONG_NAME * 3, "W" * 200])
def test_nothing_runs_into_the_quarter_inch_that_a_printer_cannot_reach(name: str) -> None:
    wide = practice(name=name[:120], street=name[:120], city=name[:80], state=name[:20], phone="9" * 20)
    pdf = pin_sheet.render([sheet(practice=wide, recipient_name=name[:200], who=name)])
    left, top, right, bottom = ImageOps.invert(paper(pdf, dots=INCH)).getbbox() or (0, 0, 0, 0)
    assert left >= INCH / 4
    assert top >= INCH / 4
    assert right <= LETTER[0] - INCH / 4
    assert bottom <= LETTER[1] - INCH / 2


def test_the_notes_at_the_foot_stand_side_by_side() -> None:
    (page,) = pages(pin_sheet.render([sheet()]))
    assert len({height_of(title, page=page) for title in ("Need help?", "Not yours?", "Keep it safe")}) == 1


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_printed_and_nothing_else(name: str) -> None:
    pdf = pin_sheet.render([sheet(practice=practice(name=name[:120]), who=name, recipient_name=name)])
    assert len(pages(pdf)) == 1
    assert PIN.shown in text(pdf)
    assert scan(pdf) == ["https://portal.example.org/start/#pin=K7QF2M9TXB4C"]


def test_markup_in_a_name_is_text() -> None:
    said = text(pin_sheet.render([sheet(recipient_name="<b>Ana</b> & “Co”")]))
    assert "Private: for <b>Ana</b> & “Co”" in said


def test_the_document_is_accessible() -> None:
    with pikepdf.open(io.BytesIO(pin_sheet.render([sheet()]))) as pdf:
        assert str(pdf.Root.Lang) == "en"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == "PIN sheet from Lindenwood Pediatrics"
        elements = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and each.get("/S")]
        tags = [str(each.S) for each in elements]
        figures = {str(each.Alt) for each in elements if each.S == "/Figure"}
    assert {"/H1", "/H2", "/H3", "/P", "/L", "/LI"} <= set(tags)
    assert figures == {"Logo", "Code to scan: it opens the address with your PIN."}


def test_the_pin_is_on_the_paper_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = sheet(recipient_name="Ana 李", logo_png=b"not a picture")
    with pikepdf.open(io.BytesIO(pin_sheet.render([made]))) as pdf:
        with pdf.open_metadata() as metadata:
            about = f"{metadata}{pdf.docinfo!r}".upper()
        described = "".join(str(each.get("/Alt", "")) for each in pdf.objects if isinstance(each, pikepdf.Dictionary))
        links = [page.get("/Annots") for page in pdf.pages]
    for form in (PIN.shown, PIN.characters):
        assert form not in about + described.upper() + caplog.text.upper() + repr(made).upper()
    assert "李" not in caplog.text
    assert links == [None]


@pytest.mark.parametrize("scale", [1, 0.9])
@pytest.mark.parametrize(
    "host", ["portal.example.org", "patient-portal.the-children-and-adolescents-clinic.example.org"]
)
@pytest.mark.parametrize("size_name", ["letter", "a4"])
def test_a_phone_reads_the_code_even_when_the_printer_shrinks_the_page(scale: float, host: str, size_name: str) -> None:
    pdf = pin_sheet.render([sheet(start_url=f"https://{host}/start/", practice=practice(sheet_size=size_name))])
    assert scan(pdf, scale=scale) == [f"https://{host}/start/#pin=K7QF2M9TXB4C"]


def test_the_code_has_sharp_edges_on_paper() -> None:
    printed = paper(pin_sheet.render([sheet(logo_png=None)]), dots=600)
    (code,) = zxingcpp.read_barcodes(printed)
    corners = code.position
    modules = printed.crop((corners.top_left.x, corners.top_left.y, corners.bottom_right.x, corners.bottom_right.y))
    black_and_white = sum(number for number, grey in modules.getcolors() or () if grey in (0, 255))
    assert black_and_white > 0.99 * modules.width * modules.height


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.png", "https://portal.example.org/x.css", "file:///etc/hostname"]
)
def test_nothing_is_fetched_from_anywhere(url: str) -> None:
    with pytest.raises(ValueError, match="disallowed protocol"):
        pin_sheet._DATA_ONLY.fetch(url)


def test_rendering_asks_only_the_fetcher_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    fetchers: list[object] = []

    def spied(**options: Any) -> HTML:
        fetchers.append(options["url_fetcher"])
        return HTML(**options)

    monkeypatch.setattr(pin_sheet, "HTML", spied)
    pin_sheet.render([sheet()])
    assert fetchers == [pin_sheet._DATA_ONLY]


@pytest.fixture
def registration(db: None) -> Registration:
    ours = practice(name_on_messages=Practice.NameOnMessages.INITIALS)
    ours.save()
    made = Registration.objects.create(
        practice=ours,
        recipient_key="ana",
        recipient_name="Ana García",
        method=Registration.Method.PIN,
        selector=PIN.selector,
        digest="-",
        delivery=Registration.Delivery.NONE,
        issued_by=User.objects.create(email="desk@practice.example"),
        expires_at=EXPIRES,
        form_token="7d1b1f0e-5f0f-4b5e-9a51-0f4f6a8a0a01",
    )
    for number, given in enumerate(["Sofía Isabel", "Mateo"]):
        child = Patient.objects.create(
            practice=ours,
            source_system="test",
            source_id=str(number),
            family_name="Quintero",
            given_names=given,
            birth_date=date(2019 + number, 3, 5),
        )
        made.patients.add(child)
    return made


def test_the_sheet_of_a_registration_names_initials(registration: Registration, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    made = pin_sheet.sheet_for(registration, PIN)
    expected = sheet(practice=registration.practice, logo_png=None, who="M.Q. and S.Q.", several=True)
    assert made == expected


def test_the_sheet_of_a_registration_is_in_its_language(registration: Registration, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    registration.language = "es"
    made = pin_sheet.sheet_for(registration, PIN)
    assert made.language == "es"
    assert made.who == "M.Q. y S.Q."
    assert made.start_url == "https://portal.example.org/start/?lang=es"


def test_the_sheet_of_a_registration_never_tells_the_full_name_or_the_date_of_birth(registration: Registration) -> None:
    registration.practice.name_on_messages = Practice.NameOnMessages.FIRST_NAME
    said = text(pin_sheet.render([pin_sheet.sheet_for(registration, PIN)]))
    assert "For the family of Mateo and Sofía" in said
    for secret in ("Quintero", "Isabel", "2019", "2020", "3/5", "March 5"):
        assert secret not in said


def test_the_sheet_of_a_registration_bears_the_logo_of_its_practice(registration: Registration) -> None:
    logo = png()
    Logo.objects.create(practice=registration.practice, png=logo)
    fresh = Registration.objects.get(pk=registration.pk)
    assert pin_sheet.sheet_for(fresh, PIN).logo_png == logo


def test_the_expiry_is_in_the_practices_own_time(settings: Settings) -> None:
    settings.TIME_ZONE = "UTC"
    east = replace(sheet(), practice=practice(time_zone="America/New_York"))
    assert "Use it by Monday, November 30, 2026, 4:15 PM" in text(pin_sheet.render([east]))
