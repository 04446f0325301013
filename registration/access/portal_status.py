"""The portal status of patients, kept true by whatever happens to registrations, access, self-registrations and declines."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, Value, When

from patients.models import Patient, PortalStatus, set_portal_status
from portal.models import Practice
from registration.models import Association, Decline, Registration, SelfRegistration


def lock(practice: Practice, patients: Sequence[Patient]) -> list[Patient]:
    """These patients as they are now, held until the transaction ends; fewer where one is not there any more."""
    rows = Patient.objects.for_practice(practice).filter(pk__in=[patient.pk for patient in patients])
    return list(rows.select_for_update().order_by("pk"))


def covered_by(registrations: Iterable[UUID]) -> list[Patient]:
    """The patients of these registrations, found by the keys of both: what joins them, databases begin at the patients."""
    through = Registration.patients.through.objects.filter(registration__in=list(registrations))
    return list(Patient.objects.filter(pk__in=set(through.values_list("patient_id", flat=True))))


def refresh(patients: Sequence[Patient]) -> None:
    now = _derive([patient.pk for patient in patients])
    for patient in patients:
        set_portal_status(patient, now[patient.pk])


def status_of(patient: Patient) -> PortalStatus:
    return _derive([patient.pk])[patient.pk]


def _derive(patients: Sequence[UUID]) -> dict[UUID, PortalStatus]:
    """What follows from the facts. Somebody's access outweighs a PIN on its way, and that a match that waits."""
    this = {"patient": OuterRef("pk")}
    statuses = Case(
        When(Exists(Association.objects.filter(**this).live()), then=Value(PortalStatus.REGISTERED)),
        When(Exists(Registration.objects.filter(patients=OuterRef("pk")).live()), then=Value(PortalStatus.PENDING)),
        When(
            Exists(SelfRegistration.objects.filter(likely=OuterRef("pk")).waiting()),
            then=Value(PortalStatus.SELF_REGISTERED),
        ),
        When(Exists(Decline.objects.filter(**this).live()), then=Value(PortalStatus.DECLINED)),
        default=Value(PortalStatus.UNREGISTERED),
    )
    found = Patient.objects.filter(pk__in=patients).order_by().values_list("pk", statuses)
    return {pk: PortalStatus(status) for pk, status in found}
