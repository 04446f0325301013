"""A PIN: made, shown, read, and kept so that nobody can read it back.

12 characters of Crockford's base 32, in three groups of four: K7QF-2M9T-XB4C. The first four are the selector, stored as
they are; the other eight (40 bits) are stored as a salted scrypt hash of an HMAC of the whole PIN under PIN_PEPPER, which
is not in the database. NIST SP 800-63B-4 3.1.2: an approved random source, a salted password hash, a pepper besides.
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
_GROUP: Final = 4

# Crockford: what a person reads or types for what is meant; and what people put between.
_READ_AS: Final = str.maketrans(
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
    """The clear text. It has no repr and no str, so that it cannot slip into a log by accident."""

    characters: str

    @property
    def selector(self) -> str:
        return self.characters[:_GROUP]

    @property
    def groups(self) -> list[str]:
        return [self.characters[start : start + _GROUP] for start in range(0, LENGTH, _GROUP)]

    @property
    def shown(self) -> str:
        """As families see it: K7QF-2M9T-XB4C."""
        return "-".join(self.groups)


def generate() -> Pin:
    return Pin("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def read(typed: str) -> Pin:
    """The PIN that a person typed: any case, with or without hyphens and spaces, O as 0, I and L as 1.

    Raises ValueError with a sentence for that person, in the language that is active.
    """
    characters = typed.upper().translate(_READ_AS)
    if wrong := sorted(set(characters) - set(ALPHABET)):
        raise ValueError(gettext("A PIN has no “%(letter)s”. Please check the letters.") % {"letter": wrong[0]})
    if len(characters) != LENGTH:
        told = gettext("A PIN has %(length)s letters and digits; this has %(found)s.")
        raise ValueError(told % {"length": LENGTH, "found": len(characters)})
    return Pin(characters)


class _PinHasher(ScryptPasswordHasher):
    """A few milliseconds: the tries are counted, and the pepper stands before the 40 bits."""

    algorithm = "pin_scrypt"
    work_factor = 2**12


def digest(secret: str) -> str:
    """The form in which a secret (a PIN's characters, a link's token, a folded answer) is stored."""
    hasher = _PinHasher()
    return hasher.encode(_peppered(secret), hasher.salt())


def matches(secret: str, stored: str) -> bool:
    """Whether `stored` was made of `secret`; compared in constant time."""
    return _PinHasher().verify(_peppered(secret), stored)


def fingerprint(text: str) -> str:
    """64 characters, the same for the same text; without the pepper nobody can tell which text."""
    return _peppered(text)


def email_proof(pin: Pin) -> str:
    """What the link of an e-mail has beside the PIN, and nothing else: whoever shows it has read that very e-mail.

    80 bits under the pepper. Neither the sheet, nor the text, nor the desk's screen has it.
    """
    return fingerprint(f"by e-mail {pin.characters}")[:20]


def _peppered(secret: str) -> str:
    return hmac.new(settings.PIN_PEPPER.encode(), secret.encode(), "sha256").hexdigest()
