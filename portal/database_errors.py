"""The database does not serve just now: what Django raises then, and the connection that has to go with it."""

from typing import Final

from django.db import Error, InterfaceError, InternalError, NotSupportedError, OperationalError, connection

# A connection may be whole and yet serve nothing: a server that another one has taken over from only reads
# (InternalError), and what PostgreSQL planned before a migration it does not carry out any more (NotSupportedError).
_BROKEN_BUT_OPEN: Final = (InternalError, NotSupportedError)
UNAVAILABLE: Final = (OperationalError, InterfaceError, *_BROKEN_BUT_OPEN)


def close_broken_connection(fault: Error) -> None:
    """The next one begins on a connection of its own, where this one would fail time and again."""
    if isinstance(fault, _BROKEN_BUT_OPEN) and not connection.in_atomic_block:
        connection.close()
