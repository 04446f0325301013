"""Search keys: folded phone numbers, addresses and MRNs, and a field that can be searched by prefix.

Both databases answer the field's `prefix` lookup from an ordinary index.
"""

import re
from typing import Any, Final

import phonenumbers
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from patients import names

# The formats in most exports: "+16125550142", "(612) 555-0142", "1-612-555-0142".
_NORTH_AMERICAN: Final = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]{0,2}(\d{3})[ .-]?(\d{4})", re.ASCII)
_LAST_CHARACTER = "\U0010ffff"


class KeyField(models.CharField[str, str]):
    """A text field that is compared byte by byte. This is SQLite's default, and collation "C" on PostgreSQL."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


@KeyField.register_lookup
class Prefix(Lookup[str]):
    """Compile `key__prefix="smi"` to a range. LIKE would scan the index from its start, or not use the index."""

    lookup_name = "prefix"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        column, column_params = self.process_lhs(compiler, connection)
        start = str(self.rhs)
        return f"({column} >= %s AND {column} < %s)", (*column_params, start, *column_params, end_of_prefix(start))


def end_of_prefix(start: str) -> str:
    """Return a string that sorts after every key that begins with `start`."""
    return start + _LAST_CHARACTER


def phone_key(number: str) -> str:
    """Return "+15550100123" for a phone number that can be parsed, otherwise only its digits."""
    if match := _NORTH_AMERICAN.fullmatch(number):  # the regex is many times faster than the library
        return "+1" + "".join(match.groups())
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return "".join(filter(str.isdigit, number))[:20]
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[:20]


def email_key(address: str) -> str:
    return address.strip().casefold()[:254]


def mrn_key(mrn: str) -> str:
    """Reduce an MRN to its letters and digits, so that "MG-00412", "mg 00412" and "mg00412" are equal."""
    return names.key(mrn)[:64]
