"""Derive each patient's portal status from registrations, access, self-registrations and declines, and store the status."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, Value, When

from patients.models import Patient, PortalStatus, set_portal_status
from portal.models import Practice
from registration.models import Association, Decline, Registration, SelfRegistration


def lock(practice: Practice, patients: Sequence[Patient]) -> list[Patient]:
    """Lock these patients until the transaction ends, and return their current rows. Leave out deleted patients."""
    rows = Patient.objects.for_practice(practice).filter(pk__in=[patient.pk for patient in patients])
    return list(rows.select_for_update().order_by("pk"))


def covered_by(registrations: Iterable[UUID]) -> list[Patient]:
    """Return the patients of these registrations.

    This makes two queries, because with a join, both supported databases start from the patients table.
    """
    through = Registration.patients.through.objects.filter(registration__in=list(registrations))
    return list(Patient.objects.filter(pk__in=set(through.values_list("patient_id", flat=True))))


def refresh(patients: Sequence[Patient]) -> None:
    statuses = _derive([patient.pk for patient in patients])
    for patient in patients:
        set_portal_status(patient, statuses[patient.pk])


def status_of(patient: Patient) -> PortalStatus:
    return _derive([patient.pk])[patient.pk]


def _derive(patients: Sequence[UUID]) -> dict[UUID, PortalStatus]:
    """Return each patient's status. Access outranks an open PIN, which outranks a self-registration and a decline."""
    same_patient = {"patient": OuterRef("pk")}
    statuses = Case(
        When(Exists(Association.objects.filter(**same_patient).live()), then=Value(PortalStatus.REGISTERED)),
        When(Exists(Registration.objects.filter(patients=OuterRef("pk")).live()), then=Value(PortalStatus.PENDING)),
        When(
            Exists(SelfRegistration.objects.filter(likely=OuterRef("pk")).waiting()),
            then=Value(PortalStatus.SELF_REGISTERED),
        ),
        When(Exists(Decline.objects.filter(**same_patient).live()), then=Value(PortalStatus.DECLINED)),
        default=Value(PortalStatus.UNREGISTERED),
    )
    found = Patient.objects.filter(pk__in=patients).order_by().values_list("pk", statuses)
    return {pk: PortalStatus(status) for pk, status in found}
