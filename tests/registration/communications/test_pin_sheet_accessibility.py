"""The PIN sheet as a screen reader finds it."""

import ctypes
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from registration.communications import pin_sheet
from registration.communications.pin_sheet import Sheet
from tests.registration.communications.pin_sheets import a_crowded_sheet, a_sheet

# A tag and the text or alternative text that a screen reader reads for it.
Spoken = tuple[str, str]


def read_aloud(pdf: bytes) -> list[Spoken]:
    """Return what a screen reader finds on the only page, in order. Assert that it finds all text."""
    (page,) = pypdfium2.PdfDocument(pdf)
    textpage = page.get_textpage()
    text: dict[int, str] = {}
    for text_object in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
        length = pdfium.FPDFTextObj_GetText(text_object, textpage, None, 0)
        buffer = (ctypes.c_ushort * length)()
        pdfium.FPDFTextObj_GetText(text_object, textpage, buffer, length)
        mark = pdfium.FPDFPageObj_GetMarkedContentID(text_object)
        text[mark] = text.get(mark, "") + bytes(buffer).decode("utf-16-le").rstrip("\0")
    tree = pdfium.FPDF_StructTree_GetForPage(page)
    try:
        top = [
            pdfium.FPDF_StructTree_GetChildAtIndex(tree, i) for i in range(pdfium.FPDF_StructTree_CountChildren(tree))
        ]
        found = [spoken for element in top for spoken in _spoken(element, text)]
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    assert text == {}, "the page has text that no tag contains"
    return found


def _spoken(element: Any, text: dict[int, str], tag: str = "") -> Iterator[Spoken]:
    own = _string(pdfium.FPDF_StructElement_GetType, element)
    tag = tag if own in ("NonStruct", "Span", "Div", "LBody") else own
    if alternative := _string(pdfium.FPDF_StructElement_GetAltText, element):
        yield tag, alternative
    for i in range(pdfium.FPDF_StructElement_CountChildren(element)):
        if child := pdfium.FPDF_StructElement_GetChildAtIndex(element, i):
            yield from _spoken(child, text, tag)
        else:
            mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, i)
            if words := text.pop(mark, "").strip():
                yield tag, words


def _string(get: Any, element: Any) -> str:
    length = get(element, None, 0)
    buffer = ctypes.create_string_buffer(length)
    get(element, buffer, length)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def test_sheet_is_read_in_visual_order() -> None:
    english = read_aloud(pin_sheet.render(a_sheet()))
    spanish = read_aloud(pin_sheet.render(a_sheet(language="es", recipient_name="Bea", logo_png=None)))
    joined = re.sub(r"\s+", " ", " ".join(words for _, words in english))
    assert re.search(
        r"^Logo Lindenwood Pediatrics 1450 Cedar Avenue .*Private: for Ana García For the family of S.G. Given to: Ana "
        r"García Your PIN K7QF-2M9T-XB4C Use it by Monday.* QR code that opens.* Go to portal.example.org/start Or scan .* Fold "
        r"here.* Three steps .* 1\. Open the .* Keep it safe Anyone .* when you are done\.$",
        joined,
    ), joined
    assert [words for tag, words in english if tag == "H1"] == ["Lindenwood Pediatrics"]
    assert [words for tag, words in english if tag == "H2"] == ["For the family of S.G.", "Three steps to your account"]
    assert [words for tag, words in spanish if tag == "H2"] == [
        "Para la familia de S.G.",
        "Tres pasos para crear su cuenta",
    ]
    assert ("P", "Su PIN") in spanish
    assert not [words for _, words in english if "Bea" in words]
    assert not [words for _, words in spanish if "Ana" in words]


def test_document_has_language_title_and_tags() -> None:
    with pikepdf.open(io.BytesIO(pin_sheet.render(a_sheet()))) as pdf:
        assert str(pdf.Root.Lang) == "en"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == "PIN sheet from Lindenwood Pediatrics"
        elements = [element for element in pdf.objects if isinstance(element, pikepdf.Dictionary) and element.get("/S")]
        tags = [str(element.S) for element in elements]
        figures = {str(element.Alt) for element in elements if element.S == "/Figure"}
    assert {"/H1", "/H2", "/H3", "/P", "/L", "/LI"} <= set(tags)
    assert figures == {"Logo", "QR code that opens the address and fills in your PIN."}


@pytest.mark.parametrize("make", [a_sheet, a_crowded_sheet])
def test_each_mark_belongs_to_exactly_one_element(make: Callable[[], Sheet]) -> None:
    """Check the page's marks, their elements and the parent tree against each other (PDF 1.7, 14.7.4)."""
    with pikepdf.open(io.BytesIO(pin_sheet.render(make()))) as pdf:
        (page,) = pdf.pages
        (top,) = (article for root in pdf.Root.StructTreeRoot.K for article in root.K)
        numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
        parents = dict(zip((int(number) for number in numbers[::2]), numbers[1::2], strict=True))
        assert set(parents) == {int(page.StructParents)}
        drawn = [
            int(operation.operands[1].MCID)
            for operation in pikepdf.parse_content_stream(page)
            if str(operation.operator) == "BDC" and "/MCID" in operation.operands[1]
        ]
        held = dict(_marks(top, page))
        assert sorted(drawn) == sorted(held), "each mark occurs once, and every mark has an element"
        for mark, element in held.items():
            assert parents[int(page.StructParents)][mark].objgen == element


def _marks(element: Any, page: pikepdf.Page) -> Iterator[tuple[int, tuple[int, int]]]:
    assert element.Pg.objgen == page.objgen
    for kid in element.K:
        if isinstance(kid, pikepdf.Dictionary):
            assert kid.P.objgen == element.objgen
            yield from _marks(kid, page)
        else:
            yield int(kid), element.objgen
