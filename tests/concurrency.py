"""Deeds of several people at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

# PostgreSQL lets a hundred connections in, and another test worker wants some of them.
_CONNECTED = threading.Semaphore(40)


def run_concurrently(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions at the same moment. Return what each returned, or the exception that ended it."""
    results: list[Any] = [None] * len(actions)
    begin = threading.Barrier(len(actions))

    def run(number: int) -> None:
        begin.wait()
        with _CONNECTED:
            try:
                results[number] = actions[number]()
            except Exception as error:  # noqa: BLE001 - handed over to the test
                results[number] = error
            finally:
                connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "somebody waits for ever"
    return results
