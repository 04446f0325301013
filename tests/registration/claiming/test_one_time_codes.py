"""Six-digit codes: one network cannot use up the owner's codes, and no address is flooded."""

from datetime import timedelta

import pytest
import time_machine

from notifications.models import OutgoingMessage
from registration.claiming import one_time_codes
from registration.claiming.one_time_codes import TooManyCodes

OWNER = "elena@families.example"
HOME = "198.51.100.4"


def request_code(requester_address: str | None, *, opened_with: str = "", to: str = OWNER) -> bool:
    """Return whether a code was sent."""
    try:
        one_time_codes.send_code(
            to, practice=None, language="en", requester_address=requester_address, opened_with=opened_with
        )
    except TooManyCodes:
        return False
    return True


@pytest.mark.parametrize("networks", [["203.0.113.9"], ["2001:db8:7:1::1", "2001:db8:7:2::1", "2001:db8:7:3::1"]])
def test_one_network_cannot_use_up_the_codes_of_the_owner(networks: list[str], db: None) -> None:
    assert [request_code(networks[number % len(networks)]) for number in range(12)] == [True] * 3 + [False] * 9
    assert [request_code(HOME) for _ in range(4)] == [True, True, True, False]


def test_strangers_cannot_use_up_the_codes_of_a_pin_holder(db: None) -> None:
    for number in range(1, 30):
        request_code(f"203.0.113.{number}")
    assert not request_code(HOME)
    assert request_code(HOME, opened_with="registration 1")


@pytest.mark.slow
def test_address_gets_at_most_fifteen_codes_per_hour_and_thirty_per_day(db: None) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        for hour, sent in ((0, 15), (1, 30), (2, 30)):
            clock.move_to(f"2026-11-23T{12 + hour}:00:00Z")
            for number in range(1, 30):
                request_code(f"203.0.113.{number}")
                request_code(f"203.0.113.{number}", opened_with=f"registration {number}")
            assert OutgoingMessage.objects.count() == sent
        assert request_code(HOME, to="pablo@families.example")
        clock.shift(timedelta(days=1))
        assert request_code(HOME)


def test_limit_ignores_the_case_of_the_address(db: None) -> None:
    assert [request_code(HOME, to=to) for to in (OWNER, OWNER.upper(), OWNER, OWNER.title())] == [
        True,
        True,
        True,
        False,
    ]
