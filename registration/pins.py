"""Generate, format, parse and hash PINs.

A PIN has 12 characters of Crockford's base 32 in three groups of four: K7QF-2M9T-XB4C. The first four characters are
the selector, which is stored in plain text so that the PIN can be looked up. The other eight (40 bits) are secret. The
whole PIN is stored as a salted scrypt hash of its HMAC under PIN_PEPPER, which is not in the database. Source: NIST SP
800-63B-4 3.1.2 (approved random source, salted password hash, additional pepper).
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.utils.translation import gettext

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 12
_GROUP_LENGTH: Final = 4

# Crockford's look-alikes, and the separators that people type.
_TRANSLATION: Final = str.maketrans(
    {
        "O": "0",
        "I": "1",
        "L": "1",
        "-": None,
        " ": None,
        "\t": None,
        "\u00a0": None,
        "\u2010": None,
        "\u2011": None,
        "\u2013": None,
    }
)


@dataclass(frozen=True, repr=False)
class Pin:
    """A PIN in plain text. The class has no repr or str, so that a PIN cannot get into a log by accident."""

    characters: str

    @property
    def selector(self) -> str:
        return self.characters[:_GROUP_LENGTH]

    @property
    def groups(self) -> list[str]:
        return [self.characters[start : start + _GROUP_LENGTH] for start in range(0, LENGTH, _GROUP_LENGTH)]

    @property
    def shown(self) -> str:
        """Return the PIN as families see it: K7QF-2M9T-XB4C."""
        return "-".join(self.groups)


def generate() -> Pin:
    return Pin("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def read(typed: str) -> Pin:
    """Parse a PIN that someone typed: in upper or lower case, with or without hyphens and spaces, O as 0, and I and L as 1.

    Raises ValueError with a message for the family in the active language.
    """
    characters = typed.upper().translate(_TRANSLATION)
    if wrong := sorted(set(characters) - set(ALPHABET)):
        raise ValueError(
            gettext("PINs don’t contain “%(letter)s”. Check the PIN and try again.") % {"letter": wrong[0]}
        )
    if len(characters) != LENGTH:
        message = gettext("A PIN has %(length)s letters and numbers. You entered %(found)s.")
        raise ValueError(message % {"length": LENGTH, "found": len(characters)})
    return Pin(characters)


class _PinHasher(ScryptPasswordHasher):
    """A hasher with a low work factor (a few milliseconds), because attempts are limited and the pepper protects the 40 bits."""

    algorithm = "pin_scrypt"
    work_factor = 2**12


def digest(secret: str) -> str:
    """Hash a secret for storage: a PIN's characters, a link's token, or a normalized answer."""
    hasher = _PinHasher()
    return hasher.encode(_peppered(secret), hasher.salt())


def matches(secret: str, stored: str) -> bool:
    """Return True if `stored` is the hash of `secret`. The comparison takes constant time."""
    return _PinHasher().verify(_peppered(secret), stored)


def fingerprint(text: str) -> str:
    """Return 64 characters that are always the same for the same text. They don't reveal the text without the pepper."""
    return _peppered(text)


def email_proof(pin: Pin) -> str:
    """Return the proof that the emailed link contains in addition to the PIN. It shows that the person received the email.

    The proof has 80 bits and is derived with the pepper. Only the emailed link contains the proof: the PIN sheet, the
    text message and the front desk's screen don't show it.
    """
    # Never change this prefix: the links in emails that were already sent depend on it.
    return fingerprint(f"by e-mail {pin.characters}")[:20]


def _peppered(secret: str) -> str:
    return hmac.new(settings.PIN_PEPPER.encode(), secret.encode(), "sha256").hexdigest()
