"""Dates and times as staff see them, in the practice's time zone."""

from datetime import date, datetime

from django.utils import timezone


def us_date(value: date | datetime | None) -> str:
    """Format a date; "" for None.

    >>> us_date(date(2019, 3, 5)), us_date(None)
    ('03/05/2019', '')
    """
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return f"{value.month:02}/{value.day:02}/{value.year:04}" if value else ""


def us_time(value: datetime) -> str:
    local = timezone.localtime(value)
    return f"{local.hour % 12 or 12}:{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"


def us_datetime(value: datetime | None) -> str:
    """Format a moment like "11/28/2026, 3:15 PM"; "" for None."""
    return f"{us_date(value)}, {us_time(value)}" if value else ""
