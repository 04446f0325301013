"""What a database knows of its tables, by which it chooses its ways.

PostgreSQL gathers it by itself, within minutes. SQLite does not: with a million patients and without it, the account page
took 17 times as long and a search did not come back.
"""

import time
from datetime import timedelta
from typing import Any, Final

from django.db import connection, models

EVERY: Final = timedelta(hours=1)
_LOOKED_AT: Final = 1000  # entries of each index: some hundredths of a second, however large they are

_gathered_at: float | None = None  # on the clock that nobody sets back


def gather(*tables: type[models.Model]) -> None:
    """Of these tables; on SQLite of all. After a load, and before the first search in what was loaded."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA analysis_limit = {_LOOKED_AT}")
            cursor.execute("ANALYZE")
        else:
            for table in tables:
                cursor.execute(f"ANALYZE {connection.ops.quote_name(table._meta.db_table)}")


def keep(**_: Any) -> None:
    """The worker's part: every hour, where nobody else does it."""
    global _gathered_at
    now = time.monotonic()
    if connection.vendor == "sqlite" and (_gathered_at is None or now - _gathered_at >= EVERY.total_seconds()):
        gather()
        _gathered_at = now
