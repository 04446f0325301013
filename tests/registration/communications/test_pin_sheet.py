"""The content of the PIN sheet, read back from the PDF."""

import io
import logging
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pikepdf
import pytest
from pytest_django.fixtures import Settings
from weasyprint import HTML

from patients.models import Patient
from portal.models import Logo, Practice, User
from registration import pins
from registration.communications import pin_sheet
from registration.models import Registration
from tests.registration.communications.pin_sheets import (
    EXPIRES,
    PIN,
    a_png,
    a_practice,
    a_sheet,
    pages,
    scan,
    text,
)

HOSTILE_NAMES = [
    "<script>alert(1)</script>",
    '"O’Neil" & Sons\' </p></article><article>',
    '<img src="http://tracker.example/x.png">',
    "محمد אבג \u202eReversed",
    "李小龍 👶🏽 \u200b\u0007",
    "W" * 200,
]


def test_sheet_has_what_a_family_needs() -> None:
    printed = text(pin_sheet.render(a_sheet()))
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
        "Enter the PIN and your child’s date of birth.",
        "Call us at (612) 555-0100.",
        "Not yours? Please return it to the front desk or call (612) 555-0100.",
        "Anyone with this sheet can see the record. Destroy it when you are done.",
    ):
        assert words in printed
    assert "https" not in printed


def test_sheet_is_in_the_family_language() -> None:
    spanish = a_sheet(
        language="es", several=True, who="S.G. y M.G.", start_url="https://portal.example.org/start/?lang=es"
    )
    pdf = pin_sheet.render(spanish)
    printed = text(pdf)
    for words in (
        "Privado: para Ana García",
        "Para la familia de S.G. y M.G.",
        "Entregado a: Ana García",
        "Úselo antes del lunes 30 de noviembre de 2026, 3:15 p. m.",
        "Escriba el PIN y la fecha de nacimiento de cada niño o niña.",
        "Llámenos al (612) 555-0100.",
    ):
        assert words in printed
    assert "?" not in printed.replace("¿Necesita ayuda?", "").replace("¿No es para usted?", "")
    assert scan(pdf) == ["https://portal.example.org/start/?lang=es#pin=K7QF2M9TXB4C"]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.Root.Lang) == "es"
        with document.open_metadata() as metadata:
            assert metadata["dc:title"] == "Hoja con el PIN de Lindenwood Pediatrics"


def test_sheets_in_two_languages_do_not_affect_each_other() -> None:
    spanish, english = pin_sheet.render(a_sheet(language="es")), pin_sheet.render(a_sheet())
    assert "Su PIN" in text(spanish)
    assert "Your PIN" in text(english)


def test_sheet_for_siblings_asks_for_each_date_of_birth() -> None:
    printed = text(pin_sheet.render(a_sheet(who="S.G., M.G. and L.G.", several=True)))
    assert "For the family of S.G., M.G. and L.G." in printed
    assert "Enter the PIN and each child’s date of birth." in printed


def test_sheet_without_initials_addresses_the_family() -> None:
    assert "For your family" in text(pin_sheet.render(a_sheet(who="")))


def test_sheet_works_without_address_and_logo() -> None:
    bare = a_practice(street="", city="", state="", postal_code="")
    printed = text(pin_sheet.render(a_sheet(practice=bare, logo_png=None)))
    assert printed.startswith("Lindenwood Pediatrics (612) 555-0100")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_name_is_only_printed(name: str) -> None:
    pdf = pin_sheet.render(a_sheet(practice=a_practice(name=name[:120]), who=name, recipient_name=name))
    assert len(pages(pdf)) == 1
    assert PIN.shown in text(pdf)
    assert scan(pdf) == ["https://portal.example.org/start/#pin=K7QF2M9TXB4C"]


def test_markup_in_a_name_is_printed_as_text() -> None:
    printed = text(pin_sheet.render(a_sheet(recipient_name="<b>Ana</b> & “Co”")))
    assert "Private: for <b>Ana</b> & “Co”" in printed


