"""Find the patients that match a query, one page at a time.

Every search is answered from an index of NameKey (patients/keys.py explains why prefixes are ranges). Pages start at a
key, so the fortieth page costs no more than the first, and nothing is counted beyond MAX_COUNTED.

The statements are raw SQL because Django takes several times as long to compose them as either database takes to run
them (docs/quality-speed.md). In all of them, `k` is a NameKey, `p` its patient and `c` its family contact, and the
parameters come from `search_filters.parameters`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from patients import search_filters as filters
from patients.models import Contact, NameKey, Patient
from patients.search_filters import PatientQuery

PAGE_SIZE: Final = 25
MAX_COUNTED: Final = 1000

_NAME_KEYS: Final = NameKey._meta.db_table
_PATIENTS: Final = Patient._meta.db_table
_CONTACTS: Final = Contact._meta.db_table
# What a list shows. Other columns are loaded only when they are used.
_PATIENT_COLUMNS: Final = (
    "p.id, p.family_name, p.given_names, p.preferred_name, p.birth_date, p.sex, p.mrn,"
    " p.portal_status, p.active, p.deceased"
)
_CONTACT_FIELDS: Final = ("id", "family_name", "given_names", "relationship")
_CONTACT_COLUMNS: Final = ", ".join(f"c.{name} AS contact_{name}" for name in _CONTACT_FIELDS)


@dataclass(frozen=True)
class Hit:
    """A patient, and the family contact through whom the patient was found, if any."""

    patient: Patient
    contact: Contact | None


@dataclass(frozen=True)
class FirstHit:
    """The first patient that a search finds, and the name by which it was found."""

    patient_id: UUID
    family_name: str
    given_names: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of hits. `after` leads to the next page and `before` to the previous page; None if there is no such page."""

    hits: list[Hit]
    count: int
    after: int | None
    before: int | None

    @property
    def shown_count(self) -> str:
        """Return the count as staff see it: "1,000+" if there are more patients than are counted."""
        return f"{MAX_COUNTED:,}+" if self.count > MAX_COUNTED else f"{self.count:,}"


def find(query: PatientQuery, *, after: int | None = None, before: int | None = None) -> Page:
    """Return one page of the patients that match, without repeats, sorted by the names they were found by."""
    start = _page_start(query, after or before)
    backwards = start is not None and after is None
    rows = _rows(query, limit=PAGE_SIZE + 1, start=start, backwards=backwards, count=_count_sql(query))
    if not rows and start:
        return find(query)  # that page has no patients left, so return the first one
    has_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    has_next, has_previous = (bool(rows), has_more) if backwards else (has_more, start is not None and bool(rows))
    return Page(
        hits=[row.hit for row in rows],
        count=rows[0].total if rows else 0,
        after=rows[-1].key if has_next else None,
        before=rows[0].key if has_previous else None,
    )


def first(query: PatientQuery, *, limit: int) -> list[Hit]:
    """Return the first hits, without counting all hits."""
    return [row.hit for row in _rows(query, limit=limit)]


def first_hits(queries: Sequence[PatientQuery]) -> list[FirstHit | None]:
    """Return the first hit of each query, using one statement. No query may search by an address.

    A patient with several matching keys needs no special handling: the first of all keys belongs to the first patient.
    """
    found: list[FirstHit | None] = [None] * len(queries)
    if queries:
        statement = " UNION ALL ".join(_first_hit_sql(query, number) for number, query in enumerate(queries))
        parameters: dict[str, Any] = {}
        for number, query in enumerate(queries):
            parameters |= filters.parameters(query, number=number)
        for number, patient_id, family_name, given_names in _fetch(statement, parameters):
            found[number] = FirstHit(UUID(str(patient_id)), family_name, given_names)
    return found


def _first_hit_sql(query: PatientQuery, number: int) -> str:
    people, person_id = (_CONTACTS, "contact_id") if query.by_contact else (_PATIENTS, "patient_id")
    return f"""
        SELECT * FROM (
            SELECT {number} AS query, k.patient_id, person.family_name, person.given_names
            FROM {_NAME_KEYS} k JOIN {people} person ON person.id = k.{person_id}
            WHERE {filters.matching_keys(query, number=number)}
            ORDER BY {_columns(_order(query))}
            LIMIT 1
        ) AS first_hit
    """  # noqa: S608 - no value is in it


class _Row(NamedTuple):
    key: int
    hit: Hit
    total: int  # all patients that match; 0 if they were not counted


def _rows(
    query: PatientQuery,
    *,
    limit: int,
    start: Mapping[str, Any] | None = None,
    backwards: bool = False,
    count: str = "0",
) -> list[_Row]:
    """Read hits. `count` is a subquery whose result is in each row, because one statement is faster than two."""
    order = _order(query)
    after_start = ""
    if start is not None:
        place = ", ".join(f"%(start_{column})s" for column in order)
        after_start = f"AND ({_columns(order)}) {'<' if backwards else '>'} ({place})"
    contact_columns, contact_join = "", ""
    if query.may_find_contact:
        contact_columns = f"{_CONTACT_COLUMNS}, "
        contact_join = f"LEFT JOIN {_CONTACTS} c ON c.id = k.contact_id"
    statement = f"""
        {_by_address_cte(query)}
        SELECT {_PATIENT_COLUMNS}, {contact_columns} k.id AS found_by, ({count}) AS total
        FROM {_keys(query)} JOIN {_PATIENTS} p ON p.id = k.patient_id {contact_join}
        WHERE {_matches_once(query)} {after_start}
        ORDER BY {_columns(order, suffix=" DESC" if backwards else "")}
        LIMIT {limit}
    """  # noqa: S608 - no value is in it
    found = Patient.objects.raw(statement, {**filters.parameters(query), **(start or {})})
    return [
        _Row(patient.found_by, Hit(patient, _contact(patient)), patient.total)  # type: ignore[attr-defined]  # selected above
        for patient in found
    ]


