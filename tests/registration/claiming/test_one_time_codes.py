"""A code to an address: nobody shuts its owner out from one place, and nobody floods it."""

from datetime import timedelta

import pytest
import time_machine

from notifications.models import OutgoingMessage
from registration.claiming import one_time_codes
from registration.claiming.one_time_codes import TooManyCodes

OWNER = "elena@families.example"
HOME = "198.51.100.4"


def ask(asked_from: str | None, *, known_as: str = "", to: str = OWNER) -> bool:
    """Whether a code was sent."""
    try:
        one_time_codes.send_code(to, practice=None, language="en", asked_from=asked_from, known_as=known_as)
    except TooManyCodes:
        return False
    return True


@pytest.mark.parametrize("networks", [["203.0.113.9"], ["2001:db8:7:1::1", "2001:db8:7:2::1", "2001:db8:7:3::1"]])
def test_a_stranger_does_not_use_up_the_codes_of_the_owner(networks: list[str], db: None) -> None:
    assert [ask(networks[number % len(networks)]) for number in range(12)] == [True] * 3 + [False] * 9
    assert [ask(HOME) for _ in range(4)] == [True, True, True, False]


def test_many_strangers_leave_codes_for_whoever_holds_a_key(db: None) -> None:
    for number in range(1, 30):
        ask(f"203.0.113.{number}")
    assert not ask(HOME)
    assert ask(HOME, known_as="registration 1")


@pytest.mark.slow
def test_an_address_is_not_flooded_whoever_asks(db: None) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        for hour, sent in ((0, 15), (1, 30), (2, 30)):
            clock.move_to(f"2026-11-23T{12 + hour}:00:00Z")
            for number in range(1, 30):
                ask(f"203.0.113.{number}")
                ask(f"203.0.113.{number}", known_as=f"registration {number}")
            assert OutgoingMessage.objects.count() == sent
        assert ask(HOME, to="pablo@families.example")
        clock.shift(timedelta(days=1))
        assert ask(HOME)


def test_an_address_in_capitals_is_the_same(db: None) -> None:
    assert [ask(HOME, to=to) for to in (OWNER, OWNER.upper(), OWNER, OWNER.title())] == [True, True, True, False]
