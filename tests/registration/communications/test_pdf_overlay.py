"""Many sheets on their forms: as a reader shows them, and as it reads them aloud."""

import ctypes
import io
import re
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import zxingcpp
from weasyprint import HTML

from registration import pins
from registration.communications import pdf_overlay, pin_sheet
from tests.registration.communications.test_pin_sheet import crowded_sheet, practice, sheet

Said = list[tuple[str, str]]


def read_aloud(document: pypdfium2.PdfDocument, number: int) -> Said:
    """What a screen reader finds on a page, in its order: each tag that has text of its own, and that text."""
    page = document[number]
    textpage = page.get_textpage()
    text: dict[int, str] = {}
    for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
        length = pdfium.FPDFTextObj_GetText(each, textpage, None, 0)
        buffer = (ctypes.c_ushort * length)()
        pdfium.FPDFTextObj_GetText(each, textpage, buffer, length)
        mark = pdfium.FPDFPageObj_GetMarkedContentID(each)
        text[mark] = text.get(mark, "") + bytes(buffer).decode("utf-16-le").rstrip("\0")
    tree = pdfium.FPDF_StructTree_GetForPage(page)
    try:
        top = [
            pdfium.FPDF_StructTree_GetChildAtIndex(tree, i) for i in range(pdfium.FPDF_StructTree_CountChildren(tree))
        ]
        said = [spoken for element in top for spoken in _spoken(element, text)]
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    assert text == {}, "and nothing is on the page that it does not find"
    return said


def _spoken(element: Any, text: dict[int, str], tag: str = "") -> Iterator[tuple[str, str]]:
    own = _string(pdfium.FPDF_StructElement_GetType, element)
    tag = tag if own in ("NonStruct", "Span", "Div", "LBody") else own
    if alternative := _string(pdfium.FPDF_StructElement_GetAltText, element):
        yield tag, alternative
    for i in range(pdfium.FPDF_StructElement_CountChildren(element)):
        if child := pdfium.FPDF_StructElement_GetChildAtIndex(element, i):
            yield from _spoken(child, text, tag)
        else:
            mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, i)
            if said := text.pop(mark, "").strip():
                yield tag, said


def _string(get: Any, element: Any) -> str:
    length = get(element, None, 0)
    buffer = ctypes.create_string_buffer(length)
    get(element, buffer, length)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def test_a_page_is_read_in_the_order_in_which_it_is_seen() -> None:
    spanish = sheet(language="es", recipient_name="Bea", logo_png=None)
    with pypdfium2.PdfDocument(pin_sheet.render([sheet(), spanish])) as document:
        first, second = (read_aloud(document, number) for number in range(2))
    joined = re.sub(r"\s+", " ", " ".join(said for _, said in first))
    assert re.search(
        r"^Logo Lindenwood Pediatrics 1450 Cedar Avenue .*Private: for Ana García For the family of S.G. Given to: Ana "
        r"García Your PIN K7QF-2M9T-XB4C Use it by Monday.* Code to scan.* Go to portal.example.org/start Or scan .* Fold "
        r"here.* Three steps .* 1\. Open the .* Keep it safe Anyone .* when you are done\.$",
        joined,
    ), joined
    assert [said for tag, said in first if tag == "H1"] == ["Lindenwood Pediatrics"]
    assert [said for tag, said in first if tag == "H2"] == ["For the family of S.G.", "Three steps to your account"]
    assert [said for tag, said in second if tag == "H2"] == [
        "Para la familia de S.G.",
        "Tres pasos para crear su cuenta",
    ]
    assert ("P", "Su PIN") in second
    assert not [said for _, said in first if "Bea" in said]
    assert not [said for _, said in second if "Ana" in said]


def test_each_of_many_sheets_has_its_own_pin_name_and_form() -> None:
    """Three practices in turn, two languages, and an owner for each PIN: nothing of one is on another's page."""
    practices = [practice(name=f"Practice {letter}", phone=f"612555010{i}") for i, letter in enumerate("ABC")]
    sheets = [
        sheet(
            practice=practices[number % 3],
            pin=pins.generate(),
            recipient_name=f"Recipient {number:02d}",
            language="es" if number % 2 else "en",
            logo_png=None,
        )
        for number in range(12)
    ]
    with pypdfium2.PdfDocument(pin_sheet.render(sheets)) as document:
        assert len(document) == 12
        for number, made in enumerate(sheets):
            said = document[number].get_textpage().get_text_bounded()
            (code,) = zxingcpp.read_barcodes(document[number].render(scale=2).to_pil())
            assert code.text == f"https://portal.example.org/start/#pin={made.pin.characters}"
            assert re.findall(r"\w{4}-\w{4}-\w{4}", said) == [made.pin.shown]
            assert set(re.findall(r"Recipient \d\d", said)) == {made.recipient_name}
            assert set(re.findall(r"Practice \w", said)) == {made.practice.name}
            assert ("Doble aquí" in said, "Fold here" in said) == (bool(number % 2), not number % 2)


