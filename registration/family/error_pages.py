"""What is answered when the portal itself fails or is being updated: these pages ask neither the database nor a session."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal import database_errors
from portal.phones import national
from registration.family import current_practice
from registration.family.audience import came_by_it, is_own
from registration.family.language import asked_or_kept

_UPDATED_AFTER: Final = 120  # seconds
_ANSWERS_AFTER: Final = 10


def maintenance_mode(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """While settings.UPDATING_FILE is there; its first line is the phone number to ring meanwhile, or empty."""

    def middleware(request: HttpRequest) -> HttpResponse:
        phone = _number_meanwhile(settings.UPDATING_FILE)
        if phone is None:
            return get_response(request)
        response = _apology(request, "503.html", status=503, phone=phone)
        response.headers["Retry-After"] = str(_UPDATED_AFTER)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while the fault is at hand. Of what was sent nobody knows how far it got: that is a 500."""
    fault = sys.exception()
    if isinstance(fault, database_errors.UNAVAILABLE):
        database_errors.close_broken_connection(fault)
    if isinstance(fault, database_errors.UNAVAILABLE) and request.method in {"GET", "HEAD"}:
        response = _apology(request, "database_unavailable.html", status=503)
        response.headers["Retry-After"] = str(_ANSWERS_AFTER)
        return response
    return _apology(request, "500.html", status=500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _apology(request, "400.html", status=400)


def _apology(request: HttpRequest, template: str, *, status: int, phone: str = "") -> HttpResponse:
    """Made without the request: nothing of it may fail again."""
    if not (is_own(request) or came_by_it(request)):
        return HttpResponse(render_to_string(template, {"phone": phone}), status=status)
    practice = current_practice.found_before(request)
    number = practice.phone if practice else phone
    frame = {
        "practice": practice,
        "phone": national(number) if practice else number,
        "tel": "".join(each for each in number if each in "+0123456789"),
        "terms": reverse("family:terms"),
    }
    with translation.override(asked_or_kept(request)):
        return HttpResponse(render_to_string(f"family/{template}", {"family": frame}), status=status)


def _number_meanwhile(switch: Path) -> str | None:
    try:
        return switch.read_text(errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
