"""An even pace: how long an answer takes must not tell who has an account or whether a PIN is known (ASVS 5.0 6.3.8).

A view says with `evenly` that its answers to a POST keep the pace; the middleware `keep_pace`, which stands before all
others that do any work, holds them back. So nothing that is done for one question and not for another, the writing of a
session least of all, comes after the wait.
"""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)

# Longer than the work behind nearly every answer takes, so that they leave on the first beat.
BEAT: Final = 0.25  # seconds
# What is left of a difference when the wait is over drowns in it: on a busy machine a thread that has worked less is woken
# earlier, by half a millisecond.
JITTER: Final = 0.05  # seconds

_WAITS: Final = "_keeps_pace"


def evenly_timed(
    view: Callable[Concatenate[HttpRequest, P], Response],
) -> Callable[Concatenate[HttpRequest, P], Response]:
    """A POST is answered BEAT seconds after it came, or at the next multiple of it where the work took longer.

    What is refused for its number (429) is answered at once: it did no work that could tell anything, and a bot must not
    occupy the server by being refused.
    """

    @wraps(view)
    def paced(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code != 429:
            setattr(response, _WAITS, True)
        return response

    return paced


def even_response_time(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = get_response(request)
        if getattr(response, _WAITS, False):
            wait = random.uniform(0, JITTER)  # noqa: S311 - noise, no secret
            time.sleep(wait + -(time.monotonic() - began) % BEAT)
        return response

    return middleware