def test_the_crowded_and_the_plain_lie_on_their_forms_alike() -> None:
    """A page in a batch is, to the dot, the page that it is alone."""
    sheets = [sheet(), crowded_sheet(), sheet(language="es"), sheet(practice=practice(sheet_size="a4"))]
    with pypdfium2.PdfDocument(pin_sheet.render(sheets)) as together:
        for number, made in enumerate(sheets):
            with pypdfium2.PdfDocument(pin_sheet.render([made])) as alone:
                assert together[number].render().to_pil().tobytes() == alone[0].render().to_pil().tobytes()


@pytest.mark.parametrize("size_name", ["letter", "a4"])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "url", ["https://portal.example.org/start/", "https://" + "patient-portal." * 5 + "example.org/start/"]
)
@pytest.mark.parametrize("name", ["Maria Fernández de la Vega y Montenegro " * 6, "W" * 200, "李小龍" * 60])
def test_no_words_lie_on_others(size_name: str, language: str, url: str, name: str) -> None:
    """Each has its place, and keeps to it, however long."""
    full = practice(
        name=name[:120], street=name[:120], city=name[:80], state=name[:20], postal_code="5" * 12, sheet_size=size_name
    )
    made = sheet(practice=full, language=language, start_url=url, recipient_name=name[:200], who=name, several=True)
    with pypdfium2.PdfDocument(pin_sheet.render([made])) as document:
        page = document[0].get_textpage()
        lines = [page.get_rect(i) for i in range(page.count_rects())]
    assert len(lines) > 20
    for number, (left, bottom, right, top) in enumerate(lines):
        assert not [
            each
            for each in lines[:number]
            if min(right, each[2]) - max(left, each[0]) > 1 and min(top, each[3]) - max(bottom, each[1]) > 1
        ]


def test_each_mark_leads_to_one_element_and_back() -> None:
    """PDF 1.7, 14.7.4: a page's marks, the elements that hold them, and the tree that leads from the one to the other."""
    with pikepdf.open(io.BytesIO(pin_sheet.render([sheet(), crowded_sheet(), sheet()]))) as pdf:
        (tops,) = (each.K for each in pdf.Root.StructTreeRoot.K)
        assert len(tops) == len(pdf.pages) == 3
        numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
        led_to = dict(zip((int(number) for number in numbers[::2]), numbers[1::2], strict=True))
        assert set(led_to) == {int(page.StructParents) for page in pdf.pages}
        for page, top in zip(pdf.pages, tops, strict=True):
            drawn = [
                int(words.operands[1].MCID)
                for words in pikepdf.parse_content_stream(page)
                if str(words.operator) == "BDC" and "/MCID" in words.operands[1]
            ]
            held = dict(_marks(top, page))
            assert sorted(drawn) == sorted(held), "each mark once, and none that no element holds"
            for mark, element in held.items():
                assert led_to[int(page.StructParents)][mark].objgen == element


def _marks(element: Any, page: pikepdf.Page) -> Iterator[tuple[int, tuple[int, int]]]:
    assert element.Pg.objgen == page.objgen
    for kid in element.K:
        if isinstance(kid, pikepdf.Dictionary):
            assert kid.P.objgen == element.objgen
            yield from _marks(kid, page)
        else:
            yield int(kid), element.objgen


@pytest.mark.parametrize("long", [0, 1])
def test_what_does_not_fit_on_its_page_is_refused(long: int) -> None:
    """No sheet is better than one on another practice's form."""
    articles = "".join(
        f'<article style="break-before: page"><p>{"A line.<br>" * (200 if number == long else 1)}</p></article>'
        for number in range(2)
    )
    with pytest.raises(ValueError, match="1 sheets on 1 forms took"):
        HTML(string=f'<html lang="en"><title>Long</title>{articles}').write_pdf(
            pdf_variant="pdf/ua-1", finisher=lambda _, drawn: pdf_overlay.overlay(drawn, under=[0])
        )


def test_the_pin_is_laid_out_for_its_page_alone() -> None:
    with pikepdf.open(io.BytesIO(pin_sheet.render([sheet(), sheet(pin=pins.generate())]))) as pdf:
        (form, own), (again, other) = ([each.objgen for each in page.Contents] for page in pdf.pages)
    assert form == again, "the form is one and the same"
    assert own != other
