"""Second factors are allauth's; their secrets are sealed in the database."""

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
    """Seals a second factor's secrets under the newest key; whether that changed anything.

    ValueError where no key of ours opens them.
    """
    with transaction.atomic():
        # Locked, because a recovery code that is being used writes the same column.
        factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if factor is None:  # removed a moment ago
            return False
        data = {name: _resealed(name, value) for name, value in factor.data.items()}
        if data == factor.data:
            return False
        factor.data = data
        factor.save(update_fields=["data"])
    return True


def _resealed(name: str, value: Any) -> Any:
    """What allauth keeps by these names is sealed (a passkey's data is public and has none of them)."""
    if name in {"secret", "seed"}:
        return sealing.reseal(value)
    if name == "migrated_codes":
        return [sealing.reseal(code) for code in value]
    return value
