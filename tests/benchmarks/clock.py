"""Taking times on a busy machine: things that are compared are done in turn, and the median of each counts."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Deed = Callable[[], object]


def seconds(action: Deed) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def in_turn(actions: Mapping[str, Deed], *, rounds: int, warm_up: int = 2) -> dict[str, float]:
    """The median seconds of each, done A B C A B C ...; the first rounds load what is loaded once and do not count."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    gc.collect()
    for number in range(rounds + warm_up):
        for name, action in actions.items():
            took = seconds(action)
            if number >= warm_up:
                taken[name].append(took)
    return {name: statistics.median(times) for name, times in taken.items()}
