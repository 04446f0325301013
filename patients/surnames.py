"""The surnames of a practice, and those among them that are spelled or sound like one that was typed."""

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

MAX_NEAR: Final = 3
_GOOD_FOR: Final = 300  # seconds; who came since is found, and only not proposed yet
_SHORTEST_SOUND: Final = 2  # letters of a metaphone: one says too little
_PRACTICES_KEPT: Final = 20

Owner = NameKey.Owner


@dataclass(frozen=True)
class _Surnames:
    read_at: float
    names: list[str]
    by_sound: dict[str, list[str]] = field(default_factory=dict)


_known: dict[tuple[UUID, int], _Surnames] = {}
_lock: Final = Lock()


def near(practice: Practice, last: str, *, owner: Owner = Owner.PATIENT) -> list[str]:
    """At most MOST surnames of the practice, folded, that `last` (folded) may have been meant for; the likeliest first."""
    if len(last) < 2:
        return []
    surnames = _surnames_for(practice, owner)
    spelled = {name for name, _, _ in process.extract(
        last, surnames.names, scorer=DamerauLevenshtein.distance, score_cutoff=_mistakes(last), limit=50
    )}  # fmt: skip
    sound = jellyfish.metaphone(last)
    alike = surnames.by_sound.get(sound, []) if len(sound) >= _SHORTEST_SOUND else []
    candidates = (spelled | set(alike)) - {last}

    def unlikeness(name: str) -> tuple[float, str]:
        sounds_so = 1 if name in alike else 0
        return (DamerauLevenshtein.distance(last, name) - sounds_so - JaroWinkler.similarity(last, name), name)

    return sorted(candidates, key=unlikeness)[:MAX_NEAR]


def _mistakes(last: str) -> int:
    """Two in a name of five letters or more; in a shorter one two would make it another name."""
    return 1 if len(last) < 5 else 2


def _surnames_for(practice: Practice, owner: Owner) -> _Surnames:
    key = (practice.pk, int(owner))
    known = _known.get(key)
    if known is None or time.monotonic() - known.read_at > _GOOD_FOR:
        known = _read(practice, owner)
        with _lock:
            if len(_known) >= _PRACTICES_KEPT:
                _known.clear()
            _known[key] = known
    return known


def _read(practice: Practice, owner: Owner) -> _Surnames:
    rows = NameKey.objects.filter(practice=practice, owner=owner).exclude(last="")
    surnames = _Surnames(time.monotonic(), list(rows.order_by("last").values_list("last", flat=True).distinct()))
    for name in surnames.names:
        surnames.by_sound.setdefault(jellyfish.metaphone(name), []).append(name)
    return surnames
