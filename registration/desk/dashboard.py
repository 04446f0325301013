"""The staff dashboard: what wants attention, access that ends soon, and what was issued last."""

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
from registration.models import Decline, Registration, SelfRegistration

State = Registration.State

_SLOW_AFTER: Final = timedelta(minutes=5)
_FAILED_PERIOD: Final = timedelta(days=3)
_LOCKED_PERIOD: Final = timedelta(days=14)
_MAX_ROWS: Final = 20
_MAX_MESSAGES: Final = 500  # messages, for those that are shown


@require_safe
@requires(Permission.SEE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    portal_statuses_needed.send(sender=None)
    context = _attention(request.practice) | {
        "latest": _latest(request.practice),
        "opened": recent.recently_opened(request.practice, user=request.user),
        "nothing_is_sent": worker_heartbeat.is_missed(),
    }
    return render(request, "desk/dashboard.html", context)


def _attention(practice: Practice) -> dict[str, Any]:
    """Messages that failed or hang, PINs that locked or end within a day; families to match, to ask again; access that ends.

    Each list begins at what is rare, in an index that holds it: of a large practice's registrations hardly any is listed.
    """
    ending = _for_display(Registration.objects.for_practice(practice).live())
    return {
        "failed": _failed(practice)[:_MAX_ROWS],
        "locked": _locked(practice)[:_MAX_ROWS],
        "waiting": _delayed(practice),
        "ending": ending.filter(expires_at__lt=timezone.now() + timedelta(days=1)).order_by("expires_at")[:_MAX_ROWS],
        "to_match": SelfRegistration.objects.for_practice(practice).waiting().count(),
        "to_ask": _to_ask(practice)[:_MAX_ROWS],
        "access_ending": reminders.ending_soon(practice)[:_MAX_ROWS],
    }


def _latest(practice: Practice) -> QuerySet[Registration]:
    return _for_display(Registration.objects.for_practice(practice))[:10]


def _for_display(registrations: QuerySet[Registration]) -> QuerySet[Registration]:
    return registrations.select_related("message", "issued_by").prefetch_related("patients")


def _carrying(messages: QuerySet[OutgoingMessage]) -> QuerySet[Registration]:
    """What these messages carry, the newest of them: the practice is theirs."""
    return _for_display(Registration.objects.filter(message__in=messages.order_by("-created_at")[:_MAX_MESSAGES]))


def _failed(practice: Practice) -> QuerySet[Registration]:
    """Messages that failed in the last days, even where the PIN has run out since: the family is still waiting."""
    messages = OutgoingMessage.objects.for_practice(practice).filter(state=OutgoingMessage.State.FAILED)
    given_up = Q(state__in=(State.SUPERSEDED, State.REVOKED, State.CLAIMED))
    lately = _carrying(messages).filter(message__finished_at__gt=timezone.now() - _FAILED_PERIOD)
    return lately.exclude(given_up).filter(~_was_reissued())


def _locked(practice: Practice) -> QuerySet[Registration]:
    """PINs that locked after too many wrong tries, for which nobody has issued a new one."""
    since = timezone.now() - _LOCKED_PERIOD
    # What locked since then had not run out before; by that it is found.
    locked = Registration.objects.for_practice(practice).filter(
        state=State.LOCKED, ended_at__gt=since, expires_at__gt=since
    )
    return _for_display(locked).filter(~_was_reissued()).order_by("-ended_at")


def _delayed(practice: Practice) -> list[Registration]:
    """Live ones whose message should have been on its way by now."""
    messages = OutgoingMessage.objects.for_practice(practice).filter(
        state__in=OutgoingMessage.UNFINISHED, created_at__lt=timezone.now() - _SLOW_AFTER
    )
    return [each for each in _carrying(messages) if each.is_live][:_MAX_ROWS]


def _was_reissued() -> Exists:
    """Whether the same person was registered again for one of the same patients."""
    through = Registration.patients.through
    return Exists(
        through.objects.filter(
            patient__registrations=OuterRef("pk"),
            registration__recipient_key=OuterRef("recipient_key"),
            registration__issued_at__gt=OuterRef("issued_at"),
        )
    )


def _to_ask(practice: Practice) -> QuerySet[Decline]:
    """Families that declined, whose day to be asked again has come."""
    due = Decline.objects.live().filter(ask_again_on__lte=timezone.localdate())
    return due.for_practice(practice).select_related("patient").order_by("ask_again_on")
