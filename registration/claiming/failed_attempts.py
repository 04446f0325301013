"""Explain to staff why a family could not claim a registration: the reasons, and the sentences on the account page.

Families see the same answer, no matter what the reason is.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.db import models

from patients.models import Patient
from patients.templatetags.patient_values import us_datetime
from portal.audit import Action
from portal.models import AuditEvent

_MAX_EVENTS: Final = 500  # the newest ones of a patient


class FailureReason(models.TextChoices):
    """Why a PIN, link, answer or date of birth was rejected. The value is the code stored in the audit trail."""

    WRONG_BIRTH_DATE = "wrong_birth_date", "wrong date of birth"
    WRONG_PIN = "wrong_pin", "wrong PIN"
    WRONG_ANSWER = "wrong_answer", "wrong answer"
    EXPIRED = "expired", "already expired"
    REVOKED = "revoked", "already revoked"
    SUPERSEDED = "superseded", "replaced by a newer one"
    CLAIMED = "claimed", "already used"
    LOCKED = "locked", "locked"
    NO_ATTEMPTS_LEFT = "no_attempts_left", "no attempts left"
    UNKNOWN_PIN = "unknown_pin", "unknown PIN"


# What earlier versions wrote in the audit trail, under "why". Never change this table: the trail's HMAC covers those
# events, so they keep the old values.
_LEGACY_REASONS: Final = {
    "date of birth": FailureReason.WRONG_BIRTH_DATE,
    "PIN": FailureReason.WRONG_PIN,
    "answer": FailureReason.WRONG_ANSWER,
    "expired": FailureReason.EXPIRED,
    "revoked": FailureReason.REVOKED,
    "superseded": FailureReason.SUPERSEDED,
    "claimed": FailureReason.CLAIMED,
    "locked": FailureReason.LOCKED,
    "too many tries": FailureReason.NO_ATTEMPTS_LEFT,
    "nobody's": FailureReason.UNKNOWN_PIN,
}


def reason_of(event: AuditEvent) -> FailureReason | None:
    """Return the reason for a failed claim, or None if it is unknown. This also reads events that an earlier version wrote."""
    code = event.details.get("failure")
    if code in FailureReason.values:
        return FailureReason(code)
    return _LEGACY_REASONS.get(str(event.details.get("why")))


def for_patient(patient: Patient) -> dict[str, list[str]]:
    """Return sentences about failed attempts, keyed by registration id."""
    events = AuditEvent.objects.filter(
        practice=patient.practice_id, patient_id=patient.pk, action=Action.CLAIM_FAILED
    ).order_by("-at")[:_MAX_EVENTS]
    by_registration = defaultdict(list)
    for event in events:
        by_registration[str(event.details.get("registration"))].append(event)
    return {registration: summarize(attempts) for registration, attempts in by_registration.items()}


def summarize(attempts: Sequence[AuditEvent]) -> list[str]:
    """Return one sentence per reason, in order of first appearance, followed by the time of the last attempt.

    `attempts` must be sorted with the newest first.
    """
    by_reason = defaultdict(list)
    for attempt in reversed(attempts):
        by_reason[reason_of(attempt)].append(attempt)
    return [
        *(_sentence(reason, with_reason) for reason, with_reason in by_reason.items()),
        f"Last attempt: {us_datetime(attempts[0].at)}.",
    ]


def _sentence(reason: FailureReason | None, attempts: Sequence[AuditEvent]) -> str:
    """Return a sentence about attempts, for example "3 attempts from one address: wrong date of birth."."""
    number = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
    addresses = len({attempt.address for attempt in attempts})
    source = "one address" if addresses == 1 else f"{addresses} addresses"
    return f"{number} from {source}: {reason.label if reason else 'unknown reason'}."
