"""Encryption of what must survive until it is delivered, and of nothing else.

The keys come from SEALING_KEYS, newest first; older ones still open what they sealed.
"""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression


@cache
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in keys])


def seal(text: str) -> str:
    return _keys(tuple(settings.SEALING_KEYS)).encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """The sealed text; ValueError where no key of ours opens it."""
    try:
        return _keys(tuple(settings.SEALING_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise ValueError("None of SEALING_KEYS opens this.") from None


def reseal(token: str) -> str:
    """The same text under the newest key; the same token where it is already. ValueError where no key of ours opens it."""
    newest, *_ = settings.SEALING_KEYS
    try:
        _keys((newest,)).decrypt(token.encode())
    except InvalidToken:
        return seal(unseal(token))
    return token


class SealedTextField(models.TextField[Any, Any]):
    """Text that is sealed in the database and open in Python. It cannot be searched, only asked whether it is there."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else seal(str(value))

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else unseal(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError("A sealed field cannot be searched.")
        return super().get_lookup(lookup_name)
