"""What was asked for: as a fingerprint, as the audit trail tells it, and read back from a registration."""

import json
from collections.abc import Sequence
from typing import Any, assert_never

from patients import names
from patients.models import Patient
from registration import pins
from registration.issuing import safety_checks
from registration.models import AccessLevel, Identification, Registration
from registration.values import (
    ByEmail,
    ByQuestion,
    ByText,
    Delivery,
    InPerson,
    Method,
    Proxy,
    Recipient,
    Refused,
    ToAccount,
)


def digest(
    patients: Sequence[Patient],
    recipient: Recipient,
    method: Method,
    delivery: Delivery,
    *,
    language: str,
    proxy: Proxy | None,
) -> str:
    """The same for the same wish. Peppered, because an answer could be guessed from a bare digest."""
    match delivery:
        case ByEmail(address):
            to = address
        case ByText(number, carrier):
            to = carrier.address_of(number)
        case InPerson():
            to = ""
    asked: tuple[str, ...] = ()
    if isinstance(method, ByQuestion):
        asked = (method.question, names.key(method.answer))
    elif isinstance(method, ToAccount):
        asked = (str(method.account.pk),)
    who = (recipient.key, recipient.name, recipient.relationship)
    patient_keys = sorted(str(patient.pk) for patient in patients)
    how = (language, *map(str, terms(proxy).values()))
    return pins.fingerprint(json.dumps([patient_keys, *who, asked, channel(delivery), to, *how]))


def channel(delivery: Delivery) -> Registration.Delivery:
    match delivery:
        case ByEmail():
            return Registration.Delivery.EMAIL
        case ByText():
            return Registration.Delivery.TEXT
        case InPerson():
            return Registration.Delivery.NONE
        case _:
            assert_never(delivery)


def terms(proxy: Proxy | None) -> dict[str, Any]:
    """The columns of a registration that say how much access it gives, and until when."""
    if proxy is None:
        return {}
    return {"level": proxy.level, "access_ends_on": proxy.ends_on, "authorization": proxy.authorization}


def audit_details(registration: Registration) -> dict[str, str | bool]:
    """What the audit trail says of a registration besides its kind. No address, no secret."""
    details: dict[str, str | bool] = {**safety_checks.audit_details(registration.override_reasons)}
    if registration.identified_by:
        details["identified_by"] = Identification(registration.identified_by).label
    if registration.delivery != Registration.Delivery.NONE:
        details["told_of_risk"] = registration.risk_acknowledged
    if registration.access_ends_on:
        details["access"] = f"{registration.get_level_display()} until {registration.access_ends_on}"
        details["authorisation"] = registration.authorization
    return details


# --- Read back, to ask for the same again ---


def recipient_of(registration: Registration) -> Recipient:
    """Raises Refused where the family contact is not in the record any more."""
    if registration.contact is None and registration.recipient_key.startswith("contact:"):
        raise Refused(f"{registration.recipient_name} is not a family contact any more.")
    return Recipient(
        name=registration.recipient_name,
        relationship=registration.recipient_relationship,
        contact=registration.contact,
        is_patient=registration.recipient_key == Recipient.PATIENT,
    )


def delivery_of(registration: Registration) -> Delivery:
    """Raises Refused where the carrier is not known any more."""
    if registration.message is None:
        return InPerson()
    if registration.delivery == Registration.Delivery.EMAIL:
        return ByEmail(registration.message.shown_recipient)
    if registration.carrier is None:
        raise Refused("The carrier is not known any more. Register the family anew.")
    return ByText(registration.message.shown_recipient, registration.carrier)


def proxy_of(registration: Registration) -> Proxy | None:
    if registration.access_ends_on is None:
        return None
    return Proxy(
        level=AccessLevel(registration.level),
        authorization=registration.authorization,
        ends_on=registration.access_ends_on,
    )
