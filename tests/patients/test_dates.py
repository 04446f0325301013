"""Dates of birth are parsed in the formats that people type."""

from datetime import date

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from patients import dates

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "typed",
    ["3/5/2019", "03/05/2019", "03-05-19", "3.5.19", "2019-03-05", "2019/3/5", "03052019", "Mar 5 2019", "March 5, 2019",
     "mar 5th, 2019", "5 Mar 2019", "5 March 19", " 3 / 5 / 2019 ", "5 de marzo de 2019", "marzo 5, 2019", "5 MARZO DEL 2019"],
)  # fmt: skip
def test_date_is_parsed_in_every_format(typed: str) -> None:
    assert dates.parse_birth_date(typed, today=TODAY) == date(2019, 3, 5)


def test_year_of_two_digits_is_the_latest_that_is_not_in_the_future() -> None:
    assert dates.parse_birth_date("1/2/26", today=TODAY).year == 2026
    assert dates.parse_birth_date("1/2/27", today=TODAY).year == 1927


def test_longest_month_is_parsed_in_either_language() -> None:
    assert dates.parse_birth_date("5 de septiembre de 2019", today=TODAY) == dates.parse_birth_date(
        "Sept 5 2019", today=TODAY
    )


def test_error_is_in_the_active_language() -> None:
    with translation.override("es"), pytest.raises(ValueError, match="El 30 de febrero no existe en 2019"):
        dates.parse_birth_date("2/30/2019", today=TODAY)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2/30/2019", "There is no February 30 in 2019"),
        ("2/29/2019", "There is no February 29"),
        ("13/5/2019", "Month 13 does not exist"),
        ("0/5/2019", "Month 0 does not exist"),
        ("12/25/2026", "in the future"),
        ("3/5/1802", "can’t be a year of birth"),
        ("3/5/2090", "can’t be a year of birth"),
        ("3/5", "The year is missing"),
        ("Mar 5", "The year is missing"),
        ("Ma 5 2019", "Enter a date like 12/31/2019"),
        ("Foo 5 2019", "not a month"),
        ("smith", "Enter a date like 12/31/2019"),
        ("3/5/20199", "Enter a date like 12/31/2019"),
    ],
)
def test_invalid_date_is_explained(typed: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dates.parse_birth_date(typed, today=TODAY)


@given(
    st.dates(date(1900, 1, 1), TODAY),
    st.sampled_from(["%m/%d/%Y", "%Y-%m-%d", "%m%d%Y", "%b %d %Y", "%B %d, %Y", "%d %b %Y"]),
)
def test_every_date_is_parsed_back(day: date, form: str) -> None:
    assert dates.parse_birth_date(day.strftime(form), today=TODAY) == day


@given(st.text(max_size=40))
def test_any_other_text_raises_a_message_in_a_sentence(typed: str) -> None:
    try:
        assert dates.parse_birth_date(typed, today=TODAY) <= TODAY
    except ValueError as error:
        assert str(error).endswith((".", "2019."))


def test_child_born_on_february_29_turns_older_on_march_1() -> None:
    born = date(2012, 2, 29)
    assert dates.age(born, on=date(2026, 2, 28)) == 13
    assert dates.age(born, on=date(2026, 3, 1)) == 14
