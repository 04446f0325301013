"""Build PIN sheets and read the rendered PDFs."""

import io
from datetime import UTC, datetime
from typing import Any

import pypdf
import pypdfium2
import zxingcpp
from PIL import Image

from portal.models import Practice
from registration import pins
from registration.communications.pin_sheet import Sheet

PIN = pins.Pin("K7QF2M9TXB4C")


EXPIRES = datetime(2026, 11, 30, 21, 15, tzinfo=UTC)


LETTER = (612, 792)  # points


A4 = (595, 842)


INCH = 72


LONG_NAME = "Maria Guadalupe Alejandra Fernández de la Vega y Montenegro de los Santos "


def a_png(width: int = 300, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def a_practice(**fields: Any) -> Practice:
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


def a_sheet(**fields: Any) -> Sheet:
    ordinary: dict[str, Any] = {
        "practice": a_practice(),
        "logo_png": a_png(),
        "who": "S.G.",
        "several": False,
        "recipient_name": "Ana García",
        "pin": PIN,
        "start_url": "https://portal.example.org/start/",
        "expires_at": EXPIRES,
    }
    return Sheet(**(ordinary | fields))


def a_crowded_sheet(**fields: Any) -> Sheet:
    """Return a sheet whose fields are all as long as their columns allow."""
    full = a_practice(
        name=(LONG_NAME * 2)[:120],
        street=(LONG_NAME * 2)[:120],
        city=LONG_NAME[:80],
        state="M" * 20,
        postal_code="5" * 12,
    )
    five = ", ".join([LONG_NAME] * 5)
    ordinary: dict[str, Any] = {"practice": full, "who": five, "several": True, "recipient_name": (LONG_NAME * 3)[:200]}
    return a_sheet(**(ordinary | fields))


def pages(pdf: bytes) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def text(pdf: bytes) -> str:
    """Return the text of the PDF on one line."""
    return " ".join(" ".join(page.extract_text() for page in pages(pdf)).split())


def size(page: pypdf.PageObject) -> tuple[int, int]:
    return round(page.mediabox.width), round(page.mediabox.height)


def height_of(words: str, *, page: pypdf.PageObject) -> float:
    """Return the height of these words above the bottom edge, in points."""
    heights: list[float] = []

    def visit(found_text: str, user: list[float], matrix: list[float], _font: object, _size: float) -> None:
        if words in found_text:
            heights.append(matrix[5] * user[3] + user[5])

    page.extract_text(visitor_text=visit)
    assert heights, f"“{words}” is not on the page"
    return heights[0]


def paper(pdf: bytes, *, dots: float) -> Image.Image:
    """Render the first page in gray at this resolution (dots per inch)."""
    with pypdfium2.PdfDocument(pdf) as document:
        printed: Image.Image = document[0].render(scale=dots / INCH).to_pil().convert("L")
    return printed


def scan(pdf: bytes, *, scale: float = 1) -> list[str]:
    """Return what a phone reads from the printed page."""
    return [found.text for found in zxingcpp.read_barcodes(paper(pdf, dots=150 * scale))]
