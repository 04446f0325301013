"""Template tags for the Merge Match pages: a request's status and waiting time, and how the record compares."""

from datetime import datetime
from typing import Final

from django import template
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from patients.similarity import Verdict
from portal.models import Practice
from registration.matching.comparison import ComparisonRow, Strength
from registration.models import SelfRegistration

register = template.Library()

State = SelfRegistration.State

_MAX_COUNTED: Final = 99
_STATUSES: Final[dict[str, tuple[str, str]]] = {  # label, tone
    State.WAITING: ("To review", "waiting"),
    State.ASKED: ("Waiting for family", "quiet"),
    State.MATCHED: ("Matched", "good"),
    State.REFUSED: ("Not our patient", "bad"),
    State.WITHDRAWN: ("Withdrawn by family", "quiet"),
}
_ANSWERED: Final = ("Family replied", "attention")
_VERDICTS: Final[dict[str, tuple[str, str, str]]] = {  # symbol, label, tone
    Verdict.AGREES: ("✓", "Yes", "good"),
    Verdict.NEAR: ("≈", "Close", "waiting"),
    Verdict.DIFFERS: ("✗", "No", "bad"),
}
_NOT_COMPARABLE: Final = ("–", "N/A", "quiet")
_STRENGTH_TONES: Final[dict[str, str]] = {
    Strength.STRONG: "good",
    Strength.GOOD: "good",
    Strength.POSSIBLE: "waiting",
    Strength.WEAK: "quiet",
}


@register.simple_tag
def waiting_matches(practice: Practice | None) -> str:
    """Return how many requests staff have to review: "12", "99+" if there are more than 99, or "" if there are none."""
    if practice is None:
        return ""
    waiting = SelfRegistration.objects.for_practice(practice).filter(state=State.WAITING)
    number = len(waiting.order_by().values_list("pk", flat=True)[: _MAX_COUNTED + 1])
    return f"{_MAX_COUNTED}+" if number > _MAX_COUNTED else str(number or "")


@register.filter
def waiting_time(since: datetime) -> str:
    """Return how long a request has waited, for example "12 minutes", "3 hours" or "2 days"."""
    minutes = int((timezone.now() - since).total_seconds()) // 60
    if minutes < 60:
        number, unit = max(minutes, 1), "minute"
    elif minutes < 48 * 60:
        number, unit = minutes // 60, "hour"
    else:
        number, unit = minutes // 1440, "day"
    return f"{number} {unit}{'' if number == 1 else 's'}"


@register.filter
def breakable(text: str) -> SafeString:
    """Allow a line break before the @ of an email address.

    >>> breakable("a<b@c.example")
    'a&lt;b<wbr>@c.example'
    """
    return mark_safe(escape(text).replace("@", "<wbr>@"))  # noqa: S308 - the text is escaped first


@register.filter
def match_state(self_registration: SelfRegistration) -> str:
    return _status(self_registration)[0]


@register.filter
def match_tone(self_registration: SelfRegistration) -> str:
    return _status(self_registration)[1]


@register.filter
def decided_by(self_registration: SelfRegistration) -> str:
    is_withdrawn = self_registration.state == State.WITHDRAWN
    return "the family" if is_withdrawn else str(self_registration.decided_by)


@register.filter
def submitted_address(self_registration: SelfRegistration) -> str:
    return ", ".join(filter(None, [self_registration.street, self_registration.postal_code]))


@register.filter
def mark(row: ComparisonRow) -> str:
    return _verdict(row)[0]


@register.filter
def verdict(row: ComparisonRow) -> str:
    """Return how well a field agrees, for example "Yes" or "Close: sounds alike"."""
    return ": ".join(filter(None, [_verdict(row)[1], row.finding.note]))


@register.filter
def verdict_tone(row: ComparisonRow) -> str:
    return _verdict(row)[2]


@register.filter
def strength_tone(strength: Strength) -> str:
    return _STRENGTH_TONES[strength]


def _status(self_registration: SelfRegistration) -> tuple[str, str]:
    if self_registration.state == State.WAITING and self_registration.answer:
        return _ANSWERED
    return _STATUSES[self_registration.state]


def _verdict(row: ComparisonRow) -> tuple[str, str, str]:
    return _VERDICTS.get(row.finding.verdict, _NOT_COMPARABLE)
