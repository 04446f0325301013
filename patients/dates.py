"""Parse dates of birth as people type them: month first, or with the month's name in any of the portal's languages."""

import calendar
import re
from datetime import date
from functools import cache
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.dates import MONTHS
from django.utils.translation import gettext

_MAX_AGE: Final = 130  # years


def parse_birth_date(text: str, *, today: date) -> date:
    """Parse a date: 3/5/2019, 03-05-19, 2019-03-05, 03052019, Mar 5 2019, 5 March 2019, 5 de marzo de 2019.

    A two-digit year means the latest such year that is not in the future. Raises ValueError with a message for the
    person who typed the date, in the active language.
    """
    typed_year, month, day = _parts(text.strip())
    year = _four_digit_year(typed_year, today=today)
    if not 1 <= month <= 12:
        message = gettext("Month %(month)s does not exist. Enter the month first, like 12/31/2019.")
        raise _InvalidDateError(message, month=month)
    if not today.year - _MAX_AGE <= year <= today.year:
        message = gettext("%(year)s can’t be a year of birth. Enter a date like 12/31/2019.")
        raise _InvalidDateError(message, year=year)
    shown = {"month": MONTHS[month], "day": day, "year": year}
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise _InvalidDateError(gettext("There is no %(month)s %(day)s in %(year)s."), **shown)
    birth_date = date(year, month, day)
    if birth_date > today:
        raise _InvalidDateError(gettext("%(month)s %(day)s, %(year)s is in the future."), **shown)
    return birth_date


class _InvalidDateError(ValueError):
    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message % values)


def _four_digit_year(typed: str, *, today: date) -> int:
    if len(typed) == 4:
        return int(typed)
    year = today.year // 100 * 100 + int(typed)
    return year if year <= today.year else year - 100


def _parts(text: str) -> tuple[str, int, int]:
    """Return the year as typed (2 or 4 digits), the month and the day."""
    if match := re.fullmatch(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})", text, re.ASCII):
        return match[1], int(match[2]), int(match[3])
    if match := re.fullmatch(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})", text, re.ASCII):
        return match[3], int(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{2})(\d{2})(\d{4})", text, re.ASCII):
        return match[3], int(match[1]), int(match[2])
    text = re.sub(r"\b(de|del)\b ?", "", text, flags=re.IGNORECASE)
    if match := re.fullmatch(r"([A-Za-z]{3,10})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4}|\d{2})", text, re.ASCII):
        return match[3], _month(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([A-Za-z]{3,10})\.?[\s,-]+(\d{4}|\d{2})", text, re.ASCII):
        return match[3], _month(match[2]), int(match[1])
    if re.fullmatch(r"\d{1,2}\s*[-/. ]\s*\d{1,2}|[A-Za-z]{3,10}\.?\s*\d{1,2}", text, re.ASCII):
        raise _InvalidDateError(gettext("The year is missing. Enter a date like 12/31/2019."))
    raise _InvalidDateError(gettext("Enter a date like 12/31/2019."))


def _month(name: str) -> int:
    numbers = {number for full_name, number in _months().items() if full_name.startswith(name.casefold())}
    if name.casefold() == "sept":
        numbers = {9}
    if len(numbers) != 1:
        raise _InvalidDateError(gettext("“%(word)s” is not a month. Enter a date like 12/31/2019."), word=name)
    return numbers.pop()


@cache
def _months() -> dict[str, int]:
    """Return a dict from month names, in each of the portal's languages, to month numbers."""
    months: dict[str, int] = {}
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            months |= {str(name).casefold(): number for number, name in MONTHS.items()}
    return months


def age(birth_date: date, *, on: date) -> int:
    """Return the age in full years. In common years, a person born on February 29 turns a year older on March 1."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
