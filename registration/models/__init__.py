"""What registration keeps: what the desk issued, who has access, who asks for it, who does not want it, and the tries counted."""

from registration.models.access import AccessLevel, Association, PortalAccount
from registration.models.registration import (
    Identification,
    Registration,
    RegistrationQuerySet,
    Reveal,
    VerificationQuestion,
)
from registration.models.self_registration import Decline, SelfRegistration
from registration.models.throttle import EmailCode, TryCount

__all__ = [
    "AccessLevel",
    "Association",
    "Decline",
    "EmailCode",
    "Identification",
    "PortalAccount",
    "Registration",
    "RegistrationQuerySet",
    "Reveal",
    "SelfRegistration",
    "TryCount",
    "VerificationQuestion",
]
