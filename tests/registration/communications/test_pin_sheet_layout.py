"""Layout of the printed PIN sheet: page size, fold, margins, overlaps and the QR code."""

from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import ImageOps

from registration.communications import pin_sheet
from tests.registration.communications.pin_sheets import (
    A4,
    INCH,
    LETTER,
    LONG_NAME,
    PIN,
    a_crowded_sheet,
    a_png,
    a_practice,
    a_sheet,
    height_of,
    pages,
    paper,
    scan,
    size,
    text,
)


@pytest.mark.parametrize(("chosen", "expected"), [("letter", LETTER), ("a4", A4)])
def test_page_has_the_paper_size_of_the_practice(chosen: str, expected: tuple[int, int]) -> None:
    (page,) = pages(pin_sheet.render(a_sheet(practice=a_practice(sheet_size=chosen))))
    assert size(page) == expected


SECRET = {
    "en": ("For the family", "Given to", "K7QF", "portal.", "Or scan"),
    "es": ("Para la familia", "Entregado a", "K7QF", "portal.", "O escanee", "teléfono"),
}


COVER = {"en": "Private:", "es": "Privado:"}


FOLD = {"en": "Fold here", "es": "Doble aquí"}


@pytest.mark.parametrize("size_name", ["letter", "a4"])
@pytest.mark.parametrize("make", [a_sheet, a_crowded_sheet])
@pytest.mark.parametrize("language", ["en", "es"])
def test_folded_sheet_shows_only_the_cover(size_name: str, make: Any, language: str) -> None:
    sheet = make(language=language)
    sheet.practice.sheet_size = size_name
    (page,) = pages(pin_sheet.render(sheet))
    fold = height_of(FOLD[language], page=page)
    flap_reaches = 2 * fold
    covered = [height_of(words, page=page) for words in SECRET[language]]
    assert flap_reaches > max(covered) + INCH / 4, "the flap must cover everything secret"
    assert min(covered) > fold + INCH / 8, "everything secret must be above the fold"
    assert height_of(COVER[language], page=page) > flap_reaches, "the recipient’s name must stay visible"


@pytest.mark.parametrize("logo", [None, a_png(), a_png(3000, 40), a_png(40, 3000), b"not a picture"])
def test_any_logo_leaves_room_for_the_address_on_one_page(logo: bytes | None) -> None:
    pdf = pin_sheet.render(a_sheet(logo_png=logo))
    assert len(pages(pdf)) == 1
    assert "1450 Cedar Avenue Lindenwood, MN 55298 (612) 555-0100" in text(pdf)


@pytest.mark.parametrize(
    ("language", "time", "end"),
    [("en", "3:15 PM", "Destroy it when you are done."), ("es", "3:15 p. m.", "Destrúyala cuando termine.")],
)
def test_longest_values_fit_on_one_page(language: str, time: str, end: str) -> None:
    url = "https://" + "patient-portal." * 5 + "example.org/start/?lang=es&practice=" + "p" * 60
    pdf = pin_sheet.render(a_crowded_sheet(start_url=url, language=language))
    assert len(pages(pdf)) == 1
    for words in (PIN.shown, time, "example.org/start", FOLD[language], end):
        assert words in text(pdf)


@pytest.mark.parametrize("name", [LONG_NAME * 3, "W" * 200])
def test_nothing_is_printed_in_the_unprintable_margin(name: str) -> None:
    wide = a_practice(name=name[:120], street=name[:120], city=name[:80], state=name[:20], phone="9" * 20)
    pdf = pin_sheet.render(a_sheet(practice=wide, recipient_name=name[:200], who=name))
    left, top, right, bottom = ImageOps.invert(paper(pdf, dots=INCH)).getbbox() or (0, 0, 0, 0)
    assert left >= INCH / 4
    assert top >= INCH / 4
    assert right <= LETTER[0] - INCH / 4
    assert bottom <= LETTER[1] - INCH / 2


def test_notes_are_side_by_side() -> None:
    (page,) = pages(pin_sheet.render(a_sheet()))
    assert len({height_of(title, page=page) for title in ("Need help?", "Not yours?", "Keep it safe")}) == 1


@pytest.mark.parametrize("scale", [1, 0.9])
@pytest.mark.parametrize(
    "host", ["portal.example.org", "patient-portal.the-children-and-adolescents-clinic.example.org"]
)
@pytest.mark.parametrize("size_name", ["letter", "a4"])
def test_qr_code_is_readable_when_the_page_is_scaled_down(scale: float, host: str, size_name: str) -> None:
    pdf = pin_sheet.render(a_sheet(start_url=f"https://{host}/start/", practice=a_practice(sheet_size=size_name)))
    assert scan(pdf, scale=scale) == [f"https://{host}/start/#pin=K7QF2M9TXB4C"]


def test_qr_code_has_sharp_edges() -> None:
    printed = paper(pin_sheet.render(a_sheet(logo_png=None)), dots=600)
    (code,) = zxingcpp.read_barcodes(printed)
    corners = code.position
    modules = printed.crop((corners.top_left.x, corners.top_left.y, corners.bottom_right.x, corners.bottom_right.y))
    black_and_white = sum(count for count, gray in modules.getcolors() or () if gray in (0, 255))
    assert black_and_white > 0.99 * modules.width * modules.height


@pytest.mark.parametrize("size_name", ["letter", "a4"])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "url", ["https://portal.example.org/start/", "https://" + "patient-portal." * 5 + "example.org/start/"]
)
@pytest.mark.parametrize("name", ["Maria Fernández de la Vega y Montenegro " * 6, "W" * 200, "李小龍" * 60])
def test_no_words_overlap(size_name: str, language: str, url: str, name: str) -> None:
    """Every part keeps to its place, however long its text is."""
    full = a_practice(
        name=name[:120], street=name[:120], city=name[:80], state=name[:20], postal_code="5" * 12, sheet_size=size_name
    )
    sheet = a_sheet(practice=full, language=language, start_url=url, recipient_name=name[:200], who=name, several=True)
    with pypdfium2.PdfDocument(pin_sheet.render(sheet)) as document:
        page = document[0].get_textpage()
        lines = [page.get_rect(i) for i in range(page.count_rects())]
    assert len(lines) > 20
    for number, (left, bottom, right, top) in enumerate(lines):
        assert not [
            other
            for other in lines[:number]
            if min(right, other[2]) - max(left, other[0]) > 1 and min(top, other[3]) - max(bottom, other[1]) > 1
        ]


def test_sheet_of_two_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    html = f'<html lang="en"><title>Long</title><article><p>{"A line.<br>" * 200}</p></article>'
    monkeypatch.setattr(pin_sheet, "render_to_string", lambda *_: html)
    with pytest.raises(ValueError, match="The PIN sheet takes"):
        pin_sheet.render(a_sheet())
