"""Template filters that format audit events."""

from typing import Final

from django import template

from portal import audit
from portal.models import AuditEvent

register = template.Library()

_IDS: Final = {"registration", "association", "self_registration", "message"}
_DELIVERY_LABELS: Final = {
    "pin": "PIN",
    "question": "verification question",
    "email": "by email",
    "text": "by text message",
    "none": "given in person",
}
# Names of details as they are stored, where they do not say enough by themselves.
_NAME_LABELS: Final = {
    "authorisation": "authorization",  # of earlier versions
    "done": "change",
    "in": "page",
    "to": "account",
    "told_of_risk": "risk acknowledged",  # of earlier versions
    "what": "kind",
    "whose": "account",
    "why": "reason",
}


@register.filter
def actor_label(event: AuditEvent) -> str:
    """Return the user, or the part of the program that acted."""
    return str(event.actor) if event.actor else audit.ACTOR_LABELS.get(event.actor_name, event.actor_name.capitalize())


@register.filter
def details_label(event: AuditEvent) -> str:
    """Return the details without ids, such as "by last name · 3 found"."""
    return " · ".join(
        _describe(name, "yes" if value is True else str(value))
        for name, value in event.details.items()
        if name not in _IDS and value
    )


def _describe(name: str, value: str) -> str:
    if name in {"method", "delivery", "channel"}:
        return _DELIVERY_LABELS.get(value, value)
    if name == "message_cancelled":
        return "its message was canceled"
    if name == "messages_cancelled":
        return f"messages canceled: {value}"
    if name == "failure":
        return value.replace("_", " ")  # a code: "wrong_birth_date"
    if name == "by":
        return "by " + value.replace("_", " ")  # names of form fields
    return f"{value} found" if name == "found" else f"{_NAME_LABELS.get(name) or name.replace('_', ' ')}: {value}"
