"""Names as they are found: folded to keys in which case, accents, hyphens, apostrophes and spaces do not matter.

Pure: no database, no settings, the same keys on every machine.
"""

import re
from typing import Final

from anyascii import anyascii

_NOT_A_KEY: Final = re.compile(r"[^a-z0-9]+")
_APOSTROPHES: Final = re.compile(r"['’‘ʻʼ`´]")

# A hospital's words for a child that has no name yet, alone or with a letter or number for twins.
_PLACEHOLDER_START: Final = re.compile(
    r"^(baby ?(boy|girl)?|new ?born|infant|(boy|girl|male|female)( of)?|bb|bg|bboy|bgirl|nb"
    r"|unnamed|unknown|no ?name|twin|triplet)"
    r"( (boy|girl|male|female|infant|baby|twin|triplet))*( ?[1-4]| [a-d])?$"
)
_PLACEHOLDER_ANYWHERE: Final = re.compile(r"^(baby ?(boy|girl)|newborn (boy|girl)|infant of|(baby|boy|girl) of) ")


def words(name: str) -> list[str]:
    """The words of a name, folded: "García-López" gives ["garcia", "lopez"], "O'Brien" gives ["obrien"]."""
    if name.isascii() and name.isalnum():  # one word, as most names are
        return [name.lower()]
    plain = _APOSTROPHES.sub("", anyascii(_APOSTROPHES.sub("", name))).casefold()
    return _NOT_A_KEY.sub(" ", plain).split()


def key(name: str) -> str:
    """The words run together, so that "de la Cruz", "Delacruz" and "DE-LA CRUZ" are one."""
    return "".join(words(name))


def surname_keys(family_name: str) -> list[str]:
    """A key from each part of the surname to its end: "García-López" is found as "garcialopez" and as "lopez"."""
    parts = words(_APOSTROPHES.sub(" ", family_name))  # "O'Brien" is found as "obrien" and as "brien"
    return list(dict.fromkeys("".join(parts[start:]) for start in range(len(parts)))) or [""]


def given_keys(given_names: str, preferred_name: str = "") -> list[str]:
    """The given names as written, and the name that the person goes by where that is another."""
    keys = [key(given_names)]
    preferred = key(preferred_name)
    if preferred and not keys[0].startswith(preferred):
        keys.append(preferred)
    return keys


def is_placeholder(given_names: str) -> bool:
    """Whether this stands in for a name that is not known yet: "Baby Boy", "Newborn", "BB", "Twin A", or nothing."""
    given = " ".join(words(given_names))
    return not given or bool(_PLACEHOLDER_START.match(given) or _PLACEHOLDER_ANYWHERE.match(given + " "))


def initials(*names: str) -> str:
    """One letter for each name in upper case, with points: "María José", "García" gives "M.G."; "" where there is none."""
    letters = [next((letter for letter in name if letter.isalpha()), "") for name in names]
    return "".join(f"{letter.upper()}." for letter in letters if letter)
