"""New rows into a table by the quickest way that the driver has.

`bulk_create` takes many times as long to write its statement, value by value, as a database takes to carry it out. What
is written here is the same to the last column: each value is prepared by its own field.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from django.db import connection, models

_AS_IT_IS: Final = (models.CharField, models.BooleanField, models.PositiveSmallIntegerField)


def insert(model: type[models.Model], objects: Sequence[models.Model]) -> None:
    """Writes objects that are not in the table yet, in their order, in the caller's transaction.

    As with `bulk_create` no signal is sent. A number that the database counts up is not read back into the object.
    """
    if not objects:
        return
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    rows = zip(*(_values(field, objects) for field in fields), strict=True)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def _values(field: "models.Field[Any, Any]", objects: Iterable[models.Model]) -> Iterable[Any]:
    """The column of a field, as the database takes it."""
    if isinstance(field, models.DateTimeField):
        return [field.get_db_prep_save(field.pre_save(one, add=True), connection) for one in objects]
    values = list(map(attrgetter(field.attname), objects))
    if isinstance(field, _AS_IT_IS):
        return values
    # A batch has few dates and practices, and a patient's key stands in several rows.
    prepared = {value: field.get_db_prep_save(value, connection) for value in set(values)}
    return [prepared[value] for value in values]
