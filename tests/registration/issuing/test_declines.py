"""Families that decline the portal."""

from datetime import date

import pytest

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent
from registration.issuing import declines
from registration.models import Decline, Registration
from registration.values import ByEmail, Refused
from tests.concurrency import run_concurrently
from tests.factories import an_account, an_association, issue_registration

SPRING = date(2027, 4, 1)


def decline(patient: Patient, actor: Actor) -> Decline:
    return declines.decline(patient, reason="Prefers the phone.", ask_again_on=SPRING, actor=actor)


def status(patient: Patient) -> str:
    return Patient.objects.get(pk=patient.pk).portal_status


def test_declined_patient_has_status_declined(patient: Patient, actor: Actor) -> None:
    row = decline(patient, actor)
    assert (row.by, row.ask_again_on) == (actor.user, SPRING)
    assert status(patient) == PortalStatus.DECLINED
    line = AuditEvent.objects.get()
    assert (line.action, line.details["ask_again_on"]) == ("declined", "2027-04-01")


def test_decline_revokes_open_pins_and_cancels_queued_messages(
    patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    issue_registration(patient, father, actor=actor, delivery=ByEmail(father.email))
    decline(patient, actor)
    assert set(Registration.objects.values_list("state", flat=True)) == {"revoked"}
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"cancelled"}
    assert status(patient) == PortalStatus.DECLINED
    assert not audit.verify()


def test_decline_is_refused_while_someone_has_access(patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    an_association(an_account(), patient)
    with pytest.raises(Refused, match="has access"):
        decline(patient, actor)
    assert Registration.objects.get().is_live
    assert not Decline.objects.exists()


def test_second_decline_is_refused(patient: Patient, actor: Actor) -> None:
    decline(patient, actor)
    with pytest.raises(Refused, match="already"):
        decline(patient, actor)


def test_undone_decline_restores_the_status(patient: Patient, actor: Actor) -> None:
    row = decline(patient, actor)
    assert declines.undo(row, actor=actor)
    assert not declines.undo(row, actor=actor)
    assert status(patient) == PortalStatus.UNREGISTERED
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == ["declined", "decline_undone"]
    decline(patient, actor)
    assert status(patient) == PortalStatus.DECLINED


def test_decline_needs_a_person(patient: Patient) -> None:
    with pytest.raises(PermissionError):
        decline(patient, audit.CLOCK)


@pytest.mark.django_db(transaction=True)
def test_concurrent_declines_are_recorded_once(patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    results = run_concurrently(*[lambda: decline(Patient.objects.get(), actor)] * 5)
    assert sum(isinstance(result, Decline) for result in results) == 1
    assert sum(isinstance(result, Refused) for result in results) == 4
    assert AuditEvent.objects.filter(action="registration_revoked").count() == 1
