"""Run actions of several users concurrently."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

# PostgreSQL allows 100 connections by default, and other test workers need some of them.
_CONNECTED = threading.Semaphore(40)


def run_concurrently(*actions: Callable[[], Any]) -> list[Any]:
    """Run each action in a thread, all started together. Return each result, or the exception that was raised."""
    results: list[Any] = [None] * len(actions)
    begin = threading.Barrier(len(actions))

    def run(number: int) -> None:
        begin.wait()
        with _CONNECTED:
            try:
                results[number] = actions[number]()
            except Exception as error:  # noqa: BLE001 - returned to the test
                results[number] = error
            finally:
                connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "an action has not finished after 120 seconds"
    return results
