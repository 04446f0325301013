"""The PIN sheet: what a family holds in its hand. A registration in, PDF bytes out.

One page, printed on one side. The bottom part folds up over the part with the PIN; what stays to be seen is the
practice and the recipient's name. pin_sheet.css has the measures. A sheet is two parts, the form and what is its own, which
come to lie on each other (`imposing`).
"""

import base64
import gc
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from django.template.loader import render_to_string
from django.utils import translation
from PIL import Image
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher
from zxingcpp import BarcodeFormat, create_barcode

from portal.models import Logo, Practice
from portal.phones import national
from registration.communications import languages, pdf_overlay, welcome
from registration.models import Registration
from registration.pins import Pin
from registration.values import Recipient

# WeasyPrint logs what it could not draw: the letters of a name, the source of an image.
logging.getLogger("weasyprint").setLevel(logging.CRITICAL)

# Shared by the process: a configuration of its own for each sheet costs 0.4 MB that does not come back.
_FONTS: Final = FontConfiguration()
# Pango's font map is not made for two threads at once; a sheet takes so little that waiting is cheaper than a copy.
_ONE_AT_A_TIME: Final = Lock()
_DATA_ONLY: Final = URLFetcher(allowed_protocols=["data"])
_CSS: Final = CSS(
    string=Path(__file__).with_name("pin_sheet.css").read_text(encoding="utf-8"),
    font_config=_FONTS,
    url_fetcher=_DATA_ONLY,
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Sheet:
    """What is printed on one page, in the family's language.

    `who` is the practice's label of the patients (never a full name), `several` says whether there is more than one,
    `is_patient` whether it is given to the patient.
    """

    practice: Practice
    logo_png: bytes | None
    who: str
    several: bool
    is_patient: bool = False
    recipient_name: str
    pin: Pin
    start_url: str
    expires_at: datetime
    language: str = languages.ENGLISH

    @property
    def logo(self) -> str | None:
        return f"data:image/png;base64,{base64.b64encode(self.logo_png).decode()}" if self.logo_png else None

    @property
    def address(self) -> str:
        """The start page as people type it: "portal.example.org/start"."""
        parts = urlsplit(self.start_url)
        return f"{parts.netloc}{parts.path}".rstrip("/")

    @property
    def qr(self) -> str:
        """An image of one pixel a module: to draw it as paths takes six times as long."""
        code = create_barcode(welcome.pin_link(self.start_url, self.pin), BarcodeFormat.QRCode, ec_level="M")
        png = BytesIO()
        Image.fromarray(code.to_image(scale=1, add_quiet_zones=False)).convert("1").save(png, "PNG")
        return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"

    @property
    def phone(self) -> str:
        """It stays on one line."""
        return national(self.practice.phone).replace(" ", "\N{NO-BREAK SPACE}")

    @property
    def until(self) -> str:
        """In the practice's time: "Monday, November 30, 2026, 3:15 PM"."""
        with translation.override(self.language):
            return languages.format_moment(self.expires_at, self.practice.zone)


def sheet_for(registration: Registration, pin: Pin) -> Sheet:
    practice = registration.practice
    patients = list(registration.patients.all())
    logo = Logo.objects.filter(practice=practice).first()
    with translation.override(registration.language):
        who = welcome.who_label(practice, patients)
    return Sheet(
        practice=practice,
        logo_png=bytes(logo.png) if logo else None,
        who=who,
        several=len(patients) > 1,
        is_patient=registration.recipient_key == Recipient.PATIENT,
        recipient_name=registration.recipient_name,
        pin=pin,
        start_url=welcome.start_url(registration.language, practice),
        expires_at=registration.expires_at,
        language=registration.language,
    )


def render(sheets: Sequence[Sheet]) -> bytes:
    """One PDF (PDF/UA-1), a page for each sheet. Its language is that of the first."""
    forms: dict[str, int] = {}  # what sheets have in common, word for word, and its number
    under = [
        forms.setdefault(render_to_string("registration/pin_sheet_form.html", {"sheet": each}), len(forms))
        for each in sheets
    ]
    with translation.override(sheets[0].language):
        html = render_to_string("registration/pin_sheet.html", {"forms": forms, "sheets": sheets})
    with _ONE_AT_A_TIME:
        # All the boxes of a document live until its end: the collector would go through them time and again for nothing.
        gc.disable()
        try:
            document = HTML(string=html, url_fetcher=_DATA_ONLY)
            pdf: bytes = document.write_pdf(
                finisher=lambda _, drawn: pdf_overlay.overlay(drawn, under=under),
                stylesheets=[_CSS],
                font_config=_FONTS,
                pdf_variant="pdf/ua-1",
            )
        finally:
            gc.enable()
    return pdf
