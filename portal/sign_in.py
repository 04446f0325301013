"""Record sign-ins, sign-outs and failed attempts in the audit trail, and the time of sign-in in the session."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from portal import audit
from portal.models import Membership, Practice, User


def listen() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")


def _only_practice(user: User | None) -> Practice | None:
    """Return the practice of a user who works in exactly one, so that its manager sees the event."""
    memberships = list(Membership.objects.filter(user=user).select_related("practice")[:2]) if user else []
    return memberships[0].practice if len(memberships) == 1 else None


def _signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    request.session["signed_in_at"] = timezone.now().timestamp()
    request.session.pop("seen_at", None)  # a second sign-in can continue the session of the first
    actor = audit.Actor.for_user(request, user=user)
    audit.record(audit.Action.SIGNED_IN, actor=actor, practice=_only_practice(user))


def _signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        actor = audit.Actor.for_user(request, user=user)
        reason = request.session.get("why_ended")
        details = {"why": reason} if reason else {}
        audit.record(audit.Action.SIGNED_OUT, actor=actor, practice=_only_practice(user), details=details)


def _failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record the attempt but not what was typed, because people sometimes type their password in the wrong field."""
    email = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=email).first()
    actor = audit.Actor(
        user=None,
        name=user.email if user else "an unknown address",
        address=audit.client_address(request) if request else None,
    )
    audit.record(audit.Action.SIGN_IN_FAILED, actor=actor, practice=_only_practice(user))
