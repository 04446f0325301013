"""Who a family's page is for. Each view of the family's side wears one of these marks; tests/test_access.py asks for it."""

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
    """A request of somebody who is signed in to a portal account."""

    user: User
    account: PortalAccount


def current_account(request: HttpRequest) -> PortalAccount | None:
    """The portal account of whoever is signed in; asked for once a request."""
    if not hasattr(request, "_portal_account"):
        user = getattr(request, "user", None)  # a request that was stopped early has none
        request._portal_account = accounts.for_user(user) if isinstance(user, User) else None  # type: ignore[attr-defined]
    return cast(PortalAccount | None, request._portal_account)  # type: ignore[attr-defined]


def forget_account(request: HttpRequest) -> None:
    """Somebody signed in or out while the request was answered."""
    if hasattr(request, "_portal_account"):
        del request._portal_account


def public(view: Callable[P, Any]) -> Callable[P, Any]:
    """The view asks for no account: it shows nothing about anybody who did not prove who they are."""
    view.family = "everybody"  # type: ignore[attr-defined]
    return view


def account_required(
    view: Callable[Concatenate[FamilyRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """The view is for whoever is signed in to a portal account, and asks for what is of `request.account` only."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect("family:sign_in")
        account = current_account(request)
        if account is None:
            return render(request, "family/no_account.html", status=403)
        theirs = cast(FamilyRequest, request)
        theirs.account = account
        return view(theirs, *args, **kwargs)

    guarded.family = "families"  # type: ignore[attr-defined]
    return guarded
