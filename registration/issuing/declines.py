"""Record and undo declines. While a decline is open, nothing is sent to the family."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from registration.access import portal_status
from registration.issuing import lifecycle
from registration.models import Decline, EndCode, Registration
from registration.values import Refused


@transaction.atomic
def decline(patient: Patient, *, reason: str, ask_again_on: date | None, actor: Actor) -> Decline:
    """Record the decline, and revoke every registration of the patient that can still be claimed.

    Raises Refused if someone has access to the record, or if a decline is already on record.
    """
    by = actor.require_user()
    registrations = _lock_unfinished(patient)
    if patient.associations.live().exists():
        raise Refused("Someone has access to this record. Remove that access first.")
    try:
        with transaction.atomic():
            row = Decline.objects.create(patient=patient, reason=reason, ask_again_on=ask_again_on, by=by)
    except IntegrityError:
        raise Refused("A decline is already on record.") from None
    _refresh(patient)
    for registration in registrations:
        lifecycle.revoke(registration, reason=EndCode.DECLINED, actor=actor)
    details = {"reason": reason, "ask_again_on": ask_again_on.isoformat() if ask_again_on else ""}
    audit.record(Action.DECLINED, actor=actor, practice=patient.practice, patient=patient.pk, details=details)
    return row


@transaction.atomic
def undo(row: Decline, *, actor: Actor) -> bool:
    """End the decline. Return False if the decline had already ended."""
    by = actor.require_user()
    patient = row.patient
    portal_status.lock(patient.practice, [patient])
    if not Decline.objects.live().filter(pk=row.pk).update(ended_at=timezone.now(), ended_by=by):
        return False
    _refresh(patient)
    audit.record(Action.DECLINE_UNDONE, actor=actor, practice=patient.practice, patient=patient.pk)
    return True


def _lock_unfinished(patient: Patient) -> list[Registration]:
    """Lock and return the patient's registrations that can still be claimed, with their patients and messages.

    Everything is locked up front, in the usual lock order. Revoking them one by one would mean waiting for a message's
    lock while holding the audit trail's, which the delivery worker takes last.
    """
    unfinished = Registration.objects.unfinished().filter(patients=patient)
    portal_status.lock(patient.practice, [patient, *portal_status.covered_by(unfinished.values_list("pk", flat=True))])
    registrations = list(unfinished.select_for_update(of=("self",)).select_related("practice").order_by("pk"))
    messages = OutgoingMessage.objects.filter(registration__in=registrations)
    list(messages.select_for_update(of=("self",)).order_by("pk"))
    return registrations


def _refresh(patient: Patient) -> None:
    portal_status.refresh(list(Patient.objects.filter(pk=patient.pk)))
