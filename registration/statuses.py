"""The portal status of patients, kept true by whatever happens to their registrations, and by the clock."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from patients.models import Patient, PortalStatus, set_portal_status
from portal import audit
from portal.models import Practice
from registration.models import Registration


def lock(practice: Practice, patients: Sequence[Patient]) -> list[Patient]:
    """These patients as they are now, held until the transaction ends; fewer where one is not there any more."""
    rows = Patient.objects.of(practice).filter(pk__in=[patient.pk for patient in patients])
    return list(rows.select_for_update().order_by("pk"))


def refresh(patients: Sequence[Patient]) -> None:
    """Pending while a live registration exists and nobody has access yet; otherwise what it was."""
    for patient in patients:
        pending = patient.settled_status != PortalStatus.REGISTERED and patient.registrations.live().exists()
        set_portal_status(patient, PortalStatus.PENDING if pending else PortalStatus(patient.settled_status))


def expire_due() -> None:
    """Ends what has run out. One look into an index where nothing has; called before statuses are read."""
    due = Registration.objects.filter(state=Registration.State.PENDING, expires_at__lte=timezone.now())
    for registration in due.select_related("practice")[:500]:
        with transaction.atomic():
            patients = lock(registration.practice, list(registration.patients.all()))
            ended = due.filter(pk=registration.pk)
            if ended.update(state=Registration.State.EXPIRED, ended_at=registration.expires_at):
                refresh(patients)
                registration.record(audit.Action.REGISTRATION_EXPIRED, actor=audit.CLOCK)
