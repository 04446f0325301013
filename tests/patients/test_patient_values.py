"""Template filters format dates, times, ages and languages as staff see them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from patients.templatetags import patient_values


def render(source: str, value: object) -> str:
    return Template("{% load patient_values %}" + source).render(Context({"value": value}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(date(2019, 3, 5), "03/05/2019"), (date(987, 12, 31), "12/31/0987"), (None, "")],
)
def test_date_is_shown_month_first(value: date | None, shown: str) -> None:
    assert render("{{ value|us_date }}", value) == shown


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        (datetime(2026, 11, 28, 21, 15, tzinfo=UTC), "11/28/2026, 3:15 PM"),
        (datetime(2026, 11, 29, 5, 59, tzinfo=UTC), "11/28/2026, 11:59 PM"),
        (datetime(2026, 11, 28, 6, 5, tzinfo=UTC), "11/28/2026, 12:05 AM"),
        (datetime(2026, 11, 28, 18, 0, tzinfo=UTC), "11/28/2026, 12:00 PM"),
        (None, ""),
    ],
)
def test_moment_is_shown_in_the_current_time_zone(utc: datetime | None, shown: str) -> None:
    with timezone.override(ZoneInfo("America/Chicago")):
        assert render("{{ value|us_datetime }}", utc) == shown
        assert render("{{ value|us_date }}", utc) == shown.partition(",")[0]
        assert render("{{ value|us_time }}", utc) == shown.partition(", ")[2]


@pytest.mark.parametrize(
    ("birth_date", "shown"),
    [
        (date(2026, 11, 23), "0 d"),
        (date(2026, 11, 20), "3 d"),
        (date(2026, 10, 1), "7 wk"),
        (date(2025, 9, 24), "13 mo"),
        (date(2019, 3, 5), "7 y"),
    ],
)
def test_age_is_shown_in_days_weeks_months_or_years(birth_date: date, shown: str) -> None:
    assert patient_values.format_age(birth_date, on=date(2026, 11, 23)) == shown


@pytest.mark.parametrize(("tag", "name"), [("es-MX", "Spanish"), ("hmn", "hmn"), ("", "")])
def test_language_is_shown_by_its_name_if_it_is_known(tag: str, name: str) -> None:
    assert patient_values.language_name(tag) == name
