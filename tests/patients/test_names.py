"""Names are found in any spelling of case, accents and hyphens, and placeholder names are recognized."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients import names


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("O'Brien", "obrien"),
        ("O’Brien", "o'brien"),
        ("O'Brien", "o brien"),
        ("O'Brien", "brien"),
        ("D’Angelo", "angelo"),
        ("García-López", "lopez"),
        ("García-López", "garcia lopez"),
        ("García-López", "GARCIALOPEZ"),
        ("Nguyễn", "nguyen"),
        ("de la Cruz", "delacruz"),
        ("de la Cruz", "cruz"),
        ("Müller", "muller"),
        ("Strauß", "strauss"),
        ("Yundt842", "yundt"),
        ("van der Berg", "berg"),
        ("N'Diaye", "ndiaye"),
        ("St. Clair", "st clair"),
    ],
)
def test_surname_is_found_as_people_type_it(written: str, typed: str) -> None:
    assert any(key.startswith(names.key(typed)) for key in names.surname_keys(written))


def test_repeated_part_of_a_surname_has_one_key() -> None:
    assert names.surname_keys("García-García") == ["garciagarcia", "garcia"]


def test_preferred_name_has_a_key_only_if_it_is_different() -> None:
    assert names.given_keys("William James", "Billy") == ["williamjames", "billy"]
    assert names.given_keys("William James", "Will") == ["williamjames"]


@pytest.mark.parametrize(
    "given_names",
    ["Baby Boy", "BABY GIRL", "Babyboy", "Baby", "Newborn", "BB", "Baby Boy A", "Twin B", "Boy", "Girl 2", "Infant of Maria",
     "Baby Boy of Ana", "Male", "Unknown", "", "  ", "-"],
)  # fmt: skip
def test_placeholder_name_is_recognized(given_names: str) -> None:
    assert names.is_placeholder(given_names)


@pytest.mark.parametrize(
    "given_names",
    ["Barbara", "Bobby", "Boyd", "Ann", "B", "Baby-Jane Marie", "Girolamo", "Malee", "Twinkle", "Unity", "李"],
)
def test_real_name_is_not_a_placeholder(given_names: str) -> None:
    assert not names.is_placeholder(given_names)


def test_initials_have_one_letter_per_name() -> None:
    assert names.initials("María José", "García-López") == "M.G."
    assert names.initials("", "O'Brien") == "O."


@given(st.text(max_size=80))
def test_key_has_only_letters_and_digits_and_folding_it_again_changes_nothing(name: str) -> None:
    key = names.key(name)
    assert key == names.key(key)
    assert all(letter.isascii() and (letter.islower() or letter.isdigit()) for letter in key)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_each_part_of_a_double_surname_is_found(first: str, second: str) -> None:
    keys = names.surname_keys(f"{first}-{second}")
    assert any(key.startswith(names.key(first)) for key in keys)
    assert any(key.startswith(names.key(second)) for key in keys)
