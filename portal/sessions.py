"""What a session leaves behind: nothing on the device, and an end when nobody is there or the day is over."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

Handler = Callable[[HttpRequest], HttpResponse]

CLEAR_ALL: Final = '"cache", "cookies", "storage"'

# Writing the session at every click would cost a write a page and win nothing.
_STAMP_EVERY = timedelta(minutes=1)


def no_store(get_response: Handler) -> Handler:
    """No page is kept by the browser: 45 CFR 170.315(d)(7), and no way back after signing out."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def clear_site_data_on_logout(view: Handler) -> Handler:
    """The view signs out: the browser then forgets what it has of this site.

    Only with the redirect after a sign-out. A page with a form would lose the cookie of its token; the page that the
    redirect leads to gets a new one, with which one signs in again.
    """

    @wraps(view)
    def leaving(request: HttpRequest) -> HttpResponse:
        response = view(request)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = CLEAR_ALL
        return response

    return leaving


def end_sessions(get_response: Handler) -> Handler:
    """Signs out who did nothing for SESSION_IDLE_LIMIT, and everybody SESSION_LIMIT after the sign-in.

    What a page asks for by itself is not something done. The cookie's own age is no limit: Django counts it anew at
    every write.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now().timestamp()
            if why := _is_over(request.session, now=now):
                request.session["why_ended"] = why  # the trail tells it: portal/sign_in.py
                logout(request)
            elif not _is_background_request(request) and now - _seen_at(request.session) > _STAMP_EVERY.total_seconds():
                _stamp(request.session, now=now)
        return get_response(request)

    return middleware


def delete_expired(**_: Any) -> None:
    """Deletes the sessions that have run out, with all that somebody typed and never finished."""
    SessionStore.clear_expired()


def _is_over(session: SessionBase, *, now: float) -> str:
    """Why the session ends, in words for the trail; empty while it goes on."""
    if now - session.get("signed_in_at", 0.0) > settings.SESSION_LIMIT.total_seconds():
        return "twelve hours"
    if now - _seen_at(session) > settings.SESSION_IDLE_LIMIT.total_seconds():
        return "idle"
    return ""


def _seen_at(session: SessionBase) -> float:
    return float(session.get("seen_at", session["signed_in_at"]))


def _stamp(session: SessionBase, *, now: float) -> None:
    """Written at once: left to Django, what the database does not take turns the finished page into an error."""
    modified = session.modified
    session["seen_at"] = now
    with suppress(UpdateError):  # next time, then
        session.save()
    session.modified = modified


def _is_background_request(request: HttpRequest) -> bool:
    return request.headers.get("X-Live-Update") == "true"
