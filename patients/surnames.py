"""Find the practice's surnames that look or sound like a surname that someone typed."""

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from uuid import UUID

import jellyfish
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from patients.models import NameKey
from portal.models import Practice

MAX_SIMILAR: Final = 3
_CACHE_SECONDS: Final = 300  # until then, new surnames are found by a search but not suggested
_MIN_SOUND: Final = 2  # letters of a metaphone code; one letter would match too many names
_MAX_CACHED: Final = 20  # practices and owners

Owner = NameKey.Owner


@dataclass(frozen=True)
class _Surnames:
    read_at: float
    names: list[str]
    by_sound: dict[str, list[str]] = field(default_factory=dict)


_cache: dict[tuple[UUID, int], _Surnames] = {}
_lock: Final = Lock()


def similar(practice: Practice, last: str, *, owner: Owner = Owner.PATIENT) -> list[str]:
    """Return up to MAX_SIMILAR of the practice's surnames that `last` may stand for, the most similar first.

    `last` and the result are folded as in patients.names.key.
    """
    if len(last) < 2:
        return []
    surnames = _surnames_for(practice, owner)
    spelled = {name for name, _, _ in process.extract(
        last, surnames.names, scorer=DamerauLevenshtein.distance, score_cutoff=_max_mistakes(last), limit=50
    )}  # fmt: skip
    sound = jellyfish.metaphone(last)
    same_sound = surnames.by_sound.get(sound, []) if len(sound) >= _MIN_SOUND else []
    candidates = (spelled | set(same_sound)) - {last}

    def difference(name: str) -> tuple[float, str]:
        bonus = 1 if name in same_sound else 0
        return (DamerauLevenshtein.distance(last, name) - bonus - JaroWinkler.similarity(last, name), name)

    return sorted(candidates, key=difference)[:MAX_SIMILAR]


def _max_mistakes(last: str) -> int:
    """Allow two typing mistakes in five or more letters. In a shorter name, two mistakes would make a different name."""
    return 1 if len(last) < 5 else 2


def _surnames_for(practice: Practice, owner: Owner) -> _Surnames:
    key = (practice.pk, int(owner))
    surnames = _cache.get(key)
    if surnames is None or time.monotonic() - surnames.read_at > _CACHE_SECONDS:
        surnames = _read(practice, owner)
        with _lock:
            if len(_cache) >= _MAX_CACHED:
                _cache.clear()
            _cache[key] = surnames
    return surnames


def _read(practice: Practice, owner: Owner) -> _Surnames:
    rows = NameKey.objects.filter(practice=practice, owner=owner).exclude(last="")
    surnames = _Surnames(time.monotonic(), list(rows.order_by("last").values_list("last", flat=True).distinct()))
    for name in surnames.names:
        surnames.by_sound.setdefault(jellyfish.metaphone(name), []).append(name)
    return surnames
