"""The steps from a PIN to an account, for the tests of claims."""

import uuid
from datetime import date
from typing import Any

from patients.models import Contact, Patient
from portal.audit import Actor
from registration.access.accounts import Details
from registration.claiming import claims
from registration.claiming.verification import VerifiedKey
from registration.issuing import pin_display, registrations
from registration.models import PortalAccount, Registration
from registration.pins import Pin
from registration.values import ByPin, InPerson, Method, Recipient

SESSION = "a-session"
HOME = "198.51.100.4"
BORN = date(2019, 3, 5)


def issue(
    patients: list[Patient],
    contact: Contact,
    actor: Actor,
    *,
    method: Method = ByPin(),  # noqa: B008 - a constant
    **options: Any,
) -> Registration:
    return registrations.register_patients(
        practice=patients[0].practice,
        patients=patients,
        recipient=Recipient(name=contact.name, relationship=contact.relationship, contact=contact),
        method=method,
        delivery=options.pop("delivery", InPerson()),
        form_token=uuid.uuid4(),
        session_key=SESSION,
        actor=actor,
        **options,
    )


def pin_of(registration: Registration) -> Pin:
    pin = pin_display.find_pin(registration, session_key=SESSION)
    assert pin is not None
    return pin


def elena(email: str = "elena@families.example") -> Details:
    return Details(email=email, password_hash="!", given_names="Elena", family_name="García", terms="built-in")


def claim(key: VerifiedKey, email: str = "elena@families.example") -> PortalAccount:
    return claims.claim_with_new_account(key, elena(email), relationship="mother", address=HOME)
