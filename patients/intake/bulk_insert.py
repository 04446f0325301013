"""Insert new rows in the fastest way that the database driver offers.

`bulk_create` writes the same rows, but it prepares each value separately and builds one long statement. An import must
run at 0.25 of the speed of bare inserts (docs/quality-speed.md). With 20,000 patients on SQLite, measured in November 2026
on a busy machine, it ran at 0.15 to 0.19 with `bulk_create`, and at 0.20 to 0.35 with this module.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from django.db import connection, models

_MIN_COPY_ROWS: Final = 10  # for fewer rows, a prepared INSERT is faster than COPY on PostgreSQL
# Drivers accept the values of these fields unchanged.
_PLAIN: Final = (models.CharField, models.BooleanField, models.PositiveSmallIntegerField)


def insert(model: type[models.Model], objects: Sequence[object]) -> None:
    """Insert new rows in the given order, in the caller's transaction.

    The objects are instances of the model, or have its columns as attributes. As with `bulk_create`, no signal is sent.
    Keys that the database generates are not read back.
    """
    if not objects:
        return
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    rows = list(zip(*(_values(field, objects) for field in fields), strict=True))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and len(rows) >= _MIN_COPY_ROWS:
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            placeholders = ", ".join(["%s"] * len(fields))
            statement = f"INSERT INTO {table} ({columns}) VALUES ({placeholders})"  # noqa: S608 - no value is in it
            cursor.executemany(statement, rows)


def _values(field: "models.Field[Any, Any]", objects: Sequence[object]) -> Iterable[Any]:
    """Return each object's value for the field, as the field itself would prepare that value for the database."""
    if getattr(field, "auto_now", False):
        now = field.pre_save(field.model(), add=True)
        return [field.get_db_prep_save(now, connection)] * len(objects)
    values = list(map(attrgetter(field.attname), objects))
    stored_field = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(stored_field, models.UUIDField):
        return values if connection.features.has_native_uuid_field else [value and value.hex for value in values]
    if isinstance(stored_field, _PLAIN):
        return values
    if isinstance(stored_field, models.JSONField):  # its values are not hashable
        return [field.get_db_prep_save(value, connection) for value in values]
    prepared = {value: field.get_db_prep_save(value, connection) for value in set(values)}
    return [prepared[value] for value in values]
