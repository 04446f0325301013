"""Kiosk mode: the front desk hands its own screen to a family. When kiosk mode ends, all data is cleared from the browser."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_POST, require_safe

from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Action, Actor
from portal.models import User
from portal.sessions import CLEAR_ALL
from registration.family import current_practice
from registration.family.decorators import forget_account, public
from registration.family.language import CODES, COOKIE, save_language
from registration.family.signup import drafts

_SESSION_KEY: Final = "kiosk_seen_at"
# The page clears itself, with a warning 30 seconds before. The server clears the session if the page could not.
PAGE_CLEARS_AFTER: Final = timedelta(minutes=3)
SERVER_CLEARS_AFTER: Final = timedelta(minutes=5)
# In kiosk mode only sign-in, sign-out and password-reset pages are available.
_ACCOUNTS: Final = "/accounts/"
_ALLOWED_ACCOUNT_PAGES: Final = (
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/password/reset/",
    "/accounts/2fa/authenticate/",
    "/accounts/session/",
)


def is_active(request: HttpRequest) -> bool:
    return _SESSION_KEY in request.session


def kiosk_timeout(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Clear a kiosk on its next request if it was idle for five minutes.

    Kiosk mode stays on when a family signs in on any sign-in page. Kiosk mode ends when staff sign in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        seen_at = request.session.get(_SESSION_KEY)
        if seen_at is None:
            return get_response(request)
        now = timezone.now().timestamp()
        if now - seen_at > SERVER_CLEARS_AFTER.total_seconds():
            return clear(request)
        if request.path.startswith(_ACCOUNTS) and not request.path.startswith(_ALLOWED_ACCOUNT_PAGES):
            return redirect("family:start")
        request.session[_SESSION_KEY] = now
        response = get_response(request)
        if isinstance(request.user, User) and _is_staff(request.user):
            _end_kiosk(request)
        return response

    return middleware


def _end_kiosk(request: HttpRequest) -> None:
    """Turn kiosk mode off and delete the draft.

    The staff member may also be a parent, but the draft is about another family's children.
    """
    request.session.pop(_SESSION_KEY, None)
    forget_account(request)
    drafts.clear(request)


def _is_staff(user: User) -> bool:
    return user.is_staff or user.memberships.exists()


@require_POST
@requires(Permission.REGISTER_PATIENT)
def start_kiosk(request: StaffRequest) -> HttpResponse:
    """Sign staff out and open the family start page on this screen.

    The PIN is in the fragment of the form's action. The browser carries the fragment over the redirect.
    """
    practice = request.practice
    language = request.POST.get("language", "")
    audit.record(Action.SCREEN_HANDED_OVER, actor=Actor.from_request(request), practice=practice)
    logout(request)
    request.session[_SESSION_KEY] = timezone.now().timestamp()
    current_practice.choose(request, practice)
    response = redirect("family:start")
    if language in CODES:
        save_language(response, language)
    else:
        response.delete_cookie(COOKIE)
    return response


start_kiosk.family = True  # type: ignore[attr-defined]


@public
@require_POST
def clear_screen(request: HttpRequest) -> HttpResponse:
    return clear(request)


@public
@require_safe
def screen_cleared(request: HttpRequest) -> HttpResponse:
    return render(request, "family/cleared.html", {"is_ready": request.GET.get("ready") == "yes"})


def clear(request: HttpRequest, *, is_ready: bool = False) -> HttpResponse:
    """Sign out, end the session, and have the browser delete what it stored.

    `is_ready` is True if the family has finished and has its account.
    """
    language = translation.get_language() or "en"
    logout(request)
    forget_account(request)
    query = urlencode(({"ready": "yes"} if is_ready else {}) | {"lang": language})
    response = redirect(f"{reverse('family:screen_cleared')}?{query}")
    response.headers["Clear-Site-Data"] = CLEAR_ALL
    return response
