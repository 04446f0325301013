"""A search for patients, and the SQL conditions that select the name keys that match.

In the conditions, `k` is a NameKey. All values are parameters, whose names and values are in `parameters`.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db import connection, models

from patients import names
from patients.keys import email_key, end_of_prefix, phone_key
from patients.models import NameKey, PortalStatus
from portal.models import Practice


@dataclass(frozen=True, kw_only=True)
class PatientQuery:
    """What to search for. Names are as typed; with `by_contact`, they are those of a family contact.

    An email address or phone number must match completely, on a contact or on the patient's own record. Names in the
    same query are those of the person with that address or number.
    """

    practice: Practice
    by_contact: bool = False
    last_name: str = ""
    first_name: str = ""
    date_of_birth: date | None = None
    email: str = ""
    phone: str = ""
    status: PortalStatus | None = None

    @cached_property
    def last(self) -> str:
        return names.key(self.last_name)

    @cached_property
    def first(self) -> str:
        return names.key(self.first_name)

    @property
    def is_by_address(self) -> bool:
        """Return whether the search is by email address or phone number, and so finds a household."""
        return bool(self.email or self.phone)

    @property
    def may_find_contact(self) -> bool:
        return self.by_contact or self.is_by_address

    @property
    def is_empty(self) -> bool:
        return not (self.last or self.first or self.date_of_birth or self.is_by_address or self.status)


def matching_keys(query: PatientQuery, *, number: int | str = "") -> str:
    """Return the condition for all keys that match a search without an address. A single index is enough."""
    return all_of(
        f"k.practice_id = %(practice{number})s",
        owner_filter("k", number=number),
        *name_filters(query, number=number),
        *status_and_birth_filters(query, number=number),
    )


def owner_filter(table: str, *, number: int | str = "") -> str:
    return f"{table}.owner = %(owner{number})s"


def name_filters(query: PatientQuery, table: str = "k", *, number: int | str = "") -> list[str]:
    return [
        f"{table}.{column} >= %({column}{number})s AND {table}.{column} < %({column}_end{number})s"
        for column, prefix in (("last", query.last), ("first", query.first))
        if prefix
    ]


def status_and_birth_filters(query: PatientQuery, *, number: int | str = "") -> list[str]:
    """Return conditions on the patient. Each is true for all of a patient's keys or for none."""
    filters = []
    if query.date_of_birth:
        filters.append(f"k.date_of_birth = %(date_of_birth{number})s")
    if query.status:
        filters.append(f"k.status = %(status{number})s")
    return filters


def parameters(query: PatientQuery, *, number: int | str = "") -> dict[str, Any]:
    """Return the conditions' parameters and their values. If `number` is given, each parameter's name ends with it."""
    values: dict[str, Any] = {
        f"practice{number}": db_value("practice", query.practice.pk),
        f"owner{number}": int(NameKey.Owner.CONTACT if query.by_contact else NameKey.Owner.PATIENT),
    }
    for column, prefix in (("last", query.last), ("first", query.first)):
        if prefix:
            values |= {f"{column}{number}": prefix, f"{column}_end{number}": end_of_prefix(prefix)}
    if query.date_of_birth:
        values[f"date_of_birth{number}"] = db_value("date_of_birth", query.date_of_birth)
    if query.status:
        values[f"status{number}"] = query.status.value
    if query.email:
        values["email_key"] = email_key(query.email)
    if query.phone:
        values["phone_key"] = phone_key(query.phone)
    return values


def all_of(*conditions: str) -> str:
    return " AND ".join(conditions) or "TRUE"


def db_value(field: str, value: object) -> Any:
    """Convert a value to the form in which the database stores it: SQLite has neither dates nor UUIDs."""
    column = NameKey._meta.get_field(field)
    assert isinstance(column, models.Field)
    return column.get_db_prep_value(value, connection)
