"""Suggest other searches ("Did you mean") if a search finds few patients or none. Suggestions are never mixed with the hits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlencode

from patients import names, nicknames, search, surnames
from patients.models import NameKey
from patients.search import FirstHit, Hit
from patients.search_filters import PatientQuery

FEW_HITS: Final = 3  # with this many hits or more, nothing is suggested
MAX_SUGGESTIONS: Final = 5
_MAX_NICKNAMES: Final = 5

_Key = tuple[str, str, date | None]


@dataclass(frozen=True)
class Suggestion:
    """Another search that finds someone. `reason` says briefly how it differs from the original search."""

    query: PatientQuery
    reason: str

    @property
    def typed(self) -> str:
        """Return the text to type into the quick search: "Smith, John 3/5/2019"."""
        name = ", ".join(filter(None, [self.query.last_name, self.query.first_name]))
        # Without the comma, the quick search reads "Mary Ann" as last name Mary, first name Ann.
        if not self.query.last_name and " " in self.query.first_name:
            name = f", {name}"
        return " ".join(filter(None, [name, _as_typed(self.query.date_of_birth)]))

    @property
    def label(self) -> str:
        return self.typed.removeprefix(", ")

    @property
    def parameters(self) -> str:
        """Return the query string of the search page."""
        parameters = {
            "search_for": "contact" if self.query.by_contact else "account",
            "search_by": self.query.status or "",
            "last_name": self.query.last_name,
            "first_name": self.query.first_name,
            "date_of_birth": _as_typed(self.query.date_of_birth),
        }
        return urlencode({name: value for name, value in parameters.items() if value})


def _as_typed(day: date | None) -> str:
    return f"{day.month}/{day.day}/{day.year}" if day else ""


def suggest(query: PatientQuery, hits: Iterable[Hit], *, tried: Iterable[PatientQuery] = ()) -> list[Suggestion]:
    """Return up to MAX_SUGGESTIONS other searches, the likeliest first, that find someone new.

    The first hit of each suggestion is not among `hits`, and is not the first hit of an earlier suggestion. `tried` are
    other searches that have already been run. A search by email or phone gets no suggestions.
    """
    if query.is_by_address:
        return []
    seen, found = {hit.patient.pk for hit in hits}, []
    new = _untried(_variations(query), tried={_key(earlier) for earlier in (query, *tried)})
    for suggestion, hit in zip(new, search.first_hits([suggestion.query for suggestion in new]), strict=True):
        if hit and hit.patient_id not in seen:
            seen.add(hit.patient_id)
            found.append(_spelled_as_on_record(suggestion, hit))
    return found[:MAX_SUGGESTIONS]


def _untried(suggestions: Iterable[Suggestion], *, tried: set[_Key]) -> list[Suggestion]:
    """Drop suggestions for searches that were already tried or suggested."""
    new: dict[_Key, Suggestion] = {}
    for suggestion in suggestions:
        if (key := _key(suggestion.query)) not in tried:
            new.setdefault(key, suggestion)
    return list(new.values())


def _key(query: PatientQuery) -> _Key:
    return query.last, query.first, query.date_of_birth


def _variations(query: PatientQuery) -> Iterator[Suggestion]:
    yield from _day_and_month_switched(query)
    yield from _names_switched(query)
    yield from _nicknames(query)
    yield from _similar_surnames(query)


def _day_and_month_switched(query: PatientQuery) -> Iterator[Suggestion]:
    born = query.date_of_birth
    if born and born.day <= 12 and born.day != born.month:
        yield Suggestion(replace(query, date_of_birth=date(born.year, born.day, born.month)), "month and day switched")


def _names_switched(query: PatientQuery) -> Iterator[Suggestion]:
    switched = replace(query, last_name=query.first_name, first_name=query.last_name)
    if query.first and query.last:
        yield Suggestion(switched, "first and last name switched")
    elif query.last:
        yield Suggestion(switched, "as a first name")
    elif query.first:
        yield Suggestion(switched, "as a last name")


def _nicknames(query: PatientQuery) -> Iterator[Suggestion]:
    """Suggest related first names, even if the first name was typed first: "bill johnson" suggests Johnson, William."""
    for first_name, last_name in ((query.first_name, query.last_name), (query.last_name, query.first_name)):
        for other in nicknames.others(names.key(first_name))[:_MAX_NICKNAMES]:
            reason = f"{first_name.strip().title()} may be on record as {other.title()}"
            yield Suggestion(replace(query, last_name=last_name, first_name=other.title()), reason)


def _similar_surnames(query: PatientQuery) -> Iterator[Suggestion]:
    if not query.last:
        return
    owner = NameKey.Owner.CONTACT if query.by_contact else NameKey.Owner.PATIENT
    for other in surnames.similar(query.practice, query.last, owner=owner):
        yield Suggestion(replace(query, last_name=other.title()), "similar last name")


def _spelled_as_on_record(suggestion: Suggestion, hit: FirstHit) -> Suggestion:
    """Show "Obrien" as "O'Brien" if the record of the first hit spells the name that way."""
    query = suggestion.query
    last_name = _spelling(query.last_name, hit.family_name)
    first_name = _spelling(query.first_name, hit.given_names)
    return replace(suggestion, query=replace(query, last_name=last_name, first_name=first_name))


def _spelling(suggested: str, on_record: str) -> str:
    return on_record if suggested and names.key(suggested) == names.key(on_record) else suggested
