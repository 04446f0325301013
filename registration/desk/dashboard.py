"""The staff dashboard: what wants attention, access that ends soon, and what was issued last."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications import heartbeat
from notifications.models import OutgoingMessage
from patients import recent
from portal.access import Permission, StaffRequest, requires
from portal.models import Practice
from portal.signals import statuses_wanted
from registration import reminding
from registration.models import Decline, Registration, SelfRegistration

State = Registration.State

_SLOW_AFTER: Final = timedelta(minutes=5)
_FAILED_SHOWN: Final = timedelta(days=3)
_LOCKED_SHOWN: Final = timedelta(days=14)
_SHOWN: Final = 20


@require_safe
@requires(Permission.SEE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    statuses_wanted.send(sender=None)
    context = _attention(request.practice) | {
        "latest": _latest(request.practice),
        "opened": recent.opened(request.practice, user=request.user),
        "nothing_is_sent": heartbeat.is_missed(),
    }
    return render(request, "desk/dashboard.html", context)


def _attention(practice: Practice) -> dict[str, Any]:
    """Messages that failed or hang, PINs that locked or end within a day; families to match, to ask again; access that ends."""
    now = timezone.now()
    live = _ours(practice).live()
    unfinished = live.filter(message__state__in=OutgoingMessage.UNFINISHED)
    return {
        "failed": _failed(practice)[:_SHOWN],
        "locked": _locked(practice)[:_SHOWN],
        "waiting": unfinished.filter(issued_at__lt=now - _SLOW_AFTER)[:_SHOWN],
        "ending": live.filter(expires_at__lt=now + timedelta(days=1)).order_by("expires_at")[:_SHOWN],
        "to_match": SelfRegistration.objects.of(practice).waiting().count(),
        "to_ask": _to_ask(practice)[:_SHOWN],
        "access_ending": reminding.ending_soon(practice)[:_SHOWN],
    }


def _latest(practice: Practice) -> QuerySet[Registration]:
    latest: QuerySet[Registration] = _ours(practice)[:10]
    return latest


def _ours(practice: Practice) -> Any:
    return Registration.objects.of(practice).select_related("message", "issued_by").prefetch_related("patients")


def _failed(practice: Practice) -> QuerySet[Registration]:
    """Messages that failed in the last days, even where the PIN has run out since: the family is still waiting."""
    given_up = Q(state__in=(State.SUPERSEDED, State.REVOKED, State.CLAIMED))
    failed = _ours(practice).filter(
        message__state=OutgoingMessage.State.FAILED, message__finished_at__gt=timezone.now() - _FAILED_SHOWN
    )
    found: QuerySet[Registration] = failed.exclude(given_up).filter(~_made_good(practice))
    return found


def _locked(practice: Practice) -> QuerySet[Registration]:
    """PINs that locked after too many wrong tries, for which nobody has issued a new one."""
    locked = _ours(practice).filter(state=State.LOCKED, ended_at__gt=timezone.now() - _LOCKED_SHOWN)
    found: QuerySet[Registration] = locked.filter(~_made_good(practice)).order_by("-ended_at")
    return found


def _made_good(practice: Practice) -> Exists:
    """Whether the same person was registered again for one of the same patients."""
    return Exists(
        Registration.objects.of(practice).filter(
            recipient_key=OuterRef("recipient_key"),
            patients__registrations=OuterRef("pk"),
            issued_at__gt=OuterRef("issued_at"),
        )
    )


def _to_ask(practice: Practice) -> QuerySet[Decline]:
    """Families that declined, whose day to be asked again has come."""
    declined = Decline.objects.of(practice).live().filter(ask_again_on__lte=timezone.localdate())
    return declined.select_related("patient").order_by("ask_again_on")
