"""Generating, formatting, parsing and hashing PINs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from registration import pins

PINS = st.text(alphabet=pins.ALPHABET, min_size=12, max_size=12)


def test_new_pin_has_three_groups_of_four() -> None:
    pin = pins.generate()
    assert [len(group) for group in pin.shown.split("-")] == [4, 4, 4]
    assert set(pin.characters) <= set(pins.ALPHABET)


def test_pins_are_unique() -> None:
    assert len({pins.generate().characters for _ in range(2_000)}) == 2_000


def test_every_character_of_the_alphabet_occurs() -> None:
    drawn = "".join(pins.generate().characters for _ in range(1_000))
    assert set(drawn) == set(pins.ALPHABET)


@given(PINS, st.sampled_from([" ", "-", "", "  ", "\u2011"]), st.booleans())
def test_case_spaces_and_hyphens_are_ignored(characters: str, between: str, lower: bool) -> None:
    typed = between.join(pins.Pin(characters).groups)
    assert pins.read(typed.lower() if lower else typed) == pins.Pin(characters)


@given(PINS)
def test_look_alike_letters_are_read_as_digits(characters: str) -> None:
    mistyped = characters.replace("0", "O").replace("1", "l")
    assert pins.read(mistyped).characters == characters


@pytest.mark.parametrize("typed", ["", "K7QF", "K7QF-2M9T-XB4", "K7QF-2M9T-XB4CC", "K7QF-2M9T-XB4U", "K7QF*2M9T*XB4C"])
def test_invalid_pin_is_refused_with_a_message(typed: str) -> None:
    with pytest.raises(ValueError, match=r"A PIN has|PINs don’t contain"):
        pins.read(typed)


@given(st.text(max_size=60))
def test_parsing_raises_only_value_error(typed: str) -> None:
    try:
        assert len(pins.read(typed).characters) == 12
    except ValueError as error:
        assert str(error)


def test_hash_matches_only_its_pin() -> None:
    pin = pins.generate()
    stored = pins.digest(pin.characters)
    assert pins.matches(pin.characters, stored)
    assert not pins.matches(pins.generate().characters, stored)
    assert pin.characters not in stored


def test_hashes_of_one_pin_differ() -> None:
    assert pins.digest("K7QF2M9TXB4C") != pins.digest("K7QF2M9TXB4C")


def test_hash_does_not_match_with_another_pepper(settings: Settings) -> None:
    stored = pins.digest("K7QF2M9TXB4C")
    settings.PIN_PEPPER = "another"
    assert not pins.matches("K7QF2M9TXB4C", stored)


def test_pin_has_no_readable_repr() -> None:
    pin = pins.generate()
    assert pin.characters not in f"{pin!r} {pin}"
