"""Error and maintenance pages that need neither the database nor a session."""

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
from registration.family.audience import came_from_family_page, is_family_path
from registration.family.language import requested_language

_RETRY_AFTER_MAINTENANCE: Final = 120  # seconds
_RETRY_AFTER_OUTAGE: Final = 10


def maintenance_mode(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer every request with 503 as long as settings.UPDATING_FILE exists.

    The file's first line is a phone number that families can call, or empty.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        phone = _maintenance_phone(settings.UPDATING_FILE)
        if phone is None:
            return get_response(request)
        response = _error_page(request, "503.html", status=503, phone=phone)
        response.headers["Retry-After"] = str(_RETRY_AFTER_MAINTENANCE)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unhandled exception; Django calls this while the exception is being handled.

    If the database fails during a read, answer 503, so that the browser may retry. A write may have been saved, so
    answer 500.
    """
    error = sys.exception()
    if isinstance(error, database_errors.UNAVAILABLE):
        database_errors.close_broken_connection(error)
    if isinstance(error, database_errors.UNAVAILABLE) and request.method in {"GET", "HEAD"}:
        response = _error_page(request, "database_unavailable.html", status=503)
        response.headers["Retry-After"] = str(_RETRY_AFTER_OUTAGE)
        return response
    return _error_page(request, "500.html", status=500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(request, "400.html", status=400)


def _error_page(request: HttpRequest, template: str, *, status: int, phone: str = "") -> HttpResponse:
    """Render without context processors: they use the database, which may be the cause of the error."""
    if not (is_family_path(request) or came_from_family_page(request)):
        return HttpResponse(render_to_string(template, {"phone": phone}), status=status)
    practice = current_practice.find_without_query(request)
    number = practice.phone if practice else phone
    frame = {
        "practice": practice,
        "phone": national(number) if practice else number,
        "tel": "".join(character for character in number if character in "+0123456789"),
        "terms": reverse("family:terms"),
    }
    with translation.override(requested_language(request)):
        return HttpResponse(render_to_string(f"family/{template}", {"family": frame}), status=status)


def _maintenance_phone(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
