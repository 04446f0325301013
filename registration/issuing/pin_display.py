"""Keep a PIN for 15 minutes so that the session that issued it can display it and print its sheet."""

import hashlib
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from portal import sealing
from portal.audit import Action, Actor
from registration import pins
from registration.models import PinDisplay, Registration
from registration.pins import Pin

PRINTABLE_FOR: Final = timedelta(minutes=15)


def store(registration: Registration, pin: Pin, *, session_key: str) -> None:
    """Seal the PIN for this session. Call inside the transaction that issues the registration."""
    PinDisplay.objects.create(
        registration=registration,
        session=_session_digest(session_key),
        sealed_pin=sealing.seal(pin.characters),
        until=registration.issued_at + PRINTABLE_FOR,
    )


@transaction.atomic
def reveal(registration: Registration, *, session_key: str, actor: Actor) -> Pin | None:
    """Return the PIN to display to staff, and audit this. Return None if the PIN expired or belongs to another session."""
    pin = find_pin(registration, session_key=session_key)
    if pin is not None:
        registration.record(Action.PIN_SHOWN, actor=actor)
    return pin


def is_available(registration: Registration, *, session_key: str) -> bool:
    return registration.is_live and _find(registration, session_key=session_key) is not None


def delete_expired() -> None:
    PinDisplay.objects.filter(until__lte=timezone.now()).delete()


def find_pin(registration: Registration, *, session_key: str) -> Pin | None:
    """Return the PIN if this session may still see it. The caller must write the audit event when the PIN becomes visible."""
    display = _find(registration, session_key=session_key) if registration.is_live else None
    return pins.read(sealing.unseal(display.sealed_pin)) if display else None


def _find(registration: Registration, *, session_key: str) -> PinDisplay | None:
    return PinDisplay.objects.filter(
        registration=registration, session=_session_digest(session_key), until__gt=timezone.now()
    ).first()


def _session_digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
