"""Finding a patient: one query object in, one page of patients out.

Everything is answered from the indexes of NameKey (patients/keys.py tells why prefixes are ranges). Pages go by key, so the
fortieth costs what the first costs, and nothing is counted further than to MOST_COUNTED. The statements are written by
hand: Django takes several times as long to write them as either database to answer (docs/quality-speed.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, models

from patients import names
from patients.keys import email_key, end_of_prefix, phone_key
from patients.models import Contact, NameKey, Patient, PortalStatus
from portal.models import Practice

PAGE_SIZE: Final = 25
MAX_COUNTED: Final = 1000
# What lists say of a patient, and of a contact: the rest is read where somebody asks for it.
_OF_PATIENT: Final = (
    "p.id, p.family_name, p.given_names, p.preferred_name, p.birth_date, p.sex, p.mrn,"
    " p.portal_status, p.active, p.deceased"
)
_OF_CONTACT: Final = ("id", "family_name", "given_names", "relationship")


@dataclass(frozen=True, kw_only=True)
class PatientQuery:
    """What is searched for. Names are as typed; with `by_contact` they are those of a family contact.

    An e-mail address or phone number is matched whole, on contacts and on patients' own records; names beside it are
    those of whoever it belongs to.
    """

    practice: Practice
    by_contact: bool = False
    last_name: str = ""
    first_name: str = ""
    date_of_birth: date | None = None
    email: str = ""
    phone: str = ""
    status: PortalStatus | None = None

    @property
    def last(self) -> str:
        return names.key(self.last_name)

    @property
    def first(self) -> str:
        return names.key(self.first_name)

    @property
    def is_by_address(self) -> bool:
        """An e-mail address or a phone number: of a household, not of a name."""
        return bool(self.email or self.phone)

    @property
    def is_by_contact(self) -> bool:
        """Whether it may be a family contact that was found."""
        return self.by_contact or self.is_by_address

    @property
    def is_empty(self) -> bool:
        return not (self.last or self.first or self.date_of_birth or self.is_by_address or self.status)


@dataclass(frozen=True)
class Hit:
    patient: Patient
    contact: Contact | None


@dataclass(frozen=True)
class FirstHit:
    """Whom a search finds first: the patient, and the name that it was found by."""

    patient: UUID
    family_name: str
    given_names: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """`after` and `before` are what the next and the previous page are asked with; None where there is none."""

    hits: list[Hit]
    count: int
    after: int | None
    before: int | None

    @property
    def shown_count(self) -> str:
        """ "1,000+" where there are more than anybody would count."""
        return f"{MAX_COUNTED:,}+" if self.count > MAX_COUNTED else f"{self.count:,}"


def first(query: PatientQuery, *, most: int) -> list[Hit]:
    """The first hits and no more: nothing is counted, and no page begins elsewhere."""
    return [row.hit for row in _rows(query, most=most)]


def first_hits(queries: Sequence[PatientQuery]) -> list[FirstHit | None]:
    """The first hit alone of each of several queries, in one statement. None of them may be by an address.

    By its key as it comes: the first of all is the first of the distinct.
    """
    each = [_first_hit(number, query) for number, query in enumerate(queries)]
    leads: list[FirstHit | None] = [None] * len(each)
    if each:
        sql = " UNION ALL ".join(f"SELECT * FROM ({one.sql}) AS lead" for one in each)  # noqa: S608 - no value is in it
        for number, patient, *names_of in _fetch(sql, [value for one in each for value in one.values]):
            leads[number] = FirstHit(UUID(str(patient)), *names_of)
    return leads


def _first_hit(number: int, query: PatientQuery) -> "_Sql":
    person = "contact" if query.by_contact else "patient"
    where = _matching(query)
    return _Sql(
        f"SELECT {number} AS query, k.patient_id, person.family_name, person.given_names FROM patients_namekey k"  # noqa: S608 - no value is in it
        f" JOIN patients_{person} person ON person.id = k.{person}_id"
        f" WHERE {where.sql} ORDER BY {', '.join(_order(query))} LIMIT 1",
        where.values,
    )


def find(query: PatientQuery, *, after: int | None = None, before: int | None = None) -> Page:
    """One page of the patients that match, in the order of the key they were found by, each patient once."""
    start = _page_start(query.practice, _order(query), after or before)
    backwards = start is not None and after is None
    rows = _rows(query, most=PAGE_SIZE + 1, start=start, backwards=backwards, counted=_count(query))
    if not rows and start:
        return find(query)  # who stood on this page is there no more
    is_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    more_after, more_before = (bool(rows), is_more) if backwards else (is_more, start is not None and bool(rows))
    return Page(
        hits=[row.hit for row in rows],
        count=rows[0].counted if rows else 0,
        after=rows[-1].key if more_after else None,
        before=rows[0].key if more_before else None,
    )


class _Row(NamedTuple):
    key: int
    hit: Hit
    counted: int  # all that match; 0 where it was not asked for


class _Sql(NamedTuple):
    """A condition on `k`, a row of NameKey, or a number; and what stands at its places."""

    sql: str
    values: list[Any]

    def of(self, alias: str) -> str:
        return self.sql.replace("k.", f"{alias}.")


_NOT_COUNTED: Final = _Sql("0", [])
_FIRST_KEYS: Final = MAX_COUNTED * 16 // 10


def _order(query: PatientQuery) -> tuple[str, ...]:
    """The order in which an index of NameKey holds the answer."""
    if query.first and not query.last:
        return ("k.first", "k.last", "k.date_of_birth", "k.id")
    if query.date_of_birth and not query.last:
        return ("k.date_of_birth", "k.last", "k.first", "k.id")
    return ("k.last", "k.first", "k.date_of_birth", "k.id")


def _rows(
    query: PatientQuery,
    *,
    most: int,
    start: Sequence[Any] | None = None,
    backwards: bool = False,
    counted: _Sql = _NOT_COUNTED,
) -> list[_Row]:
    """`counted` stands beside each row: one statement costs either database less than two."""
    (sql, values), order, reached = _distinct(query), _order(query), _by_address_cte(query)
    if start is not None:
        sql += f" AND ({', '.join(order)}) {'<' if backwards else '>'} ({', '.join(['%s'] * len(order))})"
        values = [*values, *start]
    direction = " DESC" if backwards else ""
    of_contact, contact = "", ""
    if query.is_by_contact:
        of_contact = "".join(f", c.{name} AS contact_{name}" for name in _OF_CONTACT)
        contact = " LEFT JOIN patients_contact c ON c.id = k.contact_id"
    found = Patient.objects.raw(
        f"{reached.sql} SELECT {_OF_PATIENT}{of_contact}, k.id AS found_by, ({counted.sql}) AS counted"  # noqa: S608 - no value is in it
        f" FROM {_keys(query)} JOIN patients_patient p ON p.id = k.patient_id{contact} WHERE {sql}"
        f" ORDER BY {', '.join(name + direction for name in order)} LIMIT {most}",
        [*reached.values, *counted.values, *values],
    )
    return [_Row(each.found_by, Hit(each, _contact(each)), each.counted) for each in found]  # type: ignore[attr-defined]  # named above


def _contact(found: Patient) -> Contact | None:
    """The contact that a patient was found by, where there is one."""
    if not (key := getattr(found, "contact_id", None)):
        return None
    names = [getattr(found, f"contact_{name}") for name in _OF_CONTACT[1:]]
    return Contact.from_db(found._state.db, _OF_CONTACT, [UUID(str(key)), *names])


def _count(query: PatientQuery) -> _Sql:
    """How many patients: exactly, to MOST_COUNTED + 1.

    Many are told by an index alone: the keys of one patient have one date of birth, so where the first keys have more
    dates of birth than are counted, there are more patients than are counted. Where those keys are all there are, their
    patients are counted at once; only where neither is so is each key asked whether it is its patient's first.
    """
    where = _distinct(query)
    count = f"SELECT COUNT(*) FROM (SELECT 1 FROM {_keys(query)} WHERE {where.sql} LIMIT {MAX_COUNTED + 1}) AS found"  # noqa: S608 - no value is in it
    if query.is_by_address:  # a household
        return _Sql(count, where.values)
    keys = _matching(query)
    of_all = f"SELECT DISTINCT k.patient_id FROM patients_namekey k WHERE {keys.sql} LIMIT {MAX_COUNTED + 1}"  # noqa: S608 - no value is in it
    first = f"SELECT k.date_of_birth FROM patients_namekey k WHERE {keys.sql} LIMIT {_FIRST_KEYS}"  # noqa: S608 - no value is in it
    sql = (
        f"SELECT CASE WHEN days > {MAX_COUNTED} THEN {MAX_COUNTED + 1}"  # noqa: S608 - no value is in it
        f" WHEN keys < {_FIRST_KEYS} THEN (SELECT COUNT(*) FROM ({of_all}) AS patients) ELSE ({count}) END"
        f" FROM (SELECT COUNT(DISTINCT date_of_birth) AS days, COUNT(*) AS keys FROM ({first}) AS first_keys) AS counted"
    )
    return _Sql(sql, [*keys.values, *where.values, *keys.values])


def _page_start(practice: Practice, order: Sequence[str], key: int | None) -> Sequence[Any] | None:
    """Where a page begins: what the order is by, of this key; None where the practice has no such key."""
    if not key:
        return None
    found = _fetch(
        f"SELECT {', '.join(order)} FROM patients_namekey k WHERE k.practice_id = %s AND k.id = %s",  # noqa: S608 - no value is in it
        [_db_value("practice", practice.pk), key],
    )
    return found[0] if found else None


def _keys(query: PatientQuery) -> str:
    return "k" if query.is_by_address else "patients_namekey k"


def _distinct(query: PatientQuery) -> _Sql:
    """Each patient once, at the first of its keys that match: García-García is not listed twice under "garcia".

    The keys of a patient are numbered in the order of its names (patients.models.keys_of).
    """
    if query.is_by_address:
        return _Sql("TRUE", [])  # as `_reached` has them
    where, earlier = _matching(query), _all_of(_owner_filter(query), *_names(query))
    # IS TRUE: by an index of names, PostgreSQL would look all that match through again for each of them.
    exists = (
        "SELECT 1 FROM patients_namekey e"  # noqa: S608 - no value is in it
        f" WHERE e.patient_id = k.patient_id AND e.id < k.id AND ({earlier.of('e')}) IS TRUE"
    )
    return _Sql(f"{where.sql} AND NOT EXISTS ({exists})", [*where.values, *earlier.values])


def _by_address_cte(query: PatientQuery) -> _Sql:
    """What stands before a search by address or number: `k`, each patient whom it reaches at the first of its keys.

    From the indexes of contacts and of patients to their keys: asked the other way, both databases would read every key.
    """
    if not query.is_by_address:
        return _Sql("", [])
    asked = {}
    if query.email:
        asked["email_key"] = email_key(query.email)
    if query.phone:
        asked["phone_key"] = phone_key(query.phone)
    where, has_it = (
        _all_of(*_names(query), *_status_and_birth_filters(query)),
        " AND ".join(["practice_id = %s", *(f"{name} = %s" for name in asked)]),
    )
    keys = "SELECT k.* FROM patients_namekey k WHERE"
    contacts = f"SELECT id FROM patients_contact WHERE {has_it} AND active AND in_source"  # noqa: S608 - no value is in it
    patients = f"SELECT id FROM patients_patient WHERE {has_it}"  # noqa: S608 - no value is in it
    values = [_db_value("practice", query.practice.pk), *asked.values(), *where.values]
    return _Sql(
        f"WITH reached AS ({keys} k.contact_id IN ({contacts}) AND {where.sql} UNION ALL"  # noqa: S608 - no value is in it
        f" {keys} k.owner = {NameKey.Owner.PATIENT} AND k.patient_id IN ({patients}) AND {where.sql}),"
        " k AS (SELECT * FROM reached WHERE id IN (SELECT MIN(id) FROM reached GROUP BY patient_id))",
        values * 2,
    )


def _matching(query: PatientQuery) -> _Sql:
    """The keys that match a search without an address, from an index that holds all that is asked."""
    practice = _Sql("k.practice_id = %s", [_db_value("practice", query.practice.pk)])
    return _all_of(practice, _owner_filter(query), *_names(query), *_status_and_birth_filters(query))


def _owner_filter(query: PatientQuery) -> _Sql:
    return _Sql("k.owner = %s", [int(NameKey.Owner.CONTACT if query.by_contact else NameKey.Owner.PATIENT)])


def _names(query: PatientQuery) -> list[_Sql]:
    return [
        _Sql(f"k.{column} >= %s AND k.{column} < %s", [prefix, end_of_prefix(prefix)])
        for column, prefix in (("last", query.last), ("first", query.first))
        if prefix
    ]


def _status_and_birth_filters(query: PatientQuery) -> list[_Sql]:
    """What is true of a patient, and so of all its keys or of none."""
    facts = []
    if query.date_of_birth:
        facts.append(_Sql("k.date_of_birth = %s", [_db_value("date_of_birth", query.date_of_birth)]))
    if query.status:
        facts.append(_Sql("k.status = %s", [query.status.value]))
    return facts


def _all_of(*parts: _Sql) -> _Sql:
    sql = " AND ".join(part.sql for part in parts) or "TRUE"
    return _Sql(sql, [value for part in parts for value in part.values])


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _db_value(field: str, value: object) -> Any:
    """As this database has it in the column: SQLite knows neither dates nor UUIDs."""
    column = NameKey._meta.get_field(field)
    assert isinstance(column, models.Field)
    return column.get_db_prep_value(value, connection)
