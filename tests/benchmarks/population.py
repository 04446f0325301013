"""Create a practice of any size from a seed.

Names follow Zipf's law. Half of the patients have a parent, and a third have their own phone number.
The rows are inserted with COPY on PostgreSQL and executemany on SQLite, and the indexes are created at the end: a million
patients take a few minutes. The Quillfeather family exists at every size, so that pages with the same rows can be compared
between a small and a large practice.
"""

import itertools
import random
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from django.db import connection, models, transaction

from patients import names
from patients.keys import mrn_key
from patients.models import Contact, NameKey, Patient, PortalStatus
from portal.models import Practice
from registration.demo.names import ORIGINS

Rows = Iterable[Sequence[Any]]
_Row = TypeVar("_Row")

SEED: Final = 20_261_124
BATCH: Final = 20_000
QUILLFEATHERS: Final = 60
THEIR_BIRTHDAY: Final = date(2019, 2, 28)
THEIR_PHONE: Final = "+16125550199"

_LATEST_BIRTH: Final = date(2026, 11, 1)
_ENDINGS: Final = (
    "well",
    "ton",
    "field",
    "ford",
    "man",
    "berg",
    "wood",
    "son",
    "land",
    "er",
    "ley",
    "worth",
    "stein",
    "ski",
)
_STEMS: Final = 1_500
_STATUSES: Final = [
    *itertools.repeat(PortalStatus.UNREGISTERED, 62),
    *itertools.repeat(PortalStatus.REGISTERED, 25),
    *itertools.repeat(PortalStatus.PENDING, 8),
    *itertools.repeat(PortalStatus.DECLINED, 4),
    PortalStatus.SELF_REGISTERED,
]


def populate(practice: Practice, *, patients: int, seed: int = SEED) -> float:
    """Fill the empty tables. Return the seconds that it took."""
    begun = time.perf_counter()
    chance = random.Random(seed)
    definitions = _drop_indexes()
    with transaction.atomic():
        people = people_of(practice, patients=patients, chance=chance)
        for batch in in_batches(people):
            for model in (Patient, Contact, NameKey):
                insert(model, [row for person in batch for row in person.get(model, ())])
    with connection.cursor() as cursor:
        for definition in definitions:
            cursor.execute(definition)
    gather_statistics()
    return time.perf_counter() - begun


def in_batches(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    return iter(lambda: list(itertools.islice(rows, BATCH)), [])


def gather_statistics() -> None:
    """Update the planner statistics now. PostgreSQL would do it minutes later, and on SQLite the idle worker would."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute("ANALYZE")


def insert(model: type[models.Model], rows: Rows) -> None:
    """Insert rows, whose values are in the order of `columns_of(model)`, in the fastest way of the driver."""
    columns = columns_of(model)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            raw: sqlite3.Cursor = cursor.cursor.connection.cursor()
            places = ", ".join("?" * len(columns))
            raw.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", map(for_sqlite, rows))


def columns_of(model: type[models.Model]) -> list[str]:
    """Return the columns to write: all except automatic primary keys."""
    return [str(field.column) for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


def names_of(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


def for_sqlite(row: Sequence[Any]) -> list[Any]:
    return [
        value.hex if isinstance(value, uuid.UUID) else value.isoformat() if isinstance(value, date) else value
        for value in row
    ]


def surnames() -> list[str]:
    """Return about 20,000 surnames, the most frequent first: those of the demo, then generated ones."""
    return list(dict.fromkeys([*_interleaved("surnames"), *_generated_surnames()]))


def people_of(practice: Practice, *, patients: int, chance: random.Random) -> Iterator[dict[type[models.Model], Any]]:
    last = _Zipf(surnames(), chance)
    first = _Zipf([*_interleaved("girls"), *_interleaved("boys")], chance)
    for number in range(patients):
        if number < QUILLFEATHERS:
            yield _rows(
                practice,
                number,
                "Quillfeather",
                f"Jo{_letters(number)}",
                chance,
                born=THEIR_BIRTHDAY,
                status=PortalStatus.PENDING,
                phone=THEIR_PHONE,
            )
        else:
            born = _LATEST_BIRTH - timedelta(days=chance.randrange(18 * 365))
            phone = f"+1612{chance.randrange(200, 999)}{chance.randrange(10_000):04}"
            yield _rows(
                practice,
                number,
                last.pick(),
                first.pick(),
                chance,
                born=born,
                status=chance.choice(_STATUSES),
                phone=phone,
            )


def _rows(
    practice: Practice,
    number: int,
    last: str,
    first: str,
    chance: random.Random,
    *,
    born: date,
    status: str,
    phone: str,
) -> dict[type[models.Model], Any]:
    patient, contact = (uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(2))
    has_parent, own = number % 2 == 0, phone if number % 3 == 0 else ""
    identity = (patient, practice.pk, "urn:bench", str(number), f"MG-{number}", last, first, "", born)
    state = ("female", True, False, None, "en", own, "")
    home = (f"{number % 9_000} Orchard Lane", "Maple Grove", "MN", "55311")
    rows: dict[type[models.Model], Any] = {
        Patient: [(*identity, *state, *home, status, own, "", mrn_key(f"MG-{number}"), _NOW)],
        NameKey: [(practice.pk, 0, *keys, born, status, patient, None) for keys in _keys(last, first)],
    }
    if has_parent:
        email = f"parent{number}@families.example"
        rows[Contact] = [
            (
                contact,
                practice.pk,
                patient,
                "1",
                0,
                last,
                "Elena",
                "Mother",
                email,
                phone,
                True,
                True,
                True,
                phone,
                email,
            )
        ]
        rows[NameKey] += [(practice.pk, 1, *keys, born, status, patient, contact) for keys in _keys(last, "Elena")]
    return rows


_NOW: Final = "2026-11-24 12:00:00+00:00"


@cache
def _keys(last: str, first: str) -> list[tuple[str, str]]:
    return [(one, other) for one in names.surname_keys(last) for other in names.given_keys(first)]


class _Zipf:
    """Pick names at random: the name of rank r about 1/r times as often as the first."""

    def __init__(self, ranked: list[str], chance: random.Random) -> None:
        self._ranked, self._chance = ranked, chance
        self._weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(ranked))))

    def pick(self) -> str:
        return self._chance.choices(self._ranked, cum_weights=self._weights)[0]


def _interleaved(kind: str) -> list[str]:
    """Return the names of all origins, ordered by rank and then by the size of the origin."""
    lists = [getattr(origin, kind) for origin in ORIGINS]
    return [name for rank in itertools.zip_longest(*lists) for name in rank if name]


def _generated_surnames() -> Iterator[str]:
    chance = random.Random(1)
    stems = ["".join(chance.choice(part) for part in ("bcdfghklmnprstvw", "aeiou", "lnrstd")) for _ in range(_STEMS)]
    return (f"{stem}{ending}".capitalize() for ending in _ENDINGS for stem in dict.fromkeys(stems))


def _letters(number: int) -> str:
    return chr(97 + number // 26) + chr(97 + number % 26)


def _drop_indexes() -> list[str]:
    """Drop the indexes of the three tables, except constraints. Return the statements that create them again."""
    tables = [model._meta.db_table for model in (Patient, Contact, NameKey)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN"
                " (SELECT conname FROM pg_constraint)",
                [tables],
            )
        else:
            cursor.execute("PRAGMA cache_size = -400000")
            marks = ", ".join(["%s"] * len(tables))
            cursor.execute(
                f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                f" AND sql NOT LIKE 'CREATE UNIQUE%%' AND tbl_name IN ({marks})",
                tables,
            )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    return [str(definition) for _, definition in found]
