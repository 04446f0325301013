"""What staff request in the Patient Registration window, and how to rebuild the request from a stored registration."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never
from uuid import UUID

from patients import names
from patients.models import Patient
from portal.models import Practice
from registration import pins
from registration.issuing import safety_checks
from registration.models import AccessLevel, Identification, Registration
from registration.values import (
    ByEmail,
    ByPin,
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


@dataclass(frozen=True, kw_only=True, repr=False)
class RegistrationRequest:
    """Everything that staff choose in the Patient Registration window.

    `form_token` identifies the window that was submitted. `override_reasons` has a reason for each safety warning,
    keyed by the warning's key. There is no repr, because a verification answer must not get into a log.
    """

    practice: Practice
    patients: Sequence[Patient]
    recipient: Recipient
    method: Method
    delivery: Delivery
    form_token: UUID
    language: str = "en"
    proxy: Proxy | None = None
    identified_by: str = ""
    risk_acknowledged: bool = False
    override_reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return 64 characters that are always the same for the same request, so that a second submission is recognized.

        The digest includes a secret (the pepper), because a verification answer could be guessed from a plain digest.
        """
        recipient = self.recipient
        parts = [
            sorted(str(patient.pk) for patient in self.patients),
            *(recipient.key, recipient.name, recipient.relationship),
            _method_parts(self.method),
            *(channel(self.delivery), _address(self.delivery), self.language),
            *map(str, proxy_columns(self.proxy).values()),
        ]
        return pins.fingerprint(json.dumps(parts))


def _method_parts(method: Method) -> tuple[str, ...]:
    match method:
        case ByPin():
            return ()
        case ByQuestion(question, answer):
            return (question, names.key(answer))
        case ToAccount(account):
            return (str(account.pk),)
        case _:
            assert_never(method)


def _address(delivery: Delivery) -> str:
    match delivery:
        case ByEmail(address):
            return address
        case ByText(number, carrier):
            return carrier.address_of(number)
        case InPerson():
            return ""
        case _:
            assert_never(delivery)


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


def proxy_columns(proxy: Proxy | None) -> dict[str, Any]:
    """Return the registration columns that describe a proxy's access: level, last day and authorization."""
    if proxy is None:
        return {}
    return {"level": proxy.level, "access_ends_on": proxy.ends_on, "authorization": proxy.authorization}


def audit_details(registration: Registration) -> dict[str, str | bool]:
    """Return what the audit trail records about a registration. Addresses and secrets are left out."""
    details: dict[str, str | bool] = {**safety_checks.audit_details(registration.override_reasons)}
    if registration.identified_by:
        details["identified_by"] = Identification(registration.identified_by).label
    if registration.delivery != Registration.Delivery.NONE:
        details["risk_acknowledged"] = registration.risk_acknowledged
    if registration.access_ends_on:
        details["access"] = f"{registration.get_level_display()} until {registration.access_ends_on}"
        details["authorization"] = registration.authorization
    return details


# --- Read back, to send the same again ---


def recipient_of(registration: Registration) -> Recipient:
    """Return the registration's recipient. Raises Refused if the family contact is no longer in the record."""
    if registration.contact is None and registration.recipient_key.startswith("contact:"):
        raise Refused(f"{registration.recipient_name} is no longer a family contact. Start a new registration.")
    return Recipient(
        name=registration.recipient_name,
        relationship=registration.recipient_relationship,
        contact=registration.contact,
        is_patient=registration.recipient_key == Recipient.PATIENT,
    )


def delivery_of(registration: Registration) -> Delivery:
    """Return how the registration was delivered. Raises Refused if the carrier is no longer in the list."""
    if registration.message is None:
        return InPerson()
    if registration.delivery == Registration.Delivery.EMAIL:
        return ByEmail(registration.message.shown_recipient)
    if registration.carrier is None:
        raise Refused("The cell carrier is no longer on the list. Start a new registration.")
    return ByText(registration.message.shown_recipient, registration.carrier)


def proxy_of(registration: Registration) -> Proxy | None:
    if registration.access_ends_on is None:
        return None
    return Proxy(
        level=AccessLevel(registration.level),
        authorization=registration.authorization,
        ends_on=registration.access_ends_on,
    )
