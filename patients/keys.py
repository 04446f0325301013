"""Search keys: how phone numbers and addresses are folded, and a column whose look-up `prefix` both databases answer
from an ordinary index."""

import re
from typing import Any, Final

import phonenumbers
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from patients import names

# As most exports write a number: "+16125550142", "(612) 555-0142", "1-612-555-0142".
_NORTH_AMERICAN: Final = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]{0,2}(\d{3})[ .-]?(\d{4})", re.ASCII)
_LAST_CHARACTER = "\U0010ffff"


class KeyField(models.CharField[str, str]):
    """Text compared byte by byte: SQLite does so by itself, PostgreSQL is asked for collation "C"."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


@KeyField.register_lookup
class Prefix(Lookup[str]):
    """`key__prefix="smi"`: a range, because LIKE would walk the index from its start (or not use it at all)."""

    lookup_name = "prefix"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        column, column_params = self.process_lhs(compiler, connection)
        start = str(self.rhs)
        return f"({column} >= %s AND {column} < %s)", (*column_params, start, *column_params, end_of_prefix(start))


def end_of_prefix(start: str) -> str:
    """Before it, byte by byte, stands every key that begins with `start`."""
    return start + _LAST_CHARACTER


def phone_key(number: str) -> str:
    """Digits by which a phone number is found: "+15550100123" for a number that can be read, its bare digits otherwise."""
    if match := _NORTH_AMERICAN.fullmatch(number):  # the library takes many times as long
        return "+1" + "".join(match.groups())
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return "".join(filter(str.isdigit, number))[:20]
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[:20]


def email_key(address: str) -> str:
    return address.strip().casefold()[:254]


def mrn_key(mrn: str) -> str:
    """Letters and digits alone, so that "MG-00412", "mg 00412" and "mg00412" are one."""
    return names.key(mrn)[:64]
