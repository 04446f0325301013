"""Phone keys: the shortcut for common formats gives the same key as the library."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients import keys


@given(number=st.from_regex(keys._NORTH_AMERICAN, fullmatch=True))
def test_shortcut_gives_the_same_phone_key_as_the_library(number: str) -> None:
    parsed = phonenumbers.parse(number, "US")
    assert keys.phone_key(number) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("+1 (612) 555-0142", "+16125550142"),
        ("612.555.0142", "+16125550142"),
        ("612-555-0142 ext. 7", "+16125550142"),
        ("+52 55 5555 0142", "+525555550142"),
        ("112-555-0142", "+11125550142"),
        ("none", ""),
        ("", ""),
    ],
)
def test_phone_key_is_the_same_for_every_format_of_a_number(number: str, key: str) -> None:
    assert keys.phone_key(number) == key
