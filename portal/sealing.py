"""Encrypt secrets that must be stored until they are delivered, and the second factors of users.

The keys come from SEALING_KEYS, newest first. Older keys can still decrypt what was encrypted with them.
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
    """Return the decrypted text. Raises ValueError if none of our keys decrypts it."""
    try:
        return _keys(tuple(settings.SEALING_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise ValueError("No key in SEALING_KEYS can decrypt this.") from None


def reseal(token: str) -> str:
    """Return the token encrypted with the newest key. Raises ValueError if none of our keys decrypts it."""
    newest, *_ = settings.SEALING_KEYS
    try:
        _keys((newest,)).decrypt(token.encode())
    except InvalidToken:
        return seal(unseal(token))
    return token


class SealedTextField(models.TextField[Any, Any]):
    """A text field that is encrypted in the database and plain in Python. The only lookup it supports is `isnull`."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else seal(str(value))

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else unseal(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError("An encrypted field cannot be searched.")
        return super().get_lookup(lookup_name)
