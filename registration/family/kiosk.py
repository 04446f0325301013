"""The practice's own screen in a family's hands: "use this screen". It ends with everything cleared."""

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
from registration.family.language import CODES, COOKIE, keep
from registration.family.signup import draft as drafts

_KEY: Final = "kiosk_seen_at"
# The page warns 30 seconds before it clears itself; the server clears a screen whose page does not.
WARN_AND_CLEAR_AFTER: Final = timedelta(minutes=3)
CLEARED_AFTER: Final = timedelta(minutes=5)
# Of the pages about an account only those are open on this screen that sign in, or out; no passphrase is changed on it
# but by whoever forgot theirs, and no passkey or app is added.
_ACCOUNTS: Final = "/accounts/"
_TO_SIGN_IN: Final = (
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/password/reset/",
    "/accounts/2fa/authenticate/",
    "/accounts/session/",
)


def is_on(request: HttpRequest) -> bool:
    return _KEY in request.session


def kiosk_timeout(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a screen that nobody touched for five minutes is cleared, whatever it is asked for next.

    A family that signs in stays on the practice's screen, by whichever door it came; the staff takes the screen back.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        seen_at = request.session.get(_KEY)
        if seen_at is None:
            return get_response(request)
        now = timezone.now().timestamp()
        if now - seen_at > CLEARED_AFTER.total_seconds():
            return cleared(request)
        if request.path.startswith(_ACCOUNTS) and not request.path.startswith(_TO_SIGN_IN):
            return redirect("family:start")
        request.session[_KEY] = now
        response = get_response(request)
        if isinstance(request.user, User) and _is_staff(request.user):
            _take_back(request)
        return response

    return middleware


def _take_back(request: HttpRequest) -> None:
    """What a family left here goes with it: whoever signed in may be a parent, too, but of other children."""
    request.session.pop(_KEY, None)
    forget_account(request)
    drafts.clear(request)


def _is_staff(user: User) -> bool:
    return user.is_staff or user.memberships.exists()


@require_POST
@requires(Permission.REGISTER_PATIENT)
def start_kiosk(request: StaffRequest) -> HttpResponse:
    """The desk hands the screen to the family: staff is signed out, the family's door opens.

    The PIN stands in the fragment of the form's own address, which the browser carries over the redirect.
    """
    practice = request.practice
    language = request.POST.get("language", "")
    audit.record(Action.SCREEN_HANDED_OVER, actor=Actor.from_request(request), practice=practice)
    logout(request)
    request.session[_KEY] = timezone.now().timestamp()
    current_practice.choose(request, practice)
    response = redirect("family:start")
    if language in CODES:
        keep(response, language)
    else:
        response.delete_cookie(COOKIE)
    return response


start_kiosk.family = True  # type: ignore[attr-defined]


@public
@require_POST
def clear_screen(request: HttpRequest) -> HttpResponse:
    return cleared(request)


@public
@require_safe
def screen_cleared(request: HttpRequest) -> HttpResponse:
    return render(request, "family/cleared.html", {"is_ready": request.GET.get("ready") == "yes"})


def cleared(request: HttpRequest, *, is_ready: bool = False) -> HttpResponse:
    """Signs out, forgets the session and what the browser keeps. `is_ready`: the family has its account now."""
    language = translation.get_language() or "en"
    logout(request)
    forget_account(request)
    query = urlencode(({"ready": "yes"} if is_ready else {}) | {"lang": language})
    response = redirect(f"{reverse('family:screen_cleared')}?{query}")
    response.headers["Clear-Site-Data"] = CLEAR_ALL
    return response
