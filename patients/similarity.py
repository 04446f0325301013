"""How alike two names, two dates, two addresses are: what a family told beside what is on record.

Pure: no database, no settings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import product
from typing import Final

import jellyfish
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from patients import names

_ALIKE: Final = 0.92  # Jaro-Winkler
_SHORTEST_PREFIX: Final = 2  # letters: an initial says too little


class Verdict(StrEnum):
    AGREES = "agrees"
    NEAR = "near"
    DIFFERS = "differs"
    NOT_ON_RECORD = "not on record"
    NOT_TOLD = "not told"


@dataclass(frozen=True)
class Finding:
    """A verdict, and in a few words why, where that is not plain to see."""

    verdict: Verdict
    note: str = ""


AGREES: Final = Finding(Verdict.AGREES)
DIFFERS: Final = Finding(Verdict.DIFFERS)
NOT_ON_RECORD: Final = Finding(Verdict.NOT_ON_RECORD)
NOT_PROVIDED: Final = Finding(Verdict.NOT_TOLD)


def compare_surnames(submitted: str, on_record: str) -> Finding:
    """One is the other, or its last part: "López" and "García-López" agree, "García" and "García-López" are near."""
    ours, theirs = names.surname_keys(submitted), names.surname_keys(on_record)
    if not ours[0] or not theirs[0]:
        return NOT_ON_RECORD if ours[0] else NOT_PROVIDED
    if ours[0] in theirs or theirs[0] in ours:
        return AGREES
    if set(names.words(submitted)) & set(names.words(on_record)):
        return Finding(Verdict.NEAR, "partly the same")
    return _spelled(product(ours, theirs))


def compare_first_names(submitted: str, on_record: str, preferred: str = "") -> Finding:
    """One begins with the other, or with what the person goes by: "Sofía" and "Sofía Isabel" agree."""
    ours, theirs = names.key(submitted), [each for each in names.given_keys(on_record, preferred) if each]
    if not ours:
        return NOT_PROVIDED
    if not theirs or names.is_placeholder(on_record):
        return Finding(Verdict.NOT_ON_RECORD, "a placeholder") if theirs else NOT_ON_RECORD
    if any(_begins(ours, each) for each in theirs):
        return AGREES
    if set(names.words(submitted)) & {*names.words(on_record), *names.words(preferred)}:
        return Finding(Verdict.NEAR, "partly the same")
    first = names.words(submitted)[0]
    return _spelled((first, word) for word in (*names.words(on_record)[:1], *names.words(preferred)))


def compare_dates(submitted: date, on_record: date) -> Finding:
    if submitted == on_record:
        return AGREES
    if (submitted.year, submitted.month, submitted.day) == (on_record.year, on_record.day, on_record.month):
        return Finding(Verdict.NEAR, "day and month the other way round")
    if DamerauLevenshtein.distance(f"{submitted:%m%d%Y}", f"{on_record:%m%d%Y}") == 1:
        return Finding(Verdict.NEAR, "one digit off")
    return DIFFERS


def compare_keys(submitted: str, on_record: Iterable[str]) -> Finding:
    """Of an e-mail address or a phone number, folded (patients.keys), with those on record."""
    known = [each for each in on_record if each]
    if not submitted:
        return NOT_PROVIDED
    if not known:
        return NOT_ON_RECORD
    return AGREES if submitted in known else DIFFERS


def compare_addresses(submitted: tuple[str, str], on_record: tuple[str, str]) -> Finding:
    """Of street and ZIP code. The same ZIP code alone is near."""
    (street, code), (known_street, known_code) = submitted, on_record
    if not names.key(street) and not names.key(code):
        return NOT_PROVIDED
    if not names.key(known_street) and not names.key(known_code):
        return NOT_ON_RECORD
    same_code = bool(code) and names.key(code)[:5] == names.key(known_code)[:5]
    if street and known_street and names.words(street)[:2] == names.words(known_street)[:2]:
        return AGREES if same_code or not code or not known_code else Finding(Verdict.NEAR, "another ZIP code")
    return Finding(Verdict.NEAR, "the same ZIP code") if same_code else DIFFERS


def compare_people(submitted: Sequence[str], on_record: Sequence[str]) -> Finding:
    """Of (first names, last name) of two people: the weaker of the two verdicts."""
    last, first = compare_surnames(submitted[1], on_record[1]), compare_first_names(submitted[0], on_record[0])
    order = [Verdict.AGREES, Verdict.NEAR]
    return max(last, first, key=lambda each: order.index(each.verdict) if each.verdict in order else len(order))


def may_be_same_name(submitted: str, on_record: Sequence[str]) -> bool:
    """Whether a name typed in one piece may be that of (first names, last name), in whichever order and spelling.

    >>> [may_be(told, ("Lucas", "Smith")) for told in ("Smith, Lucas", "lucas j. smith", "Luca Smyth", "Rosa Smith")]
    [True, True, True, False]
    """
    words = names.words(submitted)
    if len(words) == 1:
        return any(
            each.verdict == Verdict.AGREES
            for each in (compare_first_names(submitted, on_record[0]), compare_surnames(submitted, on_record[1]))
        )
    halves = [(" ".join(words[:place]), " ".join(words[place:])) for place in range(1, len(words))]
    ways = [way for one, other in halves for way in ((one, other), (other, one))]
    return any(compare_people(way, on_record).verdict in {Verdict.AGREES, Verdict.NEAR} for way in ways)


def _begins(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= _SHORTEST_PREFIX and longer.startswith(shorter))


def _spelled(pairs: Iterable[tuple[str, str]]) -> Finding:
    findings = {_spelling(one, other) for one, other in pairs}
    note = next((each for each in ("spelled alike", "sounds alike") if each in findings), "")
    return Finding(Verdict.NEAR, note) if note else DIFFERS


def _spelling(one: str, other: str) -> str:
    """
    >>> _spelling("johnson", "jonhson"), _spelling("catherine", "kathryn"), _spelling("lee", "lin")
    ('spelled alike', 'sounds alike', '')
    """
    shorter = min(len(one), len(other))
    mistakes = 0 if shorter < 4 else 1 if shorter < 6 else 2
    if DamerauLevenshtein.distance(one, other) <= mistakes:
        return "spelled alike"
    if shorter >= 4 and JaroWinkler.similarity(one, other) >= _ALIKE:
        return "spelled alike"
    sound = jellyfish.metaphone(one)
    return "sounds alike" if len(sound) > 1 and sound == jellyfish.metaphone(other) else ""
