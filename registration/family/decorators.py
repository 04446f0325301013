"""Decorators that declare who a family page is for. tests/test_access.py checks that every family view has such a decorator."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from portal.models import User
from registration.access import accounts
from registration.models import PortalAccount

P = ParamSpec("P")


class FamilyRequest(HttpRequest):
    """A request from someone who is signed in to a portal account."""

    user: User
    account: PortalAccount


def current_account(request: HttpRequest) -> PortalAccount | None:
    """Return the portal account of the signed-in user. Query the database only once per request."""
    if not hasattr(request, "_portal_account"):
        user = getattr(request, "user", None)  # A request that a middleware stopped early has no user.
        request._portal_account = accounts.for_user(user) if isinstance(user, User) else None  # type: ignore[attr-defined]
    return cast(PortalAccount | None, request._portal_account)  # type: ignore[attr-defined]


def forget_account(request: HttpRequest) -> None:
    """Clear the cached account after a sign-in or sign-out during this request."""
    if hasattr(request, "_portal_account"):
        del request._portal_account


def public(view: Callable[P, Any]) -> Callable[P, Any]:
    """Mark a view as open to everyone.

    Such a view may show information about a person only to someone who has proved who they are.
    """
    view.family = "everybody"  # type: ignore[attr-defined]
    return view


def account_required(
    view: Callable[Concatenate[FamilyRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Require a portal account, and pass the account as `request.account`. The view must query only this account's data."""

    @wraps(view)
    def guarded_view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect("family:sign_in")
        account = current_account(request)
        if account is None:
            return render(request, "family/no_account.html", status=403)
        family_request = cast(FamilyRequest, request)
        family_request.account = account
        return view(family_request, *args, **kwargs)

    guarded_view.family = "families"  # type: ignore[attr-defined]
    return guarded_view
