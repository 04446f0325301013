"""The errors that Django raises while the database is unavailable."""

from typing import Final

from django.db import Error, InterfaceError, InternalError, NotSupportedError, OperationalError, connection

# The connection stays open but can no longer be used: after a failover the old PostgreSQL server is read-only
# (InternalError), and after a migration it refuses statements that were prepared before (NotSupportedError).
_BROKEN_BUT_OPEN: Final = (InternalError, NotSupportedError)
UNAVAILABLE: Final = (OperationalError, InterfaceError, *_BROKEN_BUT_OPEN)


def close_broken_connection(error: Error) -> None:
    """Close a connection that would fail again, so that the next query opens a new one."""
    if isinstance(error, _BROKEN_BUT_OPEN) and not connection.in_atomic_block:
        connection.close()
