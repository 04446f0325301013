"""What the pages say of self-registrations: how many wait, for how long, how they stand, what agrees."""

from datetime import datetime
from typing import Final

from django import template
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from patients.similarity import Verdict
from portal.models import Practice
from registration.models import SelfRegistration

register = template.Library()

State = SelfRegistration.State

_MOST_COUNTED: Final = 99
_STATES: Final[dict[str, tuple[str, str]]] = {
    State.WAITING: ("Waiting", "waiting"),
    State.ASKED: ("Family was asked", "quiet"),
    State.MATCHED: ("Matched", "good"),
    State.REFUSED: ("Not our patient", "bad"),
    State.WITHDRAWN: ("Withdrawn by the family", "quiet"),
}
_MARKS: Final[dict[str, tuple[str, str]]] = {
    Verdict.AGREES: ("✓", "good"),
    Verdict.NEAR: ("≈", "waiting"),
    Verdict.DIFFERS: ("✗", "bad"),
    Verdict.NOT_ON_RECORD: ("–", "quiet"),
    Verdict.NOT_PROVIDED: ("–", "quiet"),
}
_STRENGTHS: Final = {"Strong match": "good", "Good match": "good", "Possible match": "waiting", "Weak match": "quiet"}


@register.simple_tag
def waiting_matches(practice: Practice | None) -> str:
    """How many wait for the desk, "99+" where there are more; "" where none does."""
    if practice is None:
        return ""
    waiting = SelfRegistration.objects.for_practice(practice).filter(state=State.WAITING)
    number = len(waiting.order_by().values_list("pk", flat=True)[: _MOST_COUNTED + 1])
    return f"{_MOST_COUNTED}+" if number > _MOST_COUNTED else str(number or "")


@register.filter
def waiting_time(since: datetime) -> str:
    """ "12 minutes", "3 hours", "2 days"."""
    minutes = int((timezone.now() - since).total_seconds()) // 60
    number, unit = (
        (minutes, "minute")
        if minutes < 60
        else (minutes // 60, "hour")
        if minutes < 48 * 60
        else (minutes // 1440, "day")
    )
    return f"{max(number, 1)} {unit}{'' if number <= 1 else 's'}"


@register.filter
def breakable(text: str) -> SafeString:
    """An e-mail address may go on in the next line from its @ on, rather than anywhere.

    >>> breakable("a<b@c.example")
    'a&lt;b<wbr>@c.example'
    """
    return mark_safe(escape(text).replace("@", "<wbr>@"))  # noqa: S308 - escaped in the same breath


@register.filter
def match_state(self_registration: SelfRegistration) -> str:
    return (
        "Answered"
        if self_registration.state == State.WAITING and self_registration.answer
        else _STATES[self_registration.state][0]
    )


@register.filter
def match_tone(self_registration: SelfRegistration) -> str:
    return (
        "attention"
        if self_registration.state == State.WAITING and self_registration.answer
        else _STATES[self_registration.state][1]
    )


@register.filter
def mark(verdict: str) -> str:
    return _MARKS[verdict][0]


@register.filter
def verdict_tone(verdict: str) -> str:
    return _MARKS[verdict][1]


@register.filter
def strength_tone(strength: str) -> str:
    return _STRENGTHS[strength]
