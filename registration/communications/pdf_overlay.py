"""A form, and what is printed onto it: what pages have in common is laid out and painted once, and put under each of them.

A printer's imposition, done to the PDF that WeasyPrint has drawn and not yet written (its `finisher`). Nothing in what is a
page's own is touched: it is laid out for that page alone, and its stream is written as WeasyPrint made it.
"""

from collections.abc import Sequence
from typing import Any

import pydyf


def overlay(pdf: pydyf.PDF, *, under: Sequence[int]) -> None:
    """Puts the form `under[i]` under the i-th page after the forms, which leave the document.

    The forms are the first pages. Every page, a form too, is one article, tagged (PDF/UA): a page's article reads the first
    part of its form's, then its own, then the rest of the form's. Raises ValueError where an article is not one page: no
    sheet is better than one on another practice's form.
    """
    forms = max(under) + 1
    pages = [_at(pdf, reference) for reference in pdf.page_references]
    tree = _at(pdf, pdf.catalog["StructTreeRoot"])
    (document,) = (_at(pdf, reference) for reference in tree["K"])
    articles = [_at(pdf, reference) for reference in document["K"]]
    by_page = _at(pdf, tree["ParentTree"])["Nums"]  # a page's number, and the element of each of its marks
    marks = by_page[1::2]
    if not len(pages) == len(articles) == len(marks) == forms + len(under):
        raise ValueError(f"{len(under)} sheets on {forms} forms took {len(pages)} pages")

    shift = max(len(own) for own in marks[forms:])
    for page in pages[:forms]:
        _make_room(_at(pdf, page["Contents"]), shift)
    for page, article, own, form in zip(pages[forms:], articles[forms:], marks[forms:], under, strict=True):
        page["Contents"] = pydyf.Array([pages[form]["Contents"], page["Contents"]])
        own += [b"null"] * (shift - len(own)) + marks[form]
        first, *rest = (_copy(pdf, _at(pdf, part), article, own, shift) for part in articles[form]["K"])
        article["K"] = pydyf.Array([first, *article["K"], *rest])

    del pdf.pages["Kids"][: 3 * forms]  # each is three words: number, generation, R
    pdf.pages["Count"] -= forms
    del document["K"][:forms]
    del by_page[: 2 * forms]


def _at(pdf: pydyf.PDF, reference: bytes) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _make_room(stream: pydyf.Stream, shift: int) -> None:
    """Leaves the graphics state to the next stream as it was, and the marks below `shift` free for it."""
    for word in stream.stream:
        if isinstance(word, pydyf.Dictionary) and "MCID" in word:
            word["MCID"] += shift
    stream.stream = [b"q", *stream.stream, b"Q"]


def _copy(pdf: pydyf.PDF, element: pydyf.Dictionary, parent: pydyf.Dictionary, marks: list[bytes], shift: int) -> Any:
    """An element of a form and all below it, once more for one page. Its reference."""
    copy = pydyf.Dictionary(element | {"P": parent.reference, "Pg": parent["Pg"], "K": pydyf.Array()})
    pdf.add_object(copy)
    for kid in element["K"]:
        if isinstance(kid, int):  # a mark in the stream
            copy["K"].append(kid + shift)
            marks[kid + shift] = copy.reference
        else:
            copy["K"].append(_copy(pdf, _at(pdf, kid), copy, marks, shift))
    return copy.reference
