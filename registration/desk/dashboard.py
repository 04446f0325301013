"""The staff dashboard: what needs attention, access that ends soon, and registrations issued recently."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications import worker_heartbeat
from notifications.models import OutgoingMessage
from patients import recent
from portal.access import Permission, StaffRequest, requires
from portal.models import Practice
from portal.signals import portal_statuses_needed
from registration.access import reminders
from registration.desk.presenters import worklist
from registration.desk.presenters.worklist import WorklistLine
from registration.models import Decline, Registration, SelfRegistration

State = Registration.State

_SLOW_AFTER: Final = timedelta(minutes=5)
_FAILED_PERIOD: Final = timedelta(days=3)
_LOCKED_PERIOD: Final = timedelta(days=14)
_MAX_ROWS: Final = 20
_MAX_MESSAGES: Final = 500


@require_safe
@requires(Permission.SEE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    portal_statuses_needed.send(sender=None)
    practice = request.practice
    context: dict[str, Any] = {
        "to_match": SelfRegistration.objects.for_practice(practice).waiting().count(),
        "attention": _needs_attention(practice),
        "access_ending": worklist.access_ending(reminders.ending_soon(practice)[:_MAX_ROWS]),
        "latest": worklist.recently_issued(_latest(practice)),
        "opened": recent.recently_opened(practice, user=request.user),
        "nothing_is_sent": worker_heartbeat.is_missed(),
    }
    return render(request, "desk/dashboard.html", context)


def _needs_attention(practice: Practice) -> list[WorklistLine]:
    """List failed and delayed messages, locked PINs, PINs about to expire, and families to ask again.

    Each query starts from an index on something rare, because hardly any of a large practice's registrations are
    listed.
    """
    return [
        *worklist.failed(_failed(practice)[:_MAX_ROWS]),
        *worklist.locked(_locked(practice)[:_MAX_ROWS]),
        *worklist.delayed(_delayed(practice)),
        *worklist.expiring(_expiring(practice)[:_MAX_ROWS]),
        *worklist.to_ask_again(_to_ask_again(practice)[:_MAX_ROWS]),
    ]


def _latest(practice: Practice) -> QuerySet[Registration]:
    return _for_display(Registration.objects.for_practice(practice))[:10]


def _for_display(registrations: QuerySet[Registration]) -> QuerySet[Registration]:
    return registrations.select_related("message", "issued_by").prefetch_related("patients")


def _carrying(messages: QuerySet[OutgoingMessage]) -> QuerySet[Registration]:
    """Find the registrations that the newest of these messages belong to. The messages are already limited to the practice."""
    return _for_display(Registration.objects.filter(message__in=messages.order_by("-created_at")[:_MAX_MESSAGES]))


def _failed(practice: Practice) -> QuerySet[Registration]:
    """Find messages that failed recently, even if the PIN has expired since then, because the family is still waiting."""
    messages = OutgoingMessage.objects.for_practice(practice).filter(state=OutgoingMessage.State.FAILED)
    settled = Q(state__in=(State.SUPERSEDED, State.REVOKED, State.CLAIMED))
    recent_failures = _carrying(messages).filter(message__finished_at__gt=timezone.now() - _FAILED_PERIOD)
    return recent_failures.exclude(settled).filter(~_was_reissued())


def _locked(practice: Practice) -> QuerySet[Registration]:
    """Find PINs that were locked after too many wrong attempts and have not been replaced by a new PIN."""
    since = timezone.now() - _LOCKED_PERIOD
    # A PIN locked after `since` also expires after `since`, so the index on expiry applies.
    locked = Registration.objects.for_practice(practice).filter(
        state=State.LOCKED, ended_at__gt=since, expires_at__gt=since
    )
    return _for_display(locked).filter(~_was_reissued()).order_by("-ended_at")


def _delayed(practice: Practice) -> list[Registration]:
    """List usable registrations whose message should already have been sent."""
    messages = OutgoingMessage.objects.for_practice(practice).filter(
        state__in=OutgoingMessage.UNFINISHED, created_at__lt=timezone.now() - _SLOW_AFTER
    )
    return [registration for registration in _carrying(messages) if registration.is_live][:_MAX_ROWS]


def _expiring(practice: Practice) -> QuerySet[Registration]:
    """Find usable registrations that expire within a day."""
    live = _for_display(Registration.objects.for_practice(practice).live())
    return live.filter(expires_at__lt=timezone.now() + timedelta(days=1)).order_by("expires_at")


def _was_reissued() -> Exists:
    """Match registrations whose recipient got a later registration for one of the same patients."""
    through = Registration.patients.through
    return Exists(
        through.objects.filter(
            patient__registrations=OuterRef("pk"),
            registration__recipient_key=OuterRef("recipient_key"),
            registration__issued_at__gt=OuterRef("issued_at"),
        )
    )


def _to_ask_again(practice: Practice) -> QuerySet[Decline]:
    """Find declines whose "ask again" date has come."""
    due = Decline.objects.live().filter(ask_again_on__lte=timezone.localdate())
    return due.for_practice(practice).select_related("patient").order_by("ask_again_on")
