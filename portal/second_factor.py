"""Second factors are allauth's; their secrets are sealed in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter

from portal import sealing


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)
