"""The languages that families are spoken to, and what differs in them besides the words.

A third one: a line in settings.LANGUAGES and a catalogue under locale/.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import get_language, pgettext

ENGLISH: Final = "en"
# "Ana e Isabel", "Ana e Hilda", but "Ana y Hiedra": before the sound of an i, "y" becomes "e".
_SOUNDS_LIKE_I: Final = re.compile(r"h?[ií](?!e)", re.IGNORECASE)


def best_match(tag: str) -> str:
    """One of ours for a BCP 47 tag as a record system gives it: "es-MX" is "es"; "hmn", "" and whatever else are English.

    >>> of("es_MX"), of("ES"), of("est"), of("")
    ('es', 'es', 'en', 'en')
    """
    main = re.split("[-_]", tag.strip().lower())[0]
    return main if main in dict(settings.LANGUAGES) else ENGLISH


def join(names: Sequence[str]) -> str:
    """ "Ana", "Ana and Mateo", "Ana, Mateo and Sofía", in the language that is active."""
    conjunction = pgettext("between the last two of a list", "and")
    if best_match(get_language() or ENGLISH) == "es" and names and _SOUNDS_LIKE_I.match(names[-1]):
        conjunction = "e"
    return get_text_list(list(names), conjunction)


def format_moment(at: datetime, zone: ZoneInfo) -> str:
    """ "Monday, November 30, 2026, 3:15 PM" in that zone, in the language that is active."""
    # Not in a template: its date filter would first turn this to whichever zone is active.
    return date_format(at.astimezone(zone), pgettext("format of a date and time", "l, F j, Y, g:i A"))


def format_short_moment(at: datetime, zone: ZoneInfo) -> str:
    """ "11/30 3:15PM", for a text message."""
    return date_format(at.astimezone(zone), pgettext("format of a date and time in a text message", "n/j g:iA"))


def format_day(on: date) -> str:
    """ "November 30, 2026"."""
    return date_format(on, pgettext("format of a date", "F j, Y"))
