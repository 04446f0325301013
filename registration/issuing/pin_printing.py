"""Printing the PIN sheet: apart from `reveals`, because loading WeasyPrint takes a second that only the web server needs."""

from django.db import transaction

from portal.audit import Action, Actor
from registration.communications import pin_sheet
from registration.issuing import pin_display
from registration.models import Registration


def print_sheet(registration: Registration, *, session_key: str, actor: Actor) -> bytes | None:
    """The PIN sheet as a PDF; None where it can no longer, or not in this session, be printed.

    It is drawn outside any transaction: SQLite has one writer at a time, and a sheet takes a while.
    """
    pin = pin_display.find_pin(registration, session_key=session_key)
    if pin is None:
        return None
    pdf = pin_sheet.render(pin_sheet.sheet_for(registration, pin))
    with transaction.atomic():
        registration.refresh_from_db(fields=["state"])
        if not registration.is_live:  # revoked while the sheet was being drawn
            return None
        registration.record(Action.SHEET_PRINTED, actor=actor)
    return pdf
