"""Dates of birth as people type them, month first as in the United States, its name in any language that we speak."""

import calendar
import re
from datetime import date
from functools import cache
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.dates import MONTHS
from django.utils.translation import gettext

_OLDEST: Final = 130  # years


def read(text: str, *, today: date) -> date:
    """The date that was typed: 3/5/2019, 03-05-19, 2019-03-05, 03052019, Mar 5 2019, 5 March 2019, 5 de marzo de 2019.

    Two digits of a year mean the latest such year that is not in the future.
    Raises ValueError with a sentence for the person who typed it, in the language that is active.
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
        raise _Wrong(gettext("There is no month %(month)s. The month comes first: 3/25/2019."), month=month)
    if not today.year - _OLDEST <= full_year <= today.year:
        raise _Wrong(gettext("%(year)s cannot be a year of birth. Type it as 3/5/2019."), year=full_year)
    said = {"month": MONTHS[month], "day": day, "year": full_year}
    if not 1 <= day <= calendar.monthrange(full_year, month)[1]:
        raise _Wrong(gettext("There is no %(month)s %(day)s in %(year)s."), **said)
    found = date(full_year, month, day)
    if found > today:
        raise _Wrong(gettext("%(month)s %(day)s, %(year)s is in the future."), **said)
    return found


class _Wrong(ValueError):
    def __init__(self, sentence: str, **said: object) -> None:
        super().__init__(sentence % said)


def _parts(text: str) -> tuple[str, int, int]:
    """Year as typed (2 or 4 digits), month, day."""
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
        raise _Wrong(gettext("The year is missing. Type it as 3/5/2019."))
    raise _Wrong(gettext("This does not read as a date. Type it as 3/5/2019."))


def _month(name: str) -> int:
    found = {number for full, number in _months().items() if full.startswith(name.casefold())}
    if name.casefold() == "sept":
        found = {9}
    if len(found) != 1:
        raise _Wrong(gettext("“%(word)s” is not a month. Type it as 3/5/2019."), word=name)
    return found.pop()


@cache
def _months() -> dict[str, int]:
    """The name of each month in each of our languages."""
    months: dict[str, int] = {}
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            months |= {str(name).casefold(): number for number, name in MONTHS.items()}
    return months


def age(born: date, *, on: date) -> int:
    """Completed years; somebody born on February 29 is a year older on March 1 of other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
