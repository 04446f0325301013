"""Dates of birth as people type them, month first as in the United States."""

import calendar
import re
from datetime import date
from typing import Final

_MONTHS: Final = {name.casefold(): number for number, name in enumerate(calendar.month_name) if name}
_EXAMPLE: Final = "Type it as 3/5/2019."
_OLDEST: Final = 130  # years


def read(text: str, *, today: date) -> date:
    """The date that was typed: 3/5/2019, 03-05-19, 2019-03-05, 03052019, Mar 5 2019, 5 March 2019.

    Two digits of a year mean the latest such year that is not in the future.
    Raises ValueError with a sentence for the person who typed it.
    """
    year, month, day = _parts(text.strip())
    if len(year) == 2:
        century = today.year // 100 * 100
        full_year = century + int(year)
        if full_year > today.year:
            full_year -= 100
    else:
        full_year = int(year)
    if not 1 <= month <= 12:
        raise ValueError(f"There is no month {month}. The month comes first: 3/25/2019.")
    if not today.year - _OLDEST <= full_year <= today.year:
        raise ValueError(f"{full_year} cannot be a year of birth. {_EXAMPLE}")
    if not 1 <= day <= calendar.monthrange(full_year, month)[1]:
        raise ValueError(f"There is no {calendar.month_name[month]} {day} in {full_year}.")
    found = date(full_year, month, day)
    if found > today:
        raise ValueError(f"{calendar.month_name[month]} {day}, {full_year} is in the future.")
    return found


def _parts(text: str) -> tuple[str, int, int]:
    """Year as typed (2 or 4 digits), month, day."""
    if match := re.fullmatch(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})", text, re.ASCII):
        return match[1], int(match[2]), int(match[3])
    if match := re.fullmatch(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})", text, re.ASCII):
        return match[3], int(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{2})(\d{2})(\d{4})", text, re.ASCII):
        return match[3], int(match[1]), int(match[2])
    if match := re.fullmatch(r"([A-Za-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4}|\d{2})", text, re.ASCII):
        return match[3], _month(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([A-Za-z]{3,9})\.?[\s,-]+(\d{4}|\d{2})", text, re.ASCII):
        return match[3], _month(match[2]), int(match[1])
    if re.fullmatch(r"\d{1,2}\s*[-/. ]\s*\d{1,2}|[A-Za-z]{3,9}\.?\s*\d{1,2}", text, re.ASCII):
        raise ValueError(f"The year is missing. {_EXAMPLE}")
    raise ValueError(f"This does not read as a date. {_EXAMPLE}")


def _month(name: str) -> int:
    found = {number for full, number in _MONTHS.items() if full.startswith(name.casefold())}
    if name.casefold() == "sept":
        found = {9}
    if len(found) != 1:
        raise ValueError(f"“{name}” is not a month. {_EXAMPLE}")
    return found.pop()


def age(born: date, *, on: date) -> int:
    """Completed years; somebody born on February 29 is a year older on March 1 of other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
