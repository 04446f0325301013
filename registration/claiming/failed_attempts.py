"""Why a family did not get in, in the desk's words. The family itself is told one and the same, whatever the reason."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

from patients.models import Patient
from portal.audit import Action
from portal.models import AuditEvent

_MAX_EVENTS: Final = 500  # lines of the trail, the newest
_WORDS: Final = {
    "date of birth": "date of birth did not match",
    "PIN": "wrong PIN",
    "answer": "wrong answer",
    "expired": "it had expired",
    "revoked": "it was revoked",
    "superseded": "a newer one had taken its place",
    "claimed": "it had been used already",
    "locked": "it was locked",
    "too many tries": "no try was left",
}


def for_patient(patient: Patient) -> dict[str, list[str]]:
    """Sentences by the id of the registration that was tried."""
    lines = AuditEvent.objects.filter(
        practice=patient.practice_id, patient_id=patient.pk, action=Action.CLAIM_FAILED
    ).order_by("-at")[:_MAX_EVENTS]
    by_registration = defaultdict(list)
    for line in lines:
        by_registration[str(line.details.get("registration"))].append(line)
    return {registration: summarize(tries) for registration, tries in by_registration.items()}


def summarize(tries: Sequence[AuditEvent]) -> list[str]:
    """A sentence for each reason, in the order in which they came up, and when the last try was. `tries`: the newest first."""
    by_reason = defaultdict(list)
    for each in reversed(tries):
        by_reason[str(each.details.get("why"))].append(each)
    last = timezone.localtime(tries[0].at)
    return [
        *(_sentence(reason, of_reason) for reason, of_reason in by_reason.items()),
        f"Last try {date_format(last, 'M j, g:i A')}.",
    ]


def _sentence(reason: str, tries: Sequence[AuditEvent]) -> str:
    """ "3 tries from one address: date of birth did not match." """
    number = "1 try" if len(tries) == 1 else f"{len(tries)} tries"
    addresses = len({each.address for each in tries})
    where = "one address" if addresses == 1 else f"{addresses} addresses"
    return f"{number} from {where}: {_WORDS.get(reason, reason)}."
