"""How long a PIN is valid, and at what age patients may have one. The practice's settings decide within these rules."""

from datetime import timedelta
from typing import Final

from portal.models import Practice
from registration.models import Registration

Delivery = Registration.Delivery

_PRACTICE_PROFILE: Final[dict[str, timedelta]] = {delivery: timedelta(days=7) for delivery in Delivery}
# Maximum validity by NIST SP 800-63A-4 3.1.8 and 800-63A-3 (in person).
_NIST_PROFILE: Final[dict[str, timedelta]] = {
    Delivery.EMAIL: timedelta(hours=24),
    Delivery.TEXT: timedelta(minutes=10),
    Delivery.NONE: timedelta(days=7),
}


def pin_validity(practice: Practice) -> dict[str, timedelta]:
    """Return how long a PIN is valid, keyed by `Delivery`. Hours that the practice sets override its profile."""
    profile = _NIST_PROFILE if practice.pin_profile == Practice.PinProfile.NIST else _PRACTICE_PROFILE
    hours_set = {
        Delivery.EMAIL: practice.hours_by_email,
        Delivery.TEXT: practice.hours_by_text,
        Delivery.NONE: practice.hours_in_person,
    }
    return profile | {delivery: timedelta(hours=hours) for delivery, hours in hours_set.items() if hours}


def own_pin_age(practice: Practice) -> int:
    """Return the age, in years, at which patients may have their own PIN."""
    return min(practice.age_of_majority, practice.minor_age_limit)
