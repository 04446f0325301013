"""Measure times on a busy machine: run the compared actions in turn, and take the median time of each."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Action = Callable[[], object]


def seconds(action: Action) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turn(actions: Mapping[str, Action], *, rounds: int, warm_up: int = 2) -> dict[str, float]:
    """Run the actions in the order A B C A B C. Return the median seconds of each, without the warm-up rounds."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    gc.collect()
    for number in range(rounds + warm_up):
        for name, action in actions.items():
            took = seconds(action)
            if number >= warm_up:
                taken[name].append(took)
    return {name: statistics.median(times) for name, times in taken.items()}
