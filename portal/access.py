"""What each role may do, and the practice that one works in.

Every view of the desk wears `requires(...)`: it demands a signed-in member whose role holds the permission, and hands
the view a request that knows its practice. What belongs to another practice is not forbidden but not there: 404.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from portal.models import Membership, Practice, User
from portal.signals import home_url_requested

P = ParamSpec("P")
Role = Membership.Role


class Permission(StrEnum):
    SEE_DASHBOARD = "see the dashboard"
    SEARCH_PATIENTS = "search patients"
    VIEW_PATIENT = "view a patient account"
    REGISTER_PATIENT = "register a patient"
    REVOKE_REGISTRATION = "revoke a registration"
    MANAGE_ACCESS = "manage access"
    MATCH = "match self-registrations"
    READ_DEMO_MAILBOX = "read the demo mailbox"
    SEE_ACTIVITY = "see the activity"


_DESK: Final = frozenset(Permission) - {Permission.SEE_ACTIVITY}
PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    Role.FRONT_DESK: _DESK,
    Role.MANAGER: frozenset(Permission),
}


class StaffRequest(HttpRequest):
    """A request of a staff member at work in a practice."""

    user: User
    htmx: HtmxDetails
    practice: Practice
    memberships: list[Membership]
    permissions: frozenset[Permission]


def requires(
    permission: Permission,
) -> Callable[
    [Callable[Concatenate[StaffRequest, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """The view is for members of a practice whose role holds `permission`."""

    def decorate(
        view: Callable[Concatenate[StaffRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            staff = _load_membership(request)
            if staff is None:
                return _without_practice(request)
            if permission not in staff.permissions:
                raise PermissionDenied
            with timezone.override(staff.practice.zone):
                return view(staff, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # tests/test_access.py asks every view for it
        return guarded

    return decorate


def switch_practice(request: StaffRequest, practice_id: str) -> bool:
    """From now on the person works in this practice; False where it is not one of theirs."""
    is_theirs = any(str(membership.practice_id) == practice_id for membership in request.memberships)
    if is_theirs:
        request.session["practice"] = practice_id
    return is_theirs


def staff_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the practice at hand and what may be done there."""
    user = getattr(request, "user", None)  # a request that was stopped early has none
    if user and user.is_authenticated and not hasattr(request, "practice"):
        _load_membership(request)  # a page of allauth, or of an error: its navigation panel is that of every page
    return {
        "practice": getattr(request, "practice", None),
        "memberships": getattr(request, "memberships", []),
        "may": {permission.name.lower(): True for permission in getattr(request, "permissions", ())},
        "idle_minutes": int(settings.SESSION_IDLE_LIMIT.total_seconds() // 60),
        "demo_mailbox": settings.DEMO_MAILBOX is not None,
    }


def _load_membership(request: HttpRequest) -> StaffRequest | None:
    memberships = list(Membership.objects.filter(user=cast(User, request.user)).select_related("practice"))
    if not memberships:
        return None
    chosen = request.session.get("practice")
    membership = next((each for each in memberships if str(each.practice_id) == chosen), memberships[0])
    staff = cast(StaffRequest, request)
    staff.practice = membership.practice
    staff.memberships = memberships
    staff.permissions = PERMISSIONS[membership.role]
    return staff


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and back to the page (not to a part of one) afterwards."""
    part_of = request.headers.get("HX-Current-URL")
    try:
        back = urlsplit(part_of).path if part_of else request.get_full_path() if request.method == "GET" else "/"
    except ValueError:  # no address at all
        back = "/"
    if request.method == "POST":
        messages.info(request, "You were signed out. What you just sent was not accepted: sign in and do it again.")
    response = redirect_to_login(back)
    return HttpResponse(headers={"HX-Redirect": response.url}) if part_of else response


def _without_practice(request: HttpRequest) -> HttpResponse:
    if cast(User, request.user).is_staff:
        return redirect("admin:index")
    homes = [home for _, home in home_url_requested.send(sender=None, user=request.user) if home]
    if homes:
        return redirect(homes[0])
    return render(request, "portal/no_practice.html", status=403)
