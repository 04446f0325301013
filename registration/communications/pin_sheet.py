"""Render the PIN sheet, the printed page that a family takes home, as a PDF.

The sheet is one page, printed on one side. Its bottom part folds up over the part with the PIN, so that only the practice
and the recipient's name remain visible. The layout is in pin_sheet.css.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from PIL import Image
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher
from zxingcpp import BarcodeFormat, create_barcode

from portal.models import Logo, Practice
from portal.phones import national
from registration.communications import languages, welcome
from registration.models import Registration
from registration.pins import Pin
from registration.values import Recipient

# Shared by the process, because each new configuration leaks 0.4 MB.
_FONTS: Final = FontConfiguration()
# Pango's font map is not thread-safe. A sheet renders quickly, so waiting is cheaper than a font map per thread.
_LOCK: Final = Lock()
_DATA_ONLY: Final = URLFetcher(allowed_protocols=["data"])
_CSS: Final = CSS(
    string=Path(__file__).with_name("pin_sheet.css").read_text(encoding="utf-8"),
    font_config=_FONTS,
    url_fetcher=_DATA_ONLY,
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Sheet:
    """The content of a PIN sheet, in the family's language.

    `who` names the patients the way the practice chose (never by full name) and may be empty. `several` is True if
    there is more than one patient. `is_patient` is True if the sheet is for the patient.
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
        """Return the start page's address as people type it: "portal.example.org/start"."""
        parts = urlsplit(self.start_url)
        return f"{parts.netloc}{parts.path}".rstrip("/")

    @property
    def qr(self) -> str:
        """Return the QR code as an image with one pixel per module. Drawing the code as paths takes six times as long."""
        code = create_barcode(welcome.pin_link(self.start_url, self.pin), BarcodeFormat.QRCode, ec_level="M")
        png = BytesIO()
        Image.fromarray(code.to_image(scale=1, add_quiet_zones=False)).convert("1").save(png, "PNG")
        return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"

    @property
    def phone(self) -> str:
        """Return the phone number with no-break spaces, so that the number stays on one line."""
        return national(self.practice.phone).replace(" ", "\N{NO-BREAK SPACE}")

    @property
    def until(self) -> str:
        """Return the expiration time in the practice's time zone: "Monday, November 30, 2026, 3:15 PM"."""
        return languages.format_moment(self.expires_at, self.practice.zone)

    @property
    def name_class(self) -> str:
        return _size_class(self.practice.name, long=32, longer=70)

    @property
    def recipient_class(self) -> str:
        return _size_class(self.recipient_name, long=40)

    @property
    def who_class(self) -> str:
        return _size_class(self.who, long=60)

    @property
    def address_class(self) -> str:
        return _size_class(self.address, long=29, longer=42)

    @property
    def addressee(self) -> str:
        if not self.who:
            return gettext("For your family")
        words = gettext("For %(who)s") if self.is_patient else gettext("For the family of %(who)s")
        return words % {"who": self.who}

    @property
    def second_step(self) -> str:
        if self.is_patient:
            return gettext("Enter the PIN and your date of birth.")
        if self.several:
            return gettext("Enter the PIN and each child’s date of birth.")
        return gettext("Enter the PIN and your child’s date of birth.")


def _size_class(text: str, *, long: int, longer: int | None = None) -> str:
    """Return the CSS class that makes text of this length fit in its space on the sheet."""
    if longer is not None and len(text) > longer:
        return "longer"
    return "long" if len(text) > long else ""


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


def render(sheet: Sheet) -> bytes:
    """Render the sheet as a PDF (PDF/UA-1). Raises ValueError if the sheet does not fit on one page."""
    with translation.override(sheet.language):
        html = render_to_string("registration/pin_sheet.html", {"sheet": sheet})
    with _LOCK:
        document = HTML(string=html, url_fetcher=_DATA_ONLY).render(
            stylesheets=[_CSS], font_config=_FONTS, pdf_variant="pdf/ua-1"
        )
        if len(document.pages) != 1:
            raise ValueError(f"The PIN sheet takes {len(document.pages)} pages.")
        pdf: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    return pdf
