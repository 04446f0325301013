"""An even pace: how long an answer takes must not tell who has an account or whether a PIN is known (ASVS 5.0 6.3.8)."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponseBase

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)

# Longer than the work behind it takes, so that nearly every answer leaves on the first beat.
BEAT: Final = 0.25  # seconds


def evenly(
    view: Callable[Concatenate[HttpRequest, P], Response],
) -> Callable[Concatenate[HttpRequest, P], Response]:
    """A POST is answered on a beat: BEAT seconds after it came, or at the next multiple where the work took longer.

    What is refused for its number (429) is answered at once: it did no work that could tell anything, and a bot must not
    occupy the server by being refused.
    """

    @wraps(view)
    def paced(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        began = time.monotonic()
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code != 429:
            time.sleep(-(time.monotonic() - began) % BEAT)
        return response

    return paced
