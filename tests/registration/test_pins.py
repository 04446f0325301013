"""A PIN: made, shown, read back as people type it, and kept so that nobody can read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from registration import pins

PINS = st.text(alphabet=pins.ALPHABET, min_size=12, max_size=12)


def test_a_new_pin_is_shown_in_three_groups_of_four() -> None:
    pin = pins.generate()
    assert [len(group) for group in pin.shown.split("-")] == [4, 4, 4]
    assert set(pin.characters) <= set(pins.ALPHABET)


def test_no_two_pins_are_alike() -> None:
    assert len({pins.generate().characters for _ in range(2_000)}) == 2_000


def test_every_letter_of_the_alphabet_comes_up() -> None:
    drawn = "".join(pins.generate().characters for _ in range(1_000))
    assert set(drawn) == set(pins.ALPHABET)


@given(PINS, st.sampled_from([" ", "-", "", "  ", "\u2011"]), st.booleans())
def test_case_spaces_and_hyphens_do_not_matter(characters: str, between: str, lower: bool) -> None:
    typed = between.join(pins.Pin(characters).groups)
    assert pins.read(typed.lower() if lower else typed) == pins.Pin(characters)


@given(PINS)
def test_what_looks_like_a_digit_is_read_as_one(characters: str) -> None:
    mistyped = characters.replace("0", "O").replace("1", "l")
    assert pins.read(mistyped).characters == characters


@pytest.mark.parametrize("typed", ["", "K7QF", "K7QF-2M9T-XB4", "K7QF-2M9T-XB4CC", "K7QF-2M9T-XB4U", "K7QF*2M9T*XB4C"])
def test_what_is_no_pin_is_told_politely(typed: str) -> None:
    with pytest.raises(ValueError, match="A PIN has"):
        pins.read(typed)


@given(st.text(max_size=60))
def test_reading_never_fails_in_another_way(typed: str) -> None:
    try:
        assert len(pins.read(typed).characters) == 12
    except ValueError as error:
        assert str(error)


def test_what_is_stored_matches_the_pin_and_no_other() -> None:
    pin = pins.generate()
    stored = pins.digest(pin.characters)
    assert pins.matches(pin.characters, stored)
    assert not pins.matches(pins.generate().characters, stored)
    assert pin.characters not in stored


def test_the_same_pin_is_never_stored_alike() -> None:
    assert pins.digest("K7QF2M9TXB4C") != pins.digest("K7QF2M9TXB4C")


def test_without_the_pepper_nothing_matches(settings: Settings) -> None:
    stored = pins.digest("K7QF2M9TXB4C")
    settings.PIN_PEPPER = "another"
    assert not pins.matches("K7QF2M9TXB4C", stored)


def test_a_pin_does_not_slip_into_a_log() -> None:
    pin = pins.generate()
    assert pin.characters not in f"{pin!r} {pin}"
