"""The search page of one and the same patients took 11 ms or 17, by the number of callers above it."""

import resource
import sys

import pytest

from portal.headroom import with_headroom

CALLS = 1_000


def at_depth(callers: int) -> None:
    if callers:
        at_depth(callers - 1)
    else:
        for _ in range(CALLS):
            nothing()


def nothing() -> None:
    pass


def most_pages_asked_for() -> int:
    """Of the system, for memory, by a loop of calls at the worst depth."""
    asked_for = []
    for callers in range(250):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        at_depth(callers)
        asked_for.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return max(asked_for)


def test_a_loop_asks_the_system_for_no_memory_at_any_depth() -> None:
    assert with_headroom(most_pages_asked_for)() < CALLS / 10


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python keeps a chunk of its stack for the next call.")
def test_without_headroom_there_is_a_depth_at_which_it_asks_with_each_call() -> None:
    assert most_pages_asked_for() >= CALLS


def test_what_is_given_and_what_comes_back_pass_through() -> None:
    assert with_headroom(divmod)(7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        with_headroom(divmod)(7, 0)
