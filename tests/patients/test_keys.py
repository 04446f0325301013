"""The keys of phone numbers: what is read at a look is what the library reads."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients import keys


@given(number=st.from_regex(keys._NORTH_AMERICAN, fullmatch=True))
def test_a_number_that_is_read_at_a_look_has_the_library_s_key(number: str) -> None:
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
def test_one_person_s_number_has_one_key_however_it_is_written(number: str, key: str) -> None:
    assert keys.phone_key(number) == key
