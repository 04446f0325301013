"""Print the PIN sheet.

This is not in `pin_display` because importing WeasyPrint takes a second, and only the web server needs it.
"""

from django.db import transaction

from portal.audit import Action, Actor
from registration.communications import pin_sheet
from registration.issuing import pin_display
from registration.models import Registration


def print_sheet(registration: Registration, *, session_key: str, actor: Actor) -> bytes | None:
    """Return the PIN sheet as a PDF, or None if the PIN has expired or belongs to another session.

    The PDF is rendered outside a transaction, because rendering takes a while and SQLite allows only one writer at a
    time.
    """
    pin = pin_display.find_pin(registration, session_key=session_key)
    if pin is None:
        return None
    pdf = pin_sheet.render(pin_sheet.sheet_for(registration, pin))
    with transaction.atomic():
        registration.refresh_from_db(fields=["state"])
        if not registration.is_live:  # It was revoked during rendering.
            return None
        registration.record(Action.SHEET_PRINTED, actor=actor)
    return pdf
