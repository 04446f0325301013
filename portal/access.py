"""Which role has which permissions, and which practice a staff member is working in.

Every desk view is decorated with `requires(...)`. The decorator lets in signed-in members whose role has the
permission, and sets `practice` on the request. A request for another practice's data gets a 404, not a 403.
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
    """A request from a staff member who works in `practice`."""

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
    """Restrict a view to members of a practice whose role has `permission`."""

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

        guarded.permission = permission  # type: ignore[attr-defined]  # tests/test_access.py reads it from every view
        return guarded

    return decorate


def switch_practice(request: StaffRequest, practice_id: str) -> bool:
    """Switch the staff member to another practice. Return False if the staff member does not work there."""
    is_member = any(str(membership.practice_id) == practice_id for membership in request.memberships)
    if is_member:
        request.session["practice"] = practice_id
    return is_member


def staff_context(request: HttpRequest) -> dict[str, Any]:
    """Give every template the current practice and the user's permissions there."""
    user = getattr(request, "user", None)  # middleware may have answered before the user was set
    if user and user.is_authenticated and not hasattr(request, "practice"):
        _load_membership(request)  # allauth's pages and error pages show the same navigation panel
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
    membership = next(
        (membership for membership in memberships if str(membership.practice_id) == chosen), memberships[0]
    )
    staff = cast(StaffRequest, request)
    staff.practice = membership.practice
    staff.memberships = memberships
    staff.permissions = PERMISSIONS[membership.role]
    return staff


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to sign-in. From there the user returns to this page, or to the page that sent the htmx request."""
    htmx_page = request.headers.get("HX-Current-URL")
    try:
        back = urlsplit(htmx_page).path if htmx_page else request.get_full_path() if request.method == "GET" else "/"
    except ValueError:  # the header is not a URL
        back = "/"
    if request.method == "POST":
        messages.info(request, "You were signed out, so your last change was not saved. Sign in and try again.")
    response = redirect_to_login(back)
    return HttpResponse(headers={"HX-Redirect": response.url}) if htmx_page else response


def _without_practice(request: HttpRequest) -> HttpResponse:
    if cast(User, request.user).is_staff:
        return redirect("admin:index")
    homes = [home for _, home in home_url_requested.send(sender=None, user=request.user) if home]
    if homes:
        return redirect(homes[0])
    return render(request, "portal/no_practice.html", status=403)
