"""The portal status of patients, kept true by whatever happens to registrations, access, self-registrations and declines."""

from collections.abc import Sequence

from patients.models import Patient, PortalStatus, set_portal_status
from portal.models import Practice


def lock(practice: Practice, patients: Sequence[Patient]) -> list[Patient]:
    """These patients as they are now, held until the transaction ends; fewer where one is not there any more."""
    rows = Patient.objects.of(practice).filter(pk__in=[patient.pk for patient in patients])
    return list(rows.select_for_update().order_by("pk"))


def refresh(patients: Sequence[Patient]) -> None:
    for patient in patients:
        set_portal_status(patient, status_of(patient))


def status_of(patient: Patient) -> PortalStatus:
    """What follows from the facts. Somebody's access outweighs a PIN on its way, and that a match that waits."""
    if patient.associations.live().exists():
        return PortalStatus.REGISTERED
    if patient.registrations.live().exists():
        return PortalStatus.PENDING
    if patient.self_registrations.waiting().exists():
        return PortalStatus.SELF_REGISTERED
    if patient.declines.live().exists():
        return PortalStatus.DECLINED
    return PortalStatus.UNREGISTERED
