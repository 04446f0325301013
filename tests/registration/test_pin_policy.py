"""How long a PIN lives, and who may have their own."""

from datetime import timedelta

import pytest

from portal.models import Practice
from registration import pin_policy
from registration.pin_policy import Delivery

WEEK = timedelta(days=7)


def test_pin_is_valid_for_a_week_by_default() -> None:
    assert pin_policy.pin_validity(Practice()) == {Delivery.EMAIL: WEEK, Delivery.TEXT: WEEK, Delivery.NONE: WEEK}


def test_nist_profile_shortens_what_is_sent() -> None:
    practice = Practice(pin_profile=Practice.PinProfile.NIST)
    assert pin_policy.pin_validity(practice) == {
        Delivery.EMAIL: timedelta(hours=24),
        Delivery.TEXT: timedelta(minutes=10),
        Delivery.NONE: WEEK,
    }


@pytest.mark.parametrize("profile", Practice.PinProfile)
def test_hours_of_the_practice_override_either_profile(profile: Practice.PinProfile) -> None:
    practice = Practice(pin_profile=profile, hours_by_email=1, hours_by_text=2, hours_in_person=3)
    assert list(pin_policy.pin_validity(practice).values()) == [timedelta(hours=hours) for hours in (1, 2, 3)]


@pytest.mark.parametrize(("majority", "limit", "age"), [(18, 18, 18), (19, 18, 18), (18, 21, 18)])
def test_own_pin_is_possible_from_the_earlier_of_both_ages(majority: int, limit: int, age: int) -> None:
    assert pin_policy.own_pin_age(Practice(age_of_majority=majority, minor_age_limit=limit)) == age
