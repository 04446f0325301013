"""The portal status of patients, kept true by whatever happens to their registrations."""

from collections.abc import Sequence

from patients.models import Patient, PortalStatus, set_portal_status
from portal.models import Practice


def lock(practice: Practice, patients: Sequence[Patient]) -> list[Patient]:
    """These patients as they are now, held until the transaction ends; fewer where one is not there any more."""
    rows = Patient.objects.of(practice).filter(pk__in=[patient.pk for patient in patients])
    return list(rows.select_for_update().order_by("pk"))


def refresh(patients: Sequence[Patient]) -> None:
    """Pending while a live registration exists and nobody has access yet; otherwise what it was."""
    for patient in patients:
        pending = patient.settled_status != PortalStatus.REGISTERED and patient.registrations.live().exists()
        set_portal_status(patient, PortalStatus.PENDING if pending else PortalStatus(patient.settled_status))