def _contact(patient: Patient) -> Contact | None:
    """Return the contact through whom the patient was found, from the columns of the row."""
    if not (contact_id := getattr(patient, "contact_id", None)):
        return None
    values = [getattr(patient, f"contact_{name}") for name in _CONTACT_FIELDS[1:]]
    return Contact.from_db(patient._state.db, _CONTACT_FIELDS, [UUID(str(contact_id)), *values])


def _count_sql(query: PatientQuery) -> str:
    """Return a subquery that counts the patients exactly, up to MAX_COUNTED + 1.

    An index alone often shows that there are more patients than MAX_COUNTED. All keys of a patient have the same date
    of birth, so there are at least as many patients as dates of birth. If the first keys are all the keys, their
    patients are counted directly. Otherwise every key must be checked, to count only each patient's first one.
    """
    exact_count = f"""
        SELECT COUNT(*) FROM (
            SELECT 1 FROM {_keys(query)} WHERE {_matches_once(query)} LIMIT {MAX_COUNTED + 1}
        ) AS counted
    """  # noqa: S608 - no value is in it
    if query.is_by_address:  # a household, so few
        return exact_count
    matches = filters.matching_keys(query)
    first_keys = MAX_COUNTED * 16 // 10
    return f"""
        SELECT CASE
            WHEN birth_dates > {MAX_COUNTED} THEN {MAX_COUNTED + 1}
            WHEN keys < {first_keys} THEN (
                SELECT COUNT(*) FROM (
                    SELECT DISTINCT k.patient_id FROM {_NAME_KEYS} k WHERE {matches} LIMIT {MAX_COUNTED + 1}
                ) AS patients
            )
            ELSE ({exact_count})
        END
        FROM (
            SELECT COUNT(DISTINCT date_of_birth) AS birth_dates, COUNT(*) AS keys
            FROM (SELECT k.date_of_birth FROM {_NAME_KEYS} k WHERE {matches} LIMIT {first_keys}) AS first_keys
        ) AS sampled
    """  # noqa: S608 - no value is in it


def _page_start(query: PatientQuery, key: int | None) -> dict[str, Any] | None:
    """Return the parameters for the place where a page starts. Return None if the practice has no NameKey with id `key`."""
    if not key:
        return None
    order = _order(query)
    statement = f"""
        SELECT {_columns(order)} FROM {_NAME_KEYS} k WHERE k.practice_id = %(practice)s AND k.id = %(key)s
    """  # noqa: S608 - no value is in it
    found = _fetch(statement, {"practice": filters.db_value("practice", query.practice.pk), "key": key})
    return {f"start_{column}": value for column, value in zip(order, found[0], strict=True)} if found else None


def _keys(query: PatientQuery) -> str:
    """Return the FROM item for `k`: a search by address finds its keys in `_by_address_cte`."""
    return "k" if query.is_by_address else f"{_NAME_KEYS} k"


def _by_address_cte(query: PatientQuery) -> str:
    """Return the WITH clause of a search by address: `k` has each patient's first key.

    The clause goes from the indexes of contacts and patients to their keys. If it started with the keys, both databases
    would read every key.
    """
    if not query.is_by_address:
        return ""
    has_address = "practice_id = %(practice)s"
    if query.email:
        has_address += " AND email_key = %(email_key)s"
    if query.phone:
        has_address += " AND phone_key = %(phone_key)s"
    matches = filters.all_of(*filters.name_filters(query), *filters.status_and_birth_filters(query))
    return f"""
        WITH reached AS (
            SELECT k.* FROM {_NAME_KEYS} k
            WHERE k.contact_id IN (SELECT id FROM {_CONTACTS} WHERE {has_address} AND active AND in_source)
            AND {matches}
            UNION ALL
            SELECT k.* FROM {_NAME_KEYS} k
            WHERE k.owner = {NameKey.Owner.PATIENT} AND k.patient_id IN (SELECT id FROM {_PATIENTS} WHERE {has_address})
            AND {matches}
        ),
        k AS (
            SELECT * FROM reached WHERE id IN (SELECT MIN(id) FROM reached GROUP BY patient_id)
        )
    """  # noqa: S608 - no value is in it


def _matches_once(query: PatientQuery) -> str:
    """Return the condition for the first matching key of each patient.

    García-García is listed once under "garcia". A patient's keys are numbered in the order of the names
    (patients.models.keys_of).
    """
    if query.is_by_address:
        return "TRUE"  # `_by_address_cte` already has one key for each patient
    # IS TRUE keeps PostgreSQL from using an index of names here. It would scan all matches again for each of them.
    return f"""
        {filters.matching_keys(query)} AND NOT EXISTS (
            SELECT 1 FROM {_NAME_KEYS} earlier
            WHERE earlier.patient_id = k.patient_id AND earlier.id < k.id
            AND ({filters.all_of(filters.owner_filter("earlier"), *filters.name_filters(query, "earlier"))}) IS TRUE
        )
    """  # noqa: S608 - no value is in it


def _order(query: PatientQuery) -> tuple[str, ...]:
    """Return the columns of NameKey to sort by, in the order that an index provides."""
    if query.first and not query.last:
        return ("first", "last", "date_of_birth", "id")
    if query.date_of_birth and not query.last:
        return ("date_of_birth", "last", "first", "id")
    return ("last", "first", "date_of_birth", "id")


def _columns(order: Sequence[str], *, suffix: str = "") -> str:
    return ", ".join(f"k.{column}{suffix}" for column in order)


def _fetch(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
