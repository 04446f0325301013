"""What registration keeps: what the desk issued, who has access, who asks for it, who does not want it, and the tries counted."""

from registration.models.access import AccessLevel, Association, PortalAccount
from registration.models.registration import (
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
    "Identification",
    "PinDisplay",
    "PortalAccount",
    "Registration",
    "RegistrationQuerySet",
    "SelfRegistration",
    "VerificationQuestion",
]
