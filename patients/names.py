"""Fold names into search keys, which ignore case, accents, hyphens, apostrophes and spaces.

This module uses no database and no settings, so the keys are the same on every machine.
"""

import re
from typing import Final

from anyascii import anyascii

_NOT_A_KEY: Final = re.compile(r"[^a-z0-9]+")
_APOSTROPHES: Final = re.compile(r"['’‘ʻʼ`´]")

# Hospitals use these for a child without a name, alone or with a letter or number for twins.
_PLACEHOLDER_START: Final = re.compile(
    r"^(baby ?(boy|girl)?|new ?born|infant|(boy|girl|male|female)( of)?|bb|bg|bboy|bgirl|nb"
    r"|unnamed|unknown|no ?name|twin|triplet)"
    r"( (boy|girl|male|female|infant|baby|twin|triplet))*( ?[1-4]| [a-d])?$"
)
_PLACEHOLDER_ANYWHERE: Final = re.compile(r"^(baby ?(boy|girl)|newborn (boy|girl)|infant of|(baby|boy|girl) of) ")


def words(name: str) -> list[str]:
    """Split a name into folded words: "García-López" gives ["garcia", "lopez"], "O'Brien" gives ["obrien"]."""
    if name.isascii() and name.isalnum():  # one word, as most names are
        return [name.lower()]
    plain = _APOSTROPHES.sub("", anyascii(_APOSTROPHES.sub("", name))).casefold()
    return _NOT_A_KEY.sub(" ", plain).split()


def key(name: str) -> str:
    """Join the folded words, so that "de la Cruz", "Delacruz" and "DE-LA CRUZ" are equal."""
    return "".join(words(name))


def surname_keys(family_name: str) -> list[str]:
    """Return the key of the whole last name, and of each shorter ending: "García-López" gives "garcialopez" and "lopez"."""
    parts = words(_APOSTROPHES.sub(" ", family_name))  # "O'Brien" is found as "obrien" and as "brien"
    return list(dict.fromkeys("".join(parts[start:]) for start in range(len(parts)))) or [""]


def given_keys(given_names: str, preferred_name: str = "") -> list[str]:
    """Return a key for the given names, and one for the preferred name if that is different."""
    keys = [key(given_names)]
    preferred = key(preferred_name)
    if preferred and not keys[0].startswith(preferred):
        keys.append(preferred)
    return keys


def is_placeholder(given_names: str) -> bool:
    """Return whether this is a placeholder for an unknown name: "Baby Boy", "Newborn", "BB", "Twin A", or empty."""
    given = " ".join(words(given_names))
    return not given or bool(_PLACEHOLDER_START.match(given) or _PLACEHOLDER_ANYWHERE.match(given + " "))


def initials(*names: str) -> str:
    """Return the initial of each name: "María José", "García" gives "M.G."; "" if no name has a letter."""
    letters = [next((letter for letter in name if letter.isalpha()), "") for name in names]
    return "".join(f"{letter.upper()}." for letter in letters if letter)
