"""Taking times on a busy machine: things that are compared are done in turn, and the median of each counts."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Deed = Callable[[], object]


def seconds(deed: Deed) -> float:
    begun = time.perf_counter()
    deed()
    return time.perf_counter() - begun


def in_turn(deeds: Mapping[str, Deed], *, rounds: int, warm_up: int = 2) -> dict[str, float]:
    """The median seconds of each, done A B C A B C ...; the first rounds load what is loaded once and do not count."""
    taken: dict[str, list[float]] = {name: [] for name in deeds}
    gc.collect()
    for number in range(rounds + warm_up):
        for name, deed in deeds.items():
            took = seconds(deed)
            if number >= warm_up:
                taken[name].append(took)
    return {name: statistics.median(times) for name, times in taken.items()}
