"""Responses that must not reveal anything by their timing are sent at fixed intervals."""

import time
from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal import response_timing
from portal.response_timing import INTERVAL, JITTER, even_response_time, evenly_timed


@pytest.fixture(autouse=True)
def real_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_timing, "INTERVAL", INTERVAL)
    monkeypatch.setattr(response_timing, "JITTER", JITTER)


def answering(*, after: float, status: int = 200) -> Callable[[HttpRequest], HttpResponse]:
    @evenly_timed
    def view(request: HttpRequest) -> HttpResponse:
        time.sleep(after)
        return HttpResponse(status=status)

    return even_response_time(view)


def seconds(view: Callable[[HttpRequest], HttpResponse], method: str = "POST") -> float:
    started = time.monotonic()
    view(RequestFactory().generic(method, "/start/"))
    return time.monotonic() - started


@pytest.mark.parametrize(("work", "intervals"), [(0.0, 1), (0.8 * INTERVAL, 1), (1.1 * INTERVAL, 2)])
def test_post_is_answered_at_the_end_of_an_interval(work: float, intervals: int) -> None:
    """Check the lower bound strictly; the upper one depends on how busy the machine is."""
    assert intervals * INTERVAL <= seconds(answering(after=work)) < (intervals + 0.9) * INTERVAL + JITTER


def test_get_is_answered_immediately() -> None:
    assert seconds(answering(after=0.0), "GET") < INTERVAL


def test_too_many_requests_is_answered_immediately() -> None:
    assert seconds(answering(after=0.0, status=429)) < INTERVAL


def test_undecorated_view_is_answered_immediately() -> None:
    assert seconds(even_response_time(lambda _: HttpResponse())) < INTERVAL
