"""“Did you mean”: what may have been meant by a search that found few or none. Never mixed in with what was found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlencode

from patients import names, nicknames, search, surnames
from patients.models import NameKey
from patients.search import FirstHit, Hit, PatientQuery

FEW_HITS: Final = 3  # with as many hits as this nothing is suggested
MAX_SUGGESTIONS: Final = 5
_NICKNAMES_TRIED: Final = 5

_Key = tuple[str, str, date | None]


@dataclass(frozen=True)
class Suggestion:
    """Another search, which finds somebody, and in a few words how it differs from what was asked."""

    query: PatientQuery
    why: str

    @property
    def typed(self) -> str:
        """As the quick search reads it: "Smith, John 3/5/2019"."""
        query = self.query
        name = ", ".join(filter(None, [query.last_name, query.first_name]))
        if not query.last_name and " " in query.first_name:  # "Mary Ann" alone reads as Ann, whose last name is Mary
            name = f", {name}"
        born = query.date_of_birth
        return " ".join(filter(None, [name, f"{born.month}/{born.day}/{born.year}" if born else ""]))

    @property
    def label(self) -> str:
        return self.typed.removeprefix(", ")

    @property
    def parameters(self) -> str:
        """As the search page is asked."""
        query = self.query
        told = {"search_for": "contact" if query.by_contact else "account", "search_by": query.status or ""}
        told |= {"last_name": query.last_name, "first_name": query.first_name}
        if query.date_of_birth:
            born = query.date_of_birth
            told["date_of_birth"] = f"{born.month}/{born.day}/{born.year}"
        return urlencode({name: value for name, value in told.items() if value})


def offered(query: PatientQuery, hits: Iterable[Hit], *, asked: Iterable[PatientQuery] = ()) -> list[Suggestion]:
    """At most MOST, the likeliest first, beside what `query` (or one of `asked`) found.

    Each leads first to somebody to whom nothing before it leads. A search by address is what it is.
    """
    if query.is_by_address:
        return []
    led_to, found = {hit.patient.pk for hit in hits}, []
    new = _new(_considered(query), tried={_key(each) for each in (query, *asked)})
    for suggestion, lead in zip(new, search.first_hits([each.query for each in new]), strict=True):
        if lead and lead.patient not in led_to:
            led_to.add(lead.patient)
            found.append(_as_on_record(suggestion, lead))
    return found[:MAX_SUGGESTIONS]


def _new(considered: Iterable[Suggestion], *, tried: set[_Key]) -> list[Suggestion]:
    """Each search once: two ways to one and the same search are one."""
    new: dict[_Key, Suggestion] = {}
    for suggestion in considered:
        if (key := _key(suggestion.query)) not in tried:
            new.setdefault(key, suggestion)
    return list(new.values())


def _key(query: PatientQuery) -> _Key:
    return query.last, query.first, query.date_of_birth


def _considered(query: PatientQuery) -> Iterator[Suggestion]:
    yield from _day_and_month_switched(query)
    yield from _swapped(query)
    yield from _nicknames(query)
    yield from _spelled(query)


def _day_and_month_switched(query: PatientQuery) -> Iterator[Suggestion]:
    born = query.date_of_birth
    if born and born.day <= 12 and born.day != born.month:
        turned = date(born.year, born.day, born.month)
        yield Suggestion(replace(query, date_of_birth=turned), "day and month turned round")


def _swapped(query: PatientQuery) -> Iterator[Suggestion]:
    swapped = replace(query, last_name=query.first_name, first_name=query.last_name)
    if query.first and query.last:
        yield Suggestion(swapped, "first and last name swapped")
    elif query.last:
        yield Suggestion(swapped, "as a first name")
    elif query.first:
        yield Suggestion(swapped, "as a last name")


def _nicknames(query: PatientQuery) -> Iterator[Suggestion]:
    """Also where the first name was typed first: "bill johnson" is Johnson, William."""
    for first_name, last_name in ((query.first_name, query.last_name), (query.last_name, query.first_name)):
        for other in nicknames.others(names.key(first_name))[:_NICKNAMES_TRIED]:
            why = f"{first_name.strip().title()} may be on record as {other.title()}"
            yield Suggestion(replace(query, last_name=last_name, first_name=other.title()), why)


def _spelled(query: PatientQuery) -> Iterator[Suggestion]:
    if not query.last:
        return
    owner = NameKey.Owner.CONTACT if query.by_contact else NameKey.Owner.PATIENT
    for other in surnames.near(query.practice, query.last, owner=owner):
        yield Suggestion(replace(query, last_name=other.title()), "spelled another way")


def _as_on_record(suggestion: Suggestion, lead: FirstHit) -> Suggestion:
    """ "Obrien" is shown as "O'Brien", where that is the name of somebody whom it finds."""
    query = suggestion.query
    shown_last = _shown(query.last_name, lead.family_name)
    shown_first = _shown(query.first_name, lead.given_names)
    return replace(suggestion, query=replace(query, last_name=shown_last, first_name=shown_first))


def _shown(asked: str, on_record: str) -> str:
    return on_record if asked and names.key(asked) == names.key(on_record) else asked
