"""Tables of this app: registrations, access, self-registrations, declines and attempt counters."""

from registration.models.access import AccessLevel, Association, PortalAccount
from registration.models.registration import (
    EndCode,
    Identification,
    PinDisplay,
    Registration,
    RegistrationQuerySet,
    VerificationQuestion,
)
from registration.models.self_registration import Decline, SelfRegistration
from registration.models.throttle import AttemptCounter, EmailCode

__all__ = [
    "AccessLevel",
    "Association",
    "AttemptCounter",
    "Decline",
    "EmailCode",
    "EndCode",
    "Identification",
    "PinDisplay",
    "PortalAccount",
    "Registration",
    "RegistrationQuerySet",
    "SelfRegistration",
    "VerificationQuestion",
]
