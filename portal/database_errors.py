"""The database does not serve just now: what Django raises then, and the connection that has to go with it."""

from typing import Final

from django.db import Error, InterfaceError, InternalError, NotSupportedError, OperationalError, connection

# A connection may be whole and yet serve nothing: a server that another one has taken over from only reads
# (InternalError), and what PostgreSQL planned before a migration it does not carry out any more (NotSupportedError).
_SEEMS_WHOLE: Final = (InternalError, NotSupportedError)
FAILS: Final = (OperationalError, InterfaceError, *_SEEMS_WHOLE)


def let_go_after(fault: Error) -> None:
    """The next one begins on a connection of its own, where this one would fail time and again."""
    if isinstance(fault, _SEEMS_WHOLE) and not connection.in_atomic_block:
        connection.close()
