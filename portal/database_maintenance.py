"""Refresh the statistics that a database needs to plan its queries.

PostgreSQL gathers the statistics within minutes, SQLite only when asked. Without them, with a million patients, the
account page took 17 times as long and a search did not finish.
"""

import sqlite3
import time
from datetime import timedelta
from typing import Any, Final

from django.db import connection, models

OPTIMIZE_EVERY: Final = timedelta(hours=1)
# Limits how many entries of each index are read, which takes hundredths of a second however large the index is.
_LIMIT_ANALYSIS: Final = "PRAGMA analysis_limit = 1000"
# 0x10002 also looks at tables that this connection has not queried (https://sqlite.org/pragma.html#pragma_optimize).
# SQLite before 3.46 cannot do that, so it analyzes everything.
_OPTIMIZE: Final = "PRAGMA optimize = 0x10002" if sqlite3.sqlite_version_info >= (3, 46) else "ANALYZE"

_optimized_at: float | None = None  # monotonic seconds


def analyze(*tables: type[models.Model]) -> None:
    """Gather the statistics of these tables, for example after an import and before the first search."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_LIMIT_ANALYSIS)
        for table in tables:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table._meta.db_table)}")


def optimize(**_: Any) -> None:
    """Have SQLite update statistics that are missing or out of date, once an hour. Runs when the worker is idle."""
    global _optimized_at
    now = time.monotonic()
    is_due = _optimized_at is None or now - _optimized_at >= OPTIMIZE_EVERY.total_seconds()
    if connection.vendor == "sqlite" and is_due:
        with connection.cursor() as cursor:
            cursor.execute(_LIMIT_ANALYSIS)
            cursor.execute(_OPTIMIZE)
        _optimized_at = now
