"""The languages of the family's pages and messages, and how each language writes lists, dates and times.

To add a language, add it to settings.LANGUAGES and put a catalog in locale/.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import get_language, gettext_noop, pgettext

ENGLISH: Final = "en"
# In Spanish, "y" becomes "e" before the sound of an i: "Ana e Isabel", "Ana e Hilda", but "Ana y Hiedra".
_SOUNDS_LIKE_I: Final = re.compile(r"h?[ií](?!e)", re.IGNORECASE)
# The format character "a" prints these. Our catalog overrides Django's Spanish "a.m." with "a. m.". They are listed here
# so that `make messages` keeps them.
_AM_PM: Final = (gettext_noop("a.m."), gettext_noop("p.m."))


def best_match(tag: str) -> str:
    """Return the supported language for a record system's BCP 47 tag, or English if there is none.

    >>> best_match("es_MX"), best_match("ES"), best_match("est"), best_match("")
    ('es', 'es', 'en', 'en')
    """
    main = re.split("[-_]", tag.strip().lower())[0]
    return main if main in dict(settings.LANGUAGES) else ENGLISH


def join(names: Sequence[str]) -> str:
    """Join names in the active language: "Ana", "Ana and Mateo", "Ana, Mateo and Sofía"."""
    conjunction = pgettext("between the last two of a list", "and")
    if best_match(get_language() or ENGLISH) == "es" and names and _SOUNDS_LIKE_I.match(names[-1]):
        conjunction = "e"
    return get_text_list(list(names), conjunction)


def format_moment(at: datetime, zone: ZoneInfo) -> str:
    """Format a time in this time zone and the active language: "Monday, November 30, 2026, 3:15 PM"."""
    # Templates must not do this: their date filter converts to the active time zone first.
    return date_format(at.astimezone(zone), pgettext("format of a date and time", "l, F j, Y, g:i A"))


def format_short_moment(at: datetime, zone: ZoneInfo) -> str:
    """Format a time for a text message: "Nov 30, 3:15 PM"."""
    return date_format(at.astimezone(zone), pgettext("format of a date and time in a text message", "M j, g:i A"))


def format_shortest_moment(at: datetime, zone: ZoneInfo) -> str:
    """Format a time in at most 14 characters, for a text message that's short on room: "Nov 30 3:15PM"."""
    return date_format(at.astimezone(zone), pgettext("shortest format in a text message", "M j g:iA"))


def format_day(on: date) -> str:
    """Format a date in the active language: "November 30, 2026"."""
    return date_format(on, pgettext("format of a date", "F j, Y"))
