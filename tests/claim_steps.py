"""Claim a registration directly, without the pages. BORN is the default date of birth of `factories.a_patient`."""

from datetime import date
from typing import Final

from registration.access.accounts import Details
from registration.claiming import claims
from registration.claiming.verification import VerifiedKey
from registration.issuing import pin_display
from registration.models import PortalAccount, Registration
from registration.pins import Pin
from tests.factories import SESSION_KEY

HOME: Final = "198.51.100.4"
BORN: Final = date(2019, 3, 5)


def pin_of(registration: Registration) -> Pin:
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin is not None
    return pin


def elena(email: str = "elena@families.example") -> Details:
    return Details(email=email, password_hash="!", given_names="Elena", family_name="García", terms="built-in")


def claim(opened: VerifiedKey, email: str = "elena@families.example") -> PortalAccount:
    return claims.claim_with_new_account(opened, elena(email), relationship="mother", address=HOME)
