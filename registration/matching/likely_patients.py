"""Keep the likely patient of each waiting self-registration up to date. The worker calls this."""

from typing import Final

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from registration.access import portal_status
from registration.matching import candidates
from registration.models import SelfRegistration

_MAX_REFRESHED: Final = 200


def refresh_likely() -> None:
    """Look up the likely patients again, because an import or a correction may have changed them.

    Each round takes the requests that were checked longest ago, so that every request gets its turn, no matter how many
    are waiting.
    """
    waiting = SelfRegistration.objects.waiting().select_related("practice", "likely")
    this_round = list(waiting.order_by("likely_checked_at", "pk")[:_MAX_REFRESHED])
    for self_registration in this_round:
        likely = candidates.likely(self_registration.practice, self_registration)
        if likely != self_registration.likely:
            _set_likely(self_registration, likely)
    checked = SelfRegistration.objects.filter(pk__in=[self_registration.pk for self_registration in this_round])
    checked.update(likely_checked_at=timezone.now())


@transaction.atomic
def _set_likely(self_registration: SelfRegistration, likely: Patient | None) -> None:
    before_and_after = [patient for patient in (self_registration.likely, likely) if patient]
    locked = portal_status.lock(self_registration.practice, before_and_after)
    unchanged = SelfRegistration.objects.waiting().filter(pk=self_registration.pk, likely=self_registration.likely_id)
    if unchanged.update(likely=likely if likely in locked else None):
        portal_status.refresh(locked)
