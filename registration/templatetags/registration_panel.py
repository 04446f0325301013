"""What registration shows on the account page, which belongs to the floor below: the one place where it hands down."""

import hashlib
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string

from notifications.models import OutgoingMessage
from patients.models import Patient, PortalStatus
from registration import reveals, rules
from registration.models import Registration

register = template.Library()

_TONES = {
    Registration.State.PENDING: "waiting",
    Registration.State.SUPERSEDED: "quiet",
    Registration.State.REVOKED: "bad",
    Registration.State.EXPIRED: "quiet",
}
_MESSAGE_TONES = {
    OutgoingMessage.State.QUEUED: "waiting",
    OutgoingMessage.State.SENDING: "waiting",
    OutgoingMessage.State.ACCEPTED: "good",
    OutgoingMessage.State.FAILED: "bad",
    OutgoingMessage.State.CANCELLED: "quiet",
}


@register.inclusion_tag("desk/_account_settings.html", takes_context=True)
def account_settings(context: dict[str, Any], patient: Patient, oob: bool = False) -> dict[str, Any]:
    """The Account Settings panel: Status, PIN/VQ, Register Patient. `oob`: it replaces the one on the page (htmx)."""
    return {
        "patient": patient,
        "oob": oob,
        "live": list(patient.registrations.live()),
        "refused": rules.why_not(patient),
        "registered": patient.portal_status == PortalStatus.REGISTERED,
        "may": context["may"],
    }


@register.inclusion_tag("desk/_registrations.html", takes_context=True)
def registrations(context: dict[str, Any], patient: Patient) -> dict[str, Any]:
    """The registrations of a patient, the newest first, and what became of each message."""
    return panel(context["request"], patient, may=context["may"])


def panel(request: HttpRequest, patient: Patient, *, may: dict[str, bool]) -> dict[str, Any]:
    """`rows` is the panel's content; `seen` names it, so that a page that has it already need not get it again."""
    session_key = request.session.session_key or ""
    listed = list(
        patient.registrations.select_related("message", "issued_by", "ended_by").prefetch_related("message__events")[
            :30
        ]
    )
    listing = [(each, reveals.is_open(each, session_key=session_key)) for each in listed]
    rows = render_to_string("desk/_registration_rows.html", {"registrations": listing, "may": may})
    return {
        "patient": patient,
        "rows": rows,
        "seen": hashlib.sha256(rows.encode()).hexdigest()[:16],
        "unfinished": any(each.message and not each.message.is_finished for each in listed),
    }


@register.filter
def state_tone(registration: Registration) -> str:
    return _TONES[Registration.State(registration.state)]


@register.filter
def message_tone(message: OutgoingMessage) -> str:
    return _MESSAGE_TONES[OutgoingMessage.State(message.state)]
