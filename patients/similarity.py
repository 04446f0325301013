"""Compare names, dates and addresses: what a family entered with what is on record.

This module uses no database and no settings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import product
from typing import Final

import jellyfish
from django.db import models
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from patients import names

_MIN_JARO_WINKLER: Final = 0.92
_MIN_PREFIX: Final = 2  # letters; an initial alone would match too many names


class Verdict(StrEnum):
    AGREES = "agrees"
    NEAR = "near"
    DIFFERS = "differs"
    NOT_ON_RECORD = "not on record"
    NOT_PROVIDED = "not provided"


class Detail(models.TextChoices):
    """Explains a finding that the values alone do not explain. The pages show the labels."""

    PARTLY_SAME = "partly_same", "part of the name matches"
    SPELLED_SIMILARLY = "spelled_similarly", "spelled similarly"
    SOUNDS_SIMILAR = "sounds_similar", "sounds similar"
    PLACEHOLDER = "placeholder", "placeholder name"
    DAY_AND_MONTH = "day_and_month", "month and day switched"
    ONE_DIGIT = "one_digit", "one digit differs"
    SAME_ZIP = "same_zip", "same ZIP code"
    OTHER_ZIP = "other_zip", "different ZIP code"


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    detail: Detail | None = None

    @property
    def note(self) -> str:
        """Return the label of the detail, or ""."""
        return str(self.detail.label) if self.detail else ""


AGREES: Final = Finding(Verdict.AGREES)
DIFFERS: Final = Finding(Verdict.DIFFERS)
NOT_ON_RECORD: Final = Finding(Verdict.NOT_ON_RECORD)
NOT_PROVIDED: Final = Finding(Verdict.NOT_PROVIDED)


def compare_surnames(submitted: str, on_record: str) -> Finding:
    """Compare last names. They agree if they are equal, or if one is the last part of the other.

    "López" agrees with "García-López", and "García" is a near match for "García-López".
    """
    submitted_keys, record_keys = names.surname_keys(submitted), names.surname_keys(on_record)
    if not submitted_keys[0] or not record_keys[0]:
        return NOT_ON_RECORD if submitted_keys[0] else NOT_PROVIDED
    if submitted_keys[0] in record_keys or record_keys[0] in submitted_keys:
        return AGREES
    if set(names.words(submitted)) & set(names.words(on_record)):
        return Finding(Verdict.NEAR, Detail.PARTLY_SAME)
    return _compare_spellings(product(submitted_keys, record_keys))


def compare_first_names(submitted: str, on_record: str, preferred: str = "") -> Finding:
    """Compare first names. They agree if one begins with the other, or with the name the patient goes by.

    "Sofía" agrees with "Sofía Isabel".
    """
    submitted_key = names.key(submitted)
    record_keys = [key for key in names.given_keys(on_record, preferred) if key]
    if not submitted_key:
        return NOT_PROVIDED
    if not record_keys:
        return NOT_ON_RECORD
    if names.is_placeholder(on_record):
        return Finding(Verdict.NOT_ON_RECORD, Detail.PLACEHOLDER)
    if any(_is_prefix(submitted_key, key) for key in record_keys):
        return AGREES
    if set(names.words(submitted)) & {*names.words(on_record), *names.words(preferred)}:
        return Finding(Verdict.NEAR, Detail.PARTLY_SAME)
    first_word = names.words(submitted)[0]
    return _compare_spellings((first_word, word) for word in (*names.words(on_record)[:1], *names.words(preferred)))


def compare_dates(submitted: date, on_record: date) -> Finding:
    if submitted == on_record:
        return AGREES
    if (submitted.year, submitted.month, submitted.day) == (on_record.year, on_record.day, on_record.month):
        return Finding(Verdict.NEAR, Detail.DAY_AND_MONTH)
    if DamerauLevenshtein.distance(f"{submitted:%m%d%Y}", f"{on_record:%m%d%Y}") == 1:
        return Finding(Verdict.NEAR, Detail.ONE_DIGIT)
    return DIFFERS


def compare_keys(submitted: str, on_record: Iterable[str]) -> Finding:
    """Compare an email address or phone number, folded as in patients.keys, with those on record."""
    known = [key for key in on_record if key]
    if not submitted:
        return NOT_PROVIDED
    if not known:
        return NOT_ON_RECORD
    return AGREES if submitted in known else DIFFERS


def compare_addresses(submitted: tuple[str, str], on_record: tuple[str, str]) -> Finding:
    """Compare (street, ZIP code). If only the ZIP codes are the same, the addresses are near each other."""
    (street, zip_code), (record_street, record_zip_code) = submitted, on_record
    if not names.key(street) and not names.key(zip_code):
        return NOT_PROVIDED
    if not names.key(record_street) and not names.key(record_zip_code):
        return NOT_ON_RECORD
    is_same_zip = bool(zip_code) and names.key(zip_code)[:5] == names.key(record_zip_code)[:5]
    if street and record_street and names.words(street)[:2] == names.words(record_street)[:2]:
        is_zip_missing = not zip_code or not record_zip_code
        return AGREES if is_same_zip or is_zip_missing else Finding(Verdict.NEAR, Detail.OTHER_ZIP)
    return Finding(Verdict.NEAR, Detail.SAME_ZIP) if is_same_zip else DIFFERS


def compare_people(submitted: Sequence[str], on_record: Sequence[str]) -> Finding:
    """Compare (first names, last name) of two people. Return the weaker of the two findings."""
    last, first = compare_surnames(submitted[1], on_record[1]), compare_first_names(submitted[0], on_record[0])
    ranks = {Verdict.AGREES: 0, Verdict.NEAR: 1}
    return max(last, first, key=lambda finding: ranks.get(finding.verdict, len(ranks)))


def may_be_same_name(submitted: str, on_record: Sequence[str]) -> bool:
    """Return whether a name typed in one field may be (first names, last name), in any order and similar spelling.

    >>> typed = ("Smith, Lucas", "lucas j. smith", "Luca Smyth", "Rosa Smith")
    >>> [may_be_same_name(name, ("Lucas", "Smith")) for name in typed]
    [True, True, True, False]
    """
    words = names.words(submitted)
    if len(words) == 1:
        findings = (compare_first_names(submitted, on_record[0]), compare_surnames(submitted, on_record[1]))
        return any(finding.verdict == Verdict.AGREES for finding in findings)
    halves = [(" ".join(words[:split]), " ".join(words[split:])) for split in range(1, len(words))]
    possible_names = [name for start, end in halves for name in ((start, end), (end, start))]
    return any(compare_people(name, on_record).verdict in {Verdict.AGREES, Verdict.NEAR} for name in possible_names)


def _is_prefix(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= _MIN_PREFIX and longer.startswith(shorter))


def _compare_spellings(pairs: Iterable[tuple[str, str]]) -> Finding:
    """Return the closest finding among pairs of folded names."""
    details = {_similarity(one, other) for one, other in pairs}
    for detail in (Detail.SPELLED_SIMILARLY, Detail.SOUNDS_SIMILAR):
        if detail in details:
            return Finding(Verdict.NEAR, detail)
    return DIFFERS


def _similarity(one: str, other: str) -> Detail | None:
    """Return how two folded names are similar, or None if they are not.

    >>> [_similarity(*pair) for pair in (("johnson", "jonhson"), ("catherine", "kathryn"), ("lee", "lin"))]
    [Detail.SPELLED_SIMILARLY, Detail.SOUNDS_SIMILAR, None]
    """
    shorter = min(len(one), len(other))
    max_mistakes = 0 if shorter < 4 else 1 if shorter < 6 else 2
    if DamerauLevenshtein.distance(one, other) <= max_mistakes:
        return Detail.SPELLED_SIMILARLY
    if shorter >= 4 and JaroWinkler.similarity(one, other) >= _MIN_JARO_WINKLER:
        return Detail.SPELLED_SIMILARLY
    sound = jellyfish.metaphone(one)
    return Detail.SOUNDS_SIMILAR if len(sound) > 1 and sound == jellyfish.metaphone(other) else None
