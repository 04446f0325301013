"""Dates of birth as people type them."""

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
def test_one_day_in_many_ways(typed: str) -> None:
    assert dates.read(typed, today=TODAY) == date(2019, 3, 5)


def test_two_digits_mean_the_latest_year_that_has_come() -> None:
    assert dates.read("1/2/26", today=TODAY).year == 2026
    assert dates.read("1/2/27", today=TODAY).year == 1927


def test_the_longest_month_is_read_in_either_language() -> None:
    assert dates.read("5 de septiembre de 2019", today=TODAY) == dates.read("Sept 5 2019", today=TODAY)


def test_a_family_is_told_in_its_language() -> None:
    with translation.override("es"), pytest.raises(ValueError, match="El 30 de febrero no existe en 2019"):
        dates.read("2/30/2019", today=TODAY)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("2/30/2019", "There is no February 30 in 2019"),
        ("2/29/2019", "There is no February 29"),
        ("13/5/2019", "no month 13"),
        ("0/5/2019", "no month 0"),
        ("12/25/2026", "in the future"),
        ("3/5/1802", "cannot be a year of birth"),
        ("3/5/2090", "cannot be a year of birth"),
        ("3/5", "The year is missing"),
        ("Mar 5", "The year is missing"),
        ("Ma 5 2019", "does not read as a date"),
        ("Foo 5 2019", "not a month"),
        ("smith", "does not read as a date"),
        ("3/5/20199", "does not read as a date"),
    ],
)
def test_what_cannot_be_is_explained(typed: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        dates.read(typed, today=TODAY)


@given(
    st.dates(date(1900, 1, 1), TODAY),
    st.sampled_from(["%m/%d/%Y", "%Y-%m-%d", "%m%d%Y", "%b %d %Y", "%B %d, %Y", "%d %b %Y"]),
)
def test_every_day_is_read_back(day: date, form: str) -> None:
    assert dates.read(day.strftime(form), today=TODAY) == day


@given(st.text(max_size=40))
def test_anything_else_is_told_in_a_sentence(typed: str) -> None:
    try:
        assert dates.read(typed, today=TODAY) <= TODAY
    except ValueError as error:
        assert str(error).endswith((".", "2019."))


def test_a_leap_day_child_is_older_on_the_first_of_march() -> None:
    born = date(2012, 2, 29)
    assert dates.age(born, on=date(2026, 2, 28)) == 13
    assert dates.age(born, on=date(2026, 3, 1)) == 14
