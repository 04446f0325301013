"""Room on the interpreter's stack for all that a request or a command calls.

CPython up to 3.12 keeps its frames in chunks of 16 KiB and gives a chunk back to the system as soon as nothing is on it.
A loop that happens to stand at the end of a chunk pays for a new one with each call that it makes: the search page took
between 10.7 and 17 ms, by nothing but the number of callers above it (docs/quality-speed.md). Later versions keep one
chunk for the next call: https://github.com/python/cpython/issues/142183.
"""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# A frame of this many slots, of 8 bytes, does not fit into a chunk: it gets one of its own, of 512 KiB, and the rest of
# that is the room. What is not touched of it costs nothing.
SLOTS: Final = 40_000


def with_headroom(action: Callable[P, R]) -> Callable[P, R]:
    """`deed`, called on a chunk of the stack that has some 200 kB of room."""

    def on_a_chunk_of_its_own(*args: P.args, **kwargs: P.kwargs) -> R:
        return action(*args, **kwargs)

    on_a_chunk_of_its_own.__code__ = on_a_chunk_of_its_own.__code__.replace(co_stacksize=SLOTS)
    return on_a_chunk_of_its_own
