"""How an event of the audit trail looks on a page."""

from django import template

from portal.models import AuditEvent

register = template.Library()

_IDS = {"registration", "message"}


@register.filter
def shown_details(event: AuditEvent) -> str:
    """ "by: last_name · found: 3": what a person can read, without the ids."""
    return " · ".join(
        f"{name.replace('_', ' ')}: {value}"
        for name, value in event.details.items()
        if name not in _IDS and value != ""
    )
