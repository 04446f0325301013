"""The quick search: one field in which a name, a date of birth, a phone number, an e-mail address or an MRN is typed."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from patients import dates, names, search, suggestions
from patients.keys import mrn_key
from patients.models import Patient
from patients.search import Hit, PatientQuery
from patients.suggestions import Suggestion
from portal.models import Practice

MAX_SHOWN: Final = 8
_SHORTEST: Final = 2  # letters
_WORDS_SPLIT: Final = 3  # at so many places a name without a comma may end and the next begin
_PHONE_DIGITS: Final = 10

_DATE: Final = re.compile(
    r"(?<!\w)(\d{1,2}([-/.])\d{1,2}\2(\d{4}|\d{2})|\d{4}-\d{1,2}-\d{1,2}"
    r"|[a-z]{3,10}\.? \d{1,2},? \d{4}|\d{1,2} [a-z]{3,10}\.?,? \d{4})(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PHONE: Final = re.compile(r"[+\d(][\d\s().+/-]*", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """The ways in which what was typed may be meant, the likeliest first."""

    queries: list[PatientQuery] = field(default_factory=list)
    mrn: str = ""
    born: date | None = None

    @property
    def is_empty(self) -> bool:
        return not self.queries and not self.mrn


@dataclass(frozen=True)
class Found:
    reading: Reading
    hits: list[Hit] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    has_more: bool = False


def read(typed: str, *, practice: Practice, today: date) -> Reading:
    text = " ".join(typed.split())
    if "@" in text:
        is_address = text.isascii() and text.isprintable()
        return Reading([PatientQuery(practice=practice, email=text)] if is_address else [])
    if _PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= _PHONE_DIGITS:
        return Reading([PatientQuery(practice=practice, phone=text)], mrn_key(text))
    born, rest = _birth_date(text, today=today)
    mrn = mrn_key(text) if any(map(str.isdigit, text)) and len(mrn_key(text)) >= _SHORTEST else ""
    ways = _names(rest)
    if ways:
        queries = [
            PatientQuery(practice=practice, last_name=last, first_name=first, date_of_birth=born)
            for last, first in ways
        ]
    else:
        queries = [PatientQuery(practice=practice, date_of_birth=born)] if born else []
    return Reading(queries, mrn, born)


def find(typed: str, *, practice: Practice, today: date) -> Found:
    """At most MOST_SHOWN patients, each once; where they are few, what else may have been meant."""
    reading = read(typed, practice=practice, today=today)
    with_mrn = _with_mrn(reading.mrn, practice) if reading.mrn else []
    if with_mrn and not reading.born:
        return _found(reading, with_mrn, [])  # it is an MRN and neither a name nor a date
    hits = {hit.patient.pk: hit for hit in with_mrn}
    for query in reading.queries:
        if len(hits) <= MAX_SHOWN:
            for hit in search.first(query, most=MAX_SHOWN + 1):
                hits.setdefault(hit.patient.pk, hit)
    found = list(hits.values())
    return _found(reading, found, _suggestions(reading, found) if len(found) < suggestions.FEW_HITS else [])


def _found(reading: Reading, hits: list[Hit], offered: list[Suggestion]) -> Found:
    return Found(reading, hits[:MAX_SHOWN], offered, has_more=len(hits) > MAX_SHOWN)


def _with_mrn(key: str, practice: Practice) -> list[Hit]:
    patients = Patient.objects.for_practice(practice).filter(mrn_key__prefix=key).order_by("mrn_key", "pk")
    return [Hit(patient, None) for patient in patients[: MAX_SHOWN + 1]]


def _suggestions(reading: Reading, hits: list[Hit]) -> list[Suggestion]:
    """For the last way that has a last name: split after the first word, where first and last name are told apart."""
    if not reading.queries:
        return []
    query = next((query for query in reversed(reading.queries) if query.last), reading.queries[-1])
    return suggestions.offered(query, hits, asked=reading.queries)


def _birth_date(text: str, *, today: date) -> tuple[date | None, str]:
    """The date that stands in the text, and the text without it. What cannot be one may be part of an MRN."""
    match = _DATE.search(text)
    written = match[0] if match else text if re.fullmatch(r"\d{8}", text, re.ASCII) else ""
    try:
        return dates.read(written, today=today), text.replace(written, " ", 1)
    except ValueError:
        return None, text


def _names(text: str) -> list[tuple[str, str]]:
    """(last, first) in each way: "smith, john" in one; "de la cruz" as a last name alone, and split at each space.

    One word is a last name, then a first name.
    """
    if "," in text:
        last, first = (part.strip() for part in text.split(",", 1))
        return [(last, first)] if names.key(last) or names.key(first) else []
    if len(names.key(text)) < _SHORTEST or not any(map(str.isalpha, text)):
        return []
    words = [word for word in text.split() if names.key(word)]
    if len(words) == 1:
        return [(text, ""), ("", text)]
    places = range(min(len(words) - 1, _WORDS_SPLIT), 0, -1)
    return [(" ".join(words), ""), *((" ".join(words[:place]), " ".join(words[place:])) for place in places)]
