"""The search page of a practice, request by request, beside an empty signed-in page and beside bare SQL."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from django.db import connection
from django.test import Client

from patients import search
from patients.models import PortalStatus
from patients.search import PatientQuery
from portal.models import Practice
from tests.benchmarks import bare, clock
from tests.benchmarks.targets import EMPTY, Figure

# What is typed. The Quillfeathers are there at every size (tests/benchmarks/population.py).
TYPED: Final[dict[str, dict[str, str]]] = {
    "last-name prefix": {"last_name": "quillf"},
    "last + first": {"last_name": "quillfeather", "first_name": "joa"},
    "date of birth": {"date_of_birth": "2/28/2019"},
    "phone": {"search_for": "contact", "phone": "(612) 555-0199"},
    "by status": {"search_by": "pending"},
    "a common last name": {"last_name": "s"},
    "nobody's name": {"last_name": "xyzzq"},
}
_ASKED: Final[dict[str, dict[str, Any]]] = {
    "last-name prefix": {"last_name": "quillf"},
    "last + first": {"last_name": "quillfeather", "first_name": "joa"},
    "date of birth": {"date_of_birth": date(2019, 2, 28)},
    "phone": {"by_contact": True, "phone": "(612) 555-0199"},
    "by status": {"status": PortalStatus.PENDING},
    "a common last name": {"last_name": "s"},
    "nobody's name": {"last_name": "xyzzq"},
}
FORTIETH: Final = 40


def measure(client: Client, practice: Practice, *, patients: int, rounds: int) -> Iterator[Figure]:
    here: dict[str, Any] = {"database": connection.vendor, "patients": patients}
    pages = {EMPTY: lambda: _get(client, {}), **{name: _page(client, typed) for name, typed in TYPED.items()}}
    if patients >= 10_000:
        everybody = {"search_by": "unregistered"}
        pages["the first page"] = _page(client, everybody)
        pages["the fortieth page"] = _page(client, {**everybody, "after": str(_key_before_the_fortieth(practice))})
    times = clock.in_turn(pages, rounds=rounds)
    empty = times[EMPTY]
    for name, took in times.items():
        target = None if name == EMPTY else 2.0
        yield Figure(group="page", name=name, **here, ratio=took / empty, milliseconds=1000 * took, at_most=target)
    if patients >= 10_000:
        flat = times["the fortieth page"] / times["the first page"]
        yield Figure(group="paging", name="the fortieth page beside the first", **here, ratio=flat, at_most=1.2)
    for name, asked in _ASKED.items():
        query = PatientQuery(practice=practice, **asked)
        bare_query = bare.query(name, practice)
        assert min(bare_query(), search.PAGE_SIZE) == len(search.find(query).hits), name
        both = clock.in_turn({"ours": _finding(query), "bare": bare_query}, rounds=4 * rounds)
        ratio = both["ours"] / both["bare"]
        yield Figure(group="queries", name=name, **here, ratio=ratio, milliseconds=1000 * both["ours"], at_most=3.0)


def _page(client: Client, typed: dict[str, str]) -> clock.Deed:
    return lambda: _get(client, typed)


def _finding(query: PatientQuery) -> clock.Deed:
    return lambda: search.find(query)


def _get(client: Client, typed: dict[str, str]) -> None:
    response = client.get("/patients/", typed)
    assert response.status_code == 200


def _key_before_the_fortieth(practice: Practice) -> int:
    query, after = PatientQuery(practice=practice, status=PortalStatus.UNREGISTERED), None
    for _ in range(FORTIETH - 1):
        after = search.find(query, after=after).after
    assert after is not None
    return after
