"""End sessions that are idle or too old, and leave no trace of them on the device."""

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

# How often activity is written to the session. Writing it on every request would cost a write per page for no benefit.
_STAMP_EVERY = timedelta(minutes=1)


def no_store(get_response: Handler) -> Handler:
    """Keep browsers from storing pages, so that Back shows nothing after signing out (45 CFR 170.315(d)(7))."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def clear_site_data_on_logout(view: Handler) -> Handler:
    """Tell the browser to clear this site's data when the view signs the user out.

    Send the header only with the redirect. On a page with a form, the header would delete the CSRF cookie that the form
    needs. The page after the redirect gets a new cookie.
    """

    @wraps(view)
    def leaving(request: HttpRequest) -> HttpResponse:
        response = view(request)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = CLEAR_ALL
        return response

    return leaving


def end_sessions(get_response: Handler) -> Handler:
    """Sign users out after SESSION_IDLE_LIMIT without activity, and SESSION_LIMIT after they signed in.

    Requests that a page makes by itself are not activity. The cookie's age cannot enforce the limit, because Django
    resets the age each time it writes the session.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now().timestamp()
            if reason := _end_reason(request.session, now=now):
                request.session["why_ended"] = reason  # portal/sign_in.py records it
                logout(request)
            elif not _is_background_request(request) and now - _seen_at(request.session) > _STAMP_EVERY.total_seconds():
                _stamp(request.session, now=now)
        return get_response(request)

    return middleware


def session_key(request: HttpRequest) -> str:
    """Return the key of a signed-in person's session."""
    key = request.session.session_key
    assert key is not None, "anyone who is signed in has a session"
    return key


def delete_expired(**_: Any) -> None:
    """Delete expired sessions, including unfinished sign-ups."""
    SessionStore.clear_expired()


def _end_reason(session: SessionBase, *, now: float) -> str:
    """Return the reason recorded in the audit trail if the session has to end, otherwise an empty string."""
    if now - session.get("signed_in_at", 0.0) > settings.SESSION_LIMIT.total_seconds():
        return "twelve hours"
    if now - _seen_at(session) > settings.SESSION_IDLE_LIMIT.total_seconds():
        return "idle"
    return ""


def _seen_at(session: SessionBase) -> float:
    return float(session.get("seen_at", session["signed_in_at"]))


def _stamp(session: SessionBase, *, now: float) -> None:
    """Save the time of activity before the view runs. A database error after the view would replace the finished page."""
    modified = session.modified
    session["seen_at"] = now
    with suppress(UpdateError):  # the session was deleted in the meantime
        session.save()
    session.modified = modified


def _is_background_request(request: HttpRequest) -> bool:
    return request.headers.get("X-Live-Update") == "true"
