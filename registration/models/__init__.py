"""What registration keeps: what the desk issued, who has access, who asks for it, who does not want it, and the tries counted."""

from registration.models.access import AccessLevel, Association, PortalAccount
from registration.models.asked import Decline, SelfRegistration
from registration.models.counted import EmailCode, TryCount
from registration.models.issued import Identification, Registration, RegistrationQuerySet, Reveal, VerificationQuestion

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
