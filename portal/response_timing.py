"""Make response times even, so that they do not reveal who has an account or which PIN exists (ASVS 5.0 6.3.8).

The decorator `evenly_timed` marks a view's responses to POST, and the middleware `even_response_time` delays them. The
middleware wraps all other middleware that does any work. So nothing that takes a variable time, such as saving the
session, happens after the delay.
"""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)

# Longer than nearly every response takes, so that almost all are sent after the first interval.
INTERVAL: Final = 0.25  # seconds
# Random jitter hides the remaining difference: under load, a thread that did less work wakes about 0.5 ms earlier.
JITTER: Final = 0.05  # seconds

_IS_DELAYED: Final = "_is_delayed"


def evenly_timed(
    view: Callable[Concatenate[HttpRequest, P], Response],
) -> Callable[Concatenate[HttpRequest, P], Response]:
    """Answer each POST at the next multiple of INTERVAL after it arrived.

    A response of 429 (too many requests) is not delayed. The server did no work that could reveal anything, and a delay
    would let a bot tie up the server.
    """

    @wraps(view)
    def delayed(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code != 429:
            setattr(response, _IS_DELAYED, True)
        return response

    return delayed


def even_response_time(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = get_response(request)
        if getattr(response, _IS_DELAYED, False):
            wait = random.uniform(0, JITTER)  # noqa: S311 - noise, not a secret
            time.sleep(wait + -(time.monotonic() - started) % INTERVAL)
        return response

    return middleware
