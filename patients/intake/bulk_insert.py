"""New rows into a table by the quickest way that the driver has.

`bulk_create` takes many times as long to write its statement, value by value, as a database takes to carry it out. What
stands in the table afterwards is the same to the last column.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from django.db import connection, models

_WORTH_A_COPY: Final = 10  # rows; PostgreSQL is asked for fewer by a statement, which it knows already
# Drivers take these values as they are.
_PLAIN: Final = (models.CharField, models.BooleanField, models.PositiveSmallIntegerField)


def insert(model: type[models.Model], objects: Sequence[object]) -> None:
    """Writes what is not in the table yet, in its order, in the caller's transaction.

    The objects are of the model, or have its columns as attributes. As with `bulk_create` no signal is sent; a number
    that the database counts up is not read back.
    """
    if not objects:
        return
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    rows = list(zip(*(_values(field, objects) for field in fields), strict=True))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and len(rows) >= _WORTH_A_COPY:
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - no value is in it
            cursor.executemany(statement, rows)


def _values(field: "models.Field[Any, Any]", objects: Sequence[object]) -> Iterable[Any]:
    """A field's column, prepared for the database as the field itself would."""
    if getattr(field, "auto_now", False):
        now = field.pre_save(field.model(), add=True)
        return [field.get_db_prep_save(now, connection)] * len(objects)
    values = list(map(attrgetter(field.attname), objects))
    kind = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(kind, models.UUIDField):
        return values if connection.features.has_native_uuid_field else [value and value.hex for value in values]
    if isinstance(kind, _PLAIN):
        return values
    if isinstance(kind, models.JSONField):  # whose values have no hash
        return [field.get_db_prep_save(value, connection) for value in values]
    prepared = {value: field.get_db_prep_save(value, connection) for value in set(values)}
    return [prepared[value] for value in values]
