"""Fetch the same rows with SQL through the database driver, without Django: the lower limit for a search."""

from collections.abc import Callable
from typing import Any, Final

from django.db import connection

from patients.models import Contact, NameKey, Patient
from portal.models import Practice

_BY_PHONE: Final = (
    "k.patient_id IN (SELECT id FROM patients_patient WHERE practice_id = ? AND phone_key = ?"
    " UNION SELECT patient_id FROM patients_contact WHERE practice_id = ? AND phone_key = ?)"
    " AND (c.phone_key = ? OR c.id IS NULL AND p.phone_key = ?)"
)

# For each search: the condition on NameKey (k), Patient (p) and Contact (c), the order of the index, and the values.
WHERE: Final[dict[str, tuple[str, str, list[Any]]]] = {
    "last-name prefix": ("k.owner = 0 AND k.last >= ? AND k.last < ?", "last", ["quillf", "quillf\U0010ffff"]),
    "last + first": (
        "k.owner = 0 AND k.last >= ? AND k.last < ? AND k.first >= ? AND k.first < ?",
        "last",
        ["quillfeather", "quillfeather\U0010ffff", "joa", "joa\U0010ffff"],
    ),
    "date of birth": ("k.owner = 0 AND k.date_of_birth = ?", "birth", ["2019-02-28"]),
    "phone": (
        _BY_PHONE,
        "last",
        [None, "+16125550199", None, "+16125550199", "+16125550199", "+16125550199"],
    ),
    "the first page": ("k.owner = 0 AND k.status = ?", "last", ["unregistered"]),
    "by status": ("k.owner = 0 AND k.status = ?", "last", ["pending"]),
    "a common last name": ("k.owner = 0 AND k.last >= ? AND k.last < ?", "last", ["s", "s\U0010ffff"]),
    "an unknown name": ("k.owner = 0 AND k.last >= ? AND k.last < ?", "last", ["xyzzq", "xyzzq\U0010ffff"]),
}
_ORDER: Final = {
    "last": "k.last, k.first, k.date_of_birth, k.id",
    "birth": "k.date_of_birth, k.last, k.first, k.id",
}


_AFTER_ROW: Final = f" AND (k.last, k.first, k.date_of_birth, k.id) > (SELECT last, first, date_of_birth, id FROM {NameKey._meta.db_table} WHERE id = ?)"


def query(name: str, practice: Practice, *, after: int | None = None) -> Callable[[], int]:
    """Return a function that counts up to 1,001 rows, fetches a page of 26 after a key, and returns its length."""
    where, order, values = WHERE[name]
    mine = _key(practice)
    arguments = [mine, *(mine if value is None else value for value in values)]
    joined = (
        f"FROM {NameKey._meta.db_table} k JOIN {Patient._meta.db_table} p ON p.id = k.patient_id"
        f" LEFT JOIN {Contact._meta.db_table} c ON c.id = k.contact_id WHERE k.practice_id = ? AND {where}"
    )
    after_row, after_values = (_AFTER_ROW, [after]) if after else ("", [])
    rows = f"SELECT k.*, p.*, c.* {joined}{after_row} ORDER BY {_ORDER[order]} LIMIT 26"
    # Only a search by phone number needs the other tables for its count.
    counted = joined if "c." in where else f"FROM {NameKey._meta.db_table} k WHERE k.practice_id = ? AND {where}"
    count = f"SELECT COUNT(*) FROM (SELECT 1 {counted} LIMIT 1001) AS counted"
    counts, fetches = _timed_query(count, arguments), _timed_query(rows, [*arguments, *after_values])

    def run() -> int:
        counts()
        return fetches()

    return run


def by_mrn(key: str, practice: Practice, *, most: int) -> Callable[[], int]:
    """Return a function that fetches the patients whose MRN starts with `key` and returns how many there are."""
    sql = f"SELECT * FROM {Patient._meta.db_table} WHERE practice_id = ? AND mrn_key >= ? AND mrn_key < ? ORDER BY mrn_key, id LIMIT ?"
    return _timed_query(sql, [_key(practice), key, f"{key}\U0010ffff", most])


def _key(practice: Practice) -> object:
    return practice.pk.hex if connection.vendor == "sqlite" else practice.pk


def _timed_query(sql: str, arguments: list[Any]) -> Callable[[], int]:
    connection.ensure_connection()
    driver = connection.connection.cursor()
    if connection.vendor == "postgresql":
        sql = sql.replace("?", "%s")

    def run() -> int:
        driver.execute(sql, arguments)
        return len(driver.fetchall())

    return run