def test_pin_is_in_no_metadata_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sheet = a_sheet(recipient_name="Ana 李", logo_png=b"not a picture")
    with pikepdf.open(io.BytesIO(pin_sheet.render(sheet))) as pdf:
        with pdf.open_metadata() as metadata:
            about = f"{metadata}{pdf.docinfo!r}".upper()
        described = "".join(
            str(element.get("/Alt", "")) for element in pdf.objects if isinstance(element, pikepdf.Dictionary)
        )
        links = [page.get("/Annots") for page in pdf.pages]
    for form in (PIN.shown, PIN.characters):
        assert form not in about + described.upper() + caplog.text.upper() + repr(sheet).upper()
    assert "李" not in caplog.text
    assert links == [None]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.png", "https://portal.example.org/x.css", "file:///etc/hostname"]
)
def test_fetcher_rejects_every_url_but_data(url: str) -> None:
    with pytest.raises(ValueError, match="disallowed protocol"):
        pin_sheet._DATA_ONLY.fetch(url)


def test_render_uses_the_restricted_fetcher(monkeypatch: pytest.MonkeyPatch) -> None:
    fetchers: list[object] = []

    def spy(**options: Any) -> HTML:
        fetchers.append(options["url_fetcher"])
        return HTML(**options)

    monkeypatch.setattr(pin_sheet, "HTML", spy)
    pin_sheet.render(a_sheet())
    assert fetchers == [pin_sheet._DATA_ONLY]


@pytest.fixture
def registration(db: None) -> Registration:
    ours = a_practice(name_on_messages=Practice.NameOnMessages.INITIALS)
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


def test_sheet_of_a_registration_has_initials(registration: Registration, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    made = pin_sheet.sheet_for(registration, PIN)
    expected = a_sheet(practice=registration.practice, logo_png=None, who="M.Q. and S.Q.", several=True)
    assert made == expected


def test_sheet_of_a_registration_is_in_its_language(registration: Registration, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    registration.language = "es"
    made = pin_sheet.sheet_for(registration, PIN)
    assert made.language == "es"
    assert made.who == "M.Q. y S.Q."
    assert made.start_url == "https://portal.example.org/start/?lang=es"


def test_sheet_of_a_registration_has_no_full_name_or_birth_date(registration: Registration) -> None:
    registration.practice.name_on_messages = Practice.NameOnMessages.FIRST_NAME
    printed = text(pin_sheet.render(pin_sheet.sheet_for(registration, PIN)))
    assert "For the family of Mateo and Sofía" in printed
    for secret in ("Quintero", "Isabel", "2019", "2020", "3/5", "March 5"):
        assert secret not in printed


def test_sheet_of_a_registration_has_the_practice_logo(registration: Registration) -> None:
    logo = a_png()
    Logo.objects.create(practice=registration.practice, png=logo)
    fresh = Registration.objects.get(pk=registration.pk)
    assert pin_sheet.sheet_for(fresh, PIN).logo_png == logo


def test_expiry_is_in_the_practice_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "UTC"
    east = replace(a_sheet(), practice=a_practice(time_zone="America/New_York"))
    assert "Use it by Monday, November 30, 2026, 4:15 PM" in text(pin_sheet.render(east))


def test_each_sheet_has_only_its_own_pin_name_practice_and_language() -> None:
    practices = [a_practice(name=f"Practice {letter}", phone=f"612555010{i}") for i, letter in enumerate("ABC")]
    sheets = [
        a_sheet(
            practice=practices[number % 3],
            pin=pins.generate(),
            recipient_name=f"Recipient {number:02d}",
            language="es" if number % 2 else "en",
            logo_png=None,
        )
        for number in range(12)
    ]
    for number, sheet in enumerate(sheets):
        pdf = pin_sheet.render(sheet)
        assert len(pages(pdf)) == 1
        printed = text(pdf)
        assert scan(pdf) == [f"https://portal.example.org/start/#pin={sheet.pin.characters}"]
        assert re.findall(r"\w{4}-\w{4}-\w{4}", printed) == [sheet.pin.shown]
        assert set(re.findall(r"Recipient \d\d", printed)) == {sheet.recipient_name}
        assert set(re.findall(r"Practice \w", printed)) == {sheet.practice.name}
        assert ("Doble aquí" in printed, "Fold here" in printed) == (bool(number % 2), not number % 2)
