"""How an event of the audit trail looks on a page."""

from typing import Final

from django import template

from portal.models import AuditEvent

register = template.Library()

_IDS: Final = {"registration", "association", "self_registration", "message"}
_WORDS: Final = {
    "pin": "PIN",
    "question": "verification question",
    "email": "by e-mail",
    "text": "by text",
    "none": "told in person",
}


@register.filter
def shown_details(event: AuditEvent) -> str:
    """ "by last name · 3 found": what a person can read, without the ids."""
    return " · ".join(
        _in_words(name, "yes" if value is True else str(value))
        for name, value in event.details.items()
        if name not in _IDS and value
    )


def _in_words(name: str, value: str) -> str:
    if name in {"method", "delivery", "channel"}:
        return _WORDS.get(value, value)
    if name == "message_cancelled":
        return "its message was taken back"
    if name == "messages_cancelled":
        return f"{value} queued taken back"
    if name == "failure":
        return value.replace("_", " ")  # a code: "wrong_birth_date"
    if name == "by":
        return "by " + value.replace("_", " ")  # names of fields; everything else is shown as it was written
    return f"{value} found" if name == "found" else f"{name.replace('_', ' ')}: {value}"
