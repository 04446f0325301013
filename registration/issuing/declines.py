"""The family does not want the portal: nothing is sent to it until somebody takes that back."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from registration.access import portal_status
from registration.issuing import lifecycle
from registration.models import Decline, Registration
from registration.values import Refused


@transaction.atomic
def decline(patient: Patient, *, reason: str, ask_again_on: date | None, actor: Actor) -> Decline:
    """Writes it down and revokes whatever may still be claimed for the patient. Raises Refused while somebody has access."""
    by = actor.require_user()
    registrations = _lock_unfinished(patient)
    if patient.associations.live().exists():
        raise Refused("Somebody has access to this record. Remove the access first.")
    try:
        with transaction.atomic():
            row = Decline.objects.create(patient=patient, reason=reason, ask_again_on=ask_again_on, by=by)
    except IntegrityError:
        raise Refused("That the family declines is written down already.") from None
    _refresh(patient)
    for registration in registrations:
        lifecycle.revoke(registration, reason="The family declined the portal.", actor=actor)
    details = {"reason": reason, "ask_again_on": ask_again_on.isoformat() if ask_again_on else ""}
    audit.record(Action.DECLINED, actor=actor, practice=patient.practice, patient=patient.pk, details=details)
    return row


@transaction.atomic
def undo(row: Decline, *, actor: Actor) -> bool:
    """The family may be asked again. False where that was so already."""
    by = actor.require_user()
    patient = row.patient
    portal_status.lock(patient.practice, [patient])
    if not Decline.objects.live().filter(pk=row.pk).update(ended_at=timezone.now(), ended_by=by):
        return False
    _refresh(patient)
    audit.record(Action.DECLINE_UNDONE, actor=actor, practice=patient.practice, patient=patient.pk)
    return True


def _lock_unfinished(patient: Patient) -> list[Registration]:
    """What may still be claimed for the patient. All that revoking it touches is locked first, in the one order.

    Revoking one after the other would wait for a message while it holds the audit trail, which a worker takes last.
    """
    unfinished = Registration.objects.unfinished().filter(patients=patient)
    portal_status.lock(patient.practice, [patient, *portal_status.covered_by(unfinished.values_list("pk", flat=True))])
    registrations = list(unfinished.select_for_update(of=("self",)).select_related("practice").order_by("pk"))
    messages = OutgoingMessage.objects.filter(registration__in=registrations)
    list(messages.select_for_update(of=("self",)).order_by("pk"))
    return registrations


def _refresh(patient: Patient) -> None:
    portal_status.refresh(list(Patient.objects.filter(pk=patient.pk)))
