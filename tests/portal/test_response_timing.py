"""Answers that must not tell anything by their timing leave on a beat, whatever was done for them."""

import time
from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal import response_timing
from portal.response_timing import BEAT, JITTER, even_response_time, evenly_timed


@pytest.fixture(autouse=True)
def real_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_timing, "BEAT", BEAT)
    monkeypatch.setattr(response_timing, "JITTER", JITTER)


def answering(*, after: float, status: int = 200) -> Callable[[HttpRequest], HttpResponse]:
    @evenly_timed
    def view(request: HttpRequest) -> HttpResponse:
        time.sleep(after)
        return HttpResponse(status=status)

    return even_response_time(view)


def seconds(view: Callable[[HttpRequest], HttpResponse], method: str = "POST") -> float:
    begun = time.monotonic()
    view(RequestFactory().generic(method, "/start/"))
    return time.monotonic() - begun


@pytest.mark.parametrize(("work", "beats"), [(0.0, 1), (0.8 * BEAT, 1), (1.1 * BEAT, 2)])
def test_a_post_is_answered_on_a_beat(work: float, beats: int) -> None:
    """Not before it; how much later depends on how busy the machine is."""
    assert beats * BEAT <= seconds(answering(after=work)) < (beats + 0.9) * BEAT + JITTER


def test_a_look_is_answered_at_once() -> None:
    assert seconds(answering(after=0.0), "GET") < BEAT


def test_what_is_refused_for_its_number_is_answered_at_once() -> None:
    assert seconds(answering(after=0.0, status=429)) < BEAT


def test_a_view_without_the_mark_is_answered_at_once() -> None:
    assert seconds(even_response_time(lambda _: HttpResponse())) < BEAT
