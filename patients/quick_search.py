"""Search from a single field, in which staff type a name, date of birth, phone number, email address or MRN."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from patients import dates, names, search, suggestions
from patients.keys import mrn_key
from patients.models import Patient
from patients.search import Hit
from patients.search_filters import PatientQuery
from patients.suggestions import Suggestion
from portal.models import Practice

MAX_SHOWN: Final = 8
_MIN_LETTERS: Final = 2
_MAX_SPLITS: Final = 3  # places where a name without a comma is split into last and first name
_PHONE_DIGITS: Final = 10

_DATE: Final = re.compile(
    r"(?<!\w)(\d{1,2}([-/.])\d{1,2}\2(\d{4}|\d{2})|\d{4}-\d{1,2}-\d{1,2}"
    r"|[a-z]{3,10}\.? \d{1,2},? \d{4}|\d{1,2} [a-z]{3,10}\.?,? \d{4})(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PHONE: Final = re.compile(r"[+\d(][\d\s().+/-]*", re.ASCII)


@dataclass(frozen=True)
class ParsedInput:
    """What the typed text may mean: queries, with the likeliest first, and an MRN key."""

    queries: list[PatientQuery] = field(default_factory=list)
    mrn: str = ""
    birth_date: date | None = None

    @property
    def is_empty(self) -> bool:
        return not self.queries and not self.mrn


@dataclass(frozen=True)
class Results:
    parsed: ParsedInput
    hits: list[Hit] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    has_more: bool = False

    @property
    def heading(self) -> str:
        if not self.hits:
            return "No patients found"
        count = f"{len(self.hits)} patient{'' if len(self.hits) == 1 else 's'}"
        return f"First {count}" if self.has_more else count


def parse(typed: str, *, practice: Practice, today: date) -> ParsedInput:
    text = " ".join(typed.split())
    if "@" in text:
        may_be_email = text.isascii() and text.isprintable()
        return ParsedInput([PatientQuery(practice=practice, email=text)] if may_be_email else [])
    if _PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= _PHONE_DIGITS:
        return ParsedInput([PatientQuery(practice=practice, phone=text)], mrn_key(text))
    birth_date, rest = _birth_date(text, today=today)
    mrn = mrn_key(text) if any(map(str.isdigit, text)) and len(mrn_key(text)) >= _MIN_LETTERS else ""
    queries = [
        PatientQuery(practice=practice, last_name=last, first_name=first, date_of_birth=birth_date)
        for last, first in _possible_names(rest)
    ]
    if not queries and birth_date:
        queries = [PatientQuery(practice=practice, date_of_birth=birth_date)]
    return ParsedInput(queries, mrn, birth_date)


def find(typed: str, *, practice: Practice, today: date) -> Results:
    """Return up to MAX_SHOWN patients without repeats. If few are found, suggest other searches."""
    parsed = parse(typed, practice=practice, today=today)
    with_mrn = _with_mrn(parsed.mrn, practice) if parsed.mrn else []
    if with_mrn and not parsed.birth_date:
        return _results(parsed, with_mrn, [])  # an MRN, so neither a name nor a date
    hits_by_patient = {hit.patient.pk: hit for hit in with_mrn}
    for query in parsed.queries:
        if len(hits_by_patient) <= MAX_SHOWN:
            for hit in search.first(query, limit=MAX_SHOWN + 1):
                hits_by_patient.setdefault(hit.patient.pk, hit)
    hits = list(hits_by_patient.values())
    return _results(parsed, hits, _suggest(parsed, hits) if len(hits) < suggestions.FEW_HITS else [])


def _results(parsed: ParsedInput, hits: list[Hit], suggested: list[Suggestion]) -> Results:
    return Results(parsed, hits[:MAX_SHOWN], suggested, has_more=len(hits) > MAX_SHOWN)


def _with_mrn(key: str, practice: Practice) -> list[Hit]:
    patients = Patient.objects.for_practice(practice).filter(mrn_key__prefix=key).order_by("mrn_key", "pk")
    return [Hit(patient, None) for patient in patients[: MAX_SHOWN + 1]]


def _suggest(parsed: ParsedInput, hits: list[Hit]) -> list[Suggestion]:
    """Suggest variations of the last query that has a last name.

    That name is the first word of the text, or everything before the comma.
    """
    if not parsed.queries:
        return []
    query = next((query for query in reversed(parsed.queries) if query.last), parsed.queries[-1])
    return suggestions.suggest(query, hits, tried=parsed.queries)


def _birth_date(text: str, *, today: date) -> tuple[date | None, str]:
    """Return the date in the text, and the rest of the text. Keep digits that are not a date: they may be an MRN."""
    match = _DATE.search(text)
    written = match[0] if match else text if re.fullmatch(r"\d{8}", text, re.ASCII) else ""
    try:
        return dates.parse_birth_date(written, today=today), text.replace(written, " ", 1)
    except ValueError:
        return None, text


def _possible_names(text: str) -> list[tuple[str, str]]:
    """Return the (last, first) names that the text may mean.

    "smith, john" has one meaning. "de la cruz" is a last name, or is split at each space. One word is a last name or a
    first name.
    """
    if "," in text:
        last, first = (part.strip() for part in text.split(",", 1))
        return [(last, first)] if names.key(last) or names.key(first) else []
    if len(names.key(text)) < _MIN_LETTERS or not any(map(str.isalpha, text)):
        return []
    words = [word for word in text.split() if names.key(word)]
    if len(words) == 1:
        return [(text, ""), ("", text)]
    splits = range(min(len(words) - 1, _MAX_SPLITS), 0, -1)
    return [(" ".join(words), ""), *((" ".join(words[:split]), " ".join(words[split:])) for split in splits)]
