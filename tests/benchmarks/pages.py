"""Time a practice's search and other pages, in comparison with an empty signed-in page and with bare SQL."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any, Final

from django.db import connection
from django.test import Client

from patients import quick_search, search
from patients.keys import mrn_key
from patients.models import Patient, PortalStatus
from patients.search_filters import PatientQuery
from portal.models import Practice
from tests.benchmarks import bare, clock
from tests.benchmarks.targets import EMPTY, Figure

# The search form data. The Quillfeathers exist at every size (tests/benchmarks/population.py).
FORM_DATA: Final[dict[str, dict[str, str]]] = {
    "last-name prefix": {"last_name": "quillf"},
    "last + first": {"last_name": "quillfeather", "first_name": "joa"},
    "date of birth": {"date_of_birth": "2/28/2019"},
    "phone": {"search_for": "contact", "phone": "(612) 555-0199"},
    "by status": {"search_by": "pending"},
    "a common last name": {"last_name": "s"},
    "an unknown name": {"last_name": "xyzzq"},
}
_QUERIES: Final[dict[str, dict[str, Any]]] = {
    "last-name prefix": {"last_name": "quillf"},
    "last + first": {"last_name": "quillfeather", "first_name": "joa"},
    "date of birth": {"date_of_birth": date(2019, 2, 28)},
    "phone": {"by_contact": True, "phone": "(612) 555-0199"},
    "by status": {"status": PortalStatus.PENDING},
    "a common last name": {"last_name": "s"},
    "an unknown name": {"last_name": "xyzzq"},
}
FORTIETH: Final = 40
HAS_FORTY: Final = 10_000  # patients

# The texts for quick search.
QUICK_SEARCHES: Final[dict[str, str]] = {
    "three letters": "qui",
    "a few letters of each name": "quillf joa",
    "last, first and date of birth": "quillfeather, joan 2/28/2019",
    "phone": "(612) 555-0199",
    "MRN": "mg-30",
    "one letter wrong": "quilfeather joan",
    "an unknown name": "xyzzq",
    "two letters of many": "sm",
    "a few letters of each, of many": "smi jo",
    "a first name of many": "john",
    "a common name, one letter wrong": "jonhson willam",
}


def measure(client: Client, practice: Practice, *, patients: int, rounds: int) -> Iterator[Figure]:
    here: dict[str, Any] = {"database": connection.vendor, "patients": patients}
    pages = {EMPTY: lambda: _get(client, {}), **{name: _page(client, typed) for name, typed in FORM_DATA.items()}}
    pages["MRN"] = lambda: _get(client, {"q": QUICK_SEARCHES["MRN"]}, "quick/")  # the search form has no field for it
    unregistered = {"search_by": "unregistered"}
    pages["the first page"] = _page(client, unregistered)
    if patients >= HAS_FORTY:
        pages["the fortieth page"] = _page(client, {**unregistered, "after": str(_key_before_the_fortieth(practice))})
    desk = _desk(client, practice)
    times = clock.in_turn(pages | desk, rounds=rounds)
    empty = times[EMPTY]
    for name, took in times.items():
        if name in desk:
            continue
        target = None if name == EMPTY else 2.0
        yield Figure(group="page", name=name, **here, ratio=took / empty, milliseconds=1000 * took, at_most=target)
    for name in desk:
        yield Figure(group="desk", name=name, **here, ratio=times[name] / empty, milliseconds=1000 * times[name])
    if patients >= HAS_FORTY:
        flat = times["the fortieth page"] / times["the first page"]
        yield Figure(group="paging", name="the fortieth page compared with the first", **here, ratio=flat, at_most=1.2)
    yield from _lists(client, here, rounds=rounds)
    yield from _queries(practice, here, rounds=rounds)


def _desk(client: Client, practice: Practice) -> dict[str, clock.Action]:
    """Return requests for other staff pages, which show the same amount of data at every size."""
    child = Patient.objects.for_practice(practice).filter(family_name="Quillfeather").order_by("given_names")[0]
    addresses = {
        "the dashboard": "/",
        "an account": f"/patients/{child.pk}/",
        "the window": f"/patients/{child.pk}/register/",
    }
    return {name: partial(_open, client, address) for name, address in addresses.items()}


def _open(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


def _lists(client: Client, here: dict[str, Any], *, rounds: int) -> Iterator[Figure]:
    """Time the response with the quick search list. The target is 50 ms."""
    lists: dict[str, clock.Action] = {EMPTY: lambda: _get(client, {})}
    for name, typed in QUICK_SEARCHES.items():
        lists[name] = partial(_get, client, {"q": typed}, "quick/hits/")
    times = clock.in_turn(lists, rounds=rounds)
    for name in QUICK_SEARCHES:
        took = times[name]
        yield Figure(
            group="quick", name=name, **here, ratio=took / times[EMPTY], milliseconds=1000 * took, at_most_ms=50
        )


def _queries(practice: Practice, here: dict[str, Any], *, rounds: int) -> Iterator[Figure]:
    """Time the SQL of each search, then the search with Django's overhead, both in comparison with bare SQL."""
    for name, (ours, bare_query) in _searches(practice, patients=here["patients"]).items():
        assert ours() == min(bare_query(), search.PAGE_SIZE), name
        actions: dict[str, clock.Action] = {"ours": _statements_of(ours), "with Django": ours, "bare": bare_query}
        times = clock.in_turn(actions, rounds=4 * rounds)
        for group, action, at_most in (("queries", "ours", 3.0), ("find", "with Django", None)):
            ratio, took = times[action] / times["bare"], 1000 * times[action]
            yield Figure(group=group, name=name, **here, ratio=ratio, milliseconds=took, at_most=at_most)


def _searches(practice: Practice, *, patients: int) -> dict[str, tuple[Callable[[], int], Callable[[], int]]]:
    """Return each search with its bare SQL. Both return the number of rows found."""
    unregistered, mrn = PatientQuery(practice=practice, status=PortalStatus.UNREGISTERED), QUICK_SEARCHES["MRN"]
    searches: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
        name: (partial(_found, PatientQuery(practice=practice, **filters)), bare.query(name, practice))
        for name, filters in _QUERIES.items()
    }
    searches["MRN"] = (
        lambda: len(quick_search.find(mrn, practice=practice, today=date(2026, 11, 1)).hits),
        bare.by_mrn(mrn_key(mrn), practice, most=quick_search.MAX_SHOWN),
    )
    searches["the first page"] = partial(_found, unregistered), bare.query("the first page", practice)
    if patients >= HAS_FORTY:
        after = _key_before_the_fortieth(practice)
        bare_query = bare.query("the first page", practice, after=after)
        searches["the fortieth page"] = partial(_found, unregistered, after=after), bare_query
    return searches


def _found(query: PatientQuery, after: int | None = None) -> int:
    return len(search.find(query, after=after).hits)


def _statements_of(find: Callable[[], int]) -> clock.Action:
    """Record the SQL of a search. Return a function that runs it again and reads every row."""
    sent: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        find()

    def send() -> None:
        for sql, params in sent:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                cursor.fetchall()

    return send


def _page(client: Client, typed: dict[str, str]) -> clock.Action:
    return lambda: _get(client, typed)


def _get(client: Client, typed: dict[str, str], page: str = "") -> None:
    response = client.get(f"/patients/{page}", typed)
    assert response.status_code == 200


def _key_before_the_fortieth(practice: Practice) -> int:
    query, after = PatientQuery(practice=practice, status=PortalStatus.UNREGISTERED), None
    for _ in range(FORTIETH - 1):
        after = search.find(query, after=after).after
    assert after is not None
    return after
