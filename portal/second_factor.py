"""Encrypt the secrets of allauth's second factors in the database."""

from typing import Any, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from portal import sealing
from portal.sign_in_messages import SECOND_FACTOR_ERRORS


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | SECOND_FACTOR_ERRORS

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)


def reseal(pk: int) -> bool:
    """Encrypt a second factor's secrets with the newest key. Return whether anything changed.

    Raises ValueError if none of our keys decrypts the secrets.
    """
    with transaction.atomic():
        # Lock the row, because using a recovery code writes the same column.
        factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if factor is None:  # removed in the meantime
            return False
        data = {name: _resealed(name, value) for name, value in factor.data.items()}
        if data == factor.data:
            return False
        factor.data = data
        factor.save(update_fields=["data"])
    return True


def _resealed(name: str, value: Any) -> Any:
    """Reseal the values that allauth encrypts. A passkey's data is public and has no values with these names."""
    if name in {"secret", "seed"}:
        return sealing.reseal(value)
    if name == "migrated_codes":
        return [sealing.reseal(code) for code in value]
    return value
