"""What a session leaves behind: nothing on the device, and an end when nobody is there."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

Handler = Callable[[HttpRequest], HttpResponse]

# Writing the session at every click would cost a write a page and win nothing.
_STAMP_EVERY = timedelta(minutes=1)


def keep_nothing_on_the_device(get_response: Handler) -> Handler:
    """No page is kept by the browser: 45 CFR 170.315(d)(7), and no way back after signing out."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def end_idle_sessions(get_response: Handler) -> Handler:
    """Signs out who did nothing for SESSION_IDLE_LIMIT. What a page asks for by itself is not something done."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now().timestamp()
            seen = request.session.get("seen_at", now)
            if now - seen > settings.SESSION_IDLE_LIMIT.total_seconds():
                logout(request)
            elif not _asked_by_the_page(request) and (
                "seen_at" not in request.session or now - seen > _STAMP_EVERY.total_seconds()
            ):
                request.session["seen_at"] = now
        return get_response(request)

    return middleware


def _asked_by_the_page(request: HttpRequest) -> bool:
    return request.headers.get("X-Live-Update") == "true"
