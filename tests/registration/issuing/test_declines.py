"""Families that do not want the portal."""

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


def test_a_family_that_declines_is_left_alone(patient: Patient, actor: Actor) -> None:
    row = decline(patient, actor)
    assert (row.by, row.ask_again_on) == (actor.user, SPRING)
    assert status(patient) == PortalStatus.DECLINED
    line = AuditEvent.objects.get()
    assert (line.action, line.details["ask_again_on"]) == ("declined", "2027-04-01")


def test_what_is_out_is_revoked_and_what_is_queued_taken_back(
    patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    issue_registration(patient, father, actor=actor, delivery=ByEmail(father.email))
    decline(patient, actor)
    assert set(Registration.objects.values_list("state", flat=True)) == {"revoked"}
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"cancelled"}
    assert status(patient) == PortalStatus.DECLINED
    assert not audit.verify()


def test_while_somebody_has_access_it_is_refused_and_nothing_is_revoked(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    an_association(an_account(), patient)
    with pytest.raises(Refused, match="has access"):
        decline(patient, actor)
    assert Registration.objects.get().is_live
    assert not Decline.objects.exists()


def test_it_is_written_down_once(patient: Patient, actor: Actor) -> None:
    decline(patient, actor)
    with pytest.raises(Refused, match="already"):
        decline(patient, actor)


def test_it_can_be_taken_back(patient: Patient, actor: Actor) -> None:
    row = decline(patient, actor)
    assert declines.undo(row, actor=actor)
    assert not declines.undo(row, actor=actor)
    assert status(patient) == PortalStatus.UNREGISTERED
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == ["declined", "decline_undone"]
    decline(patient, actor)
    assert status(patient) == PortalStatus.DECLINED


def test_only_a_person_writes_it_down(patient: Patient) -> None:
    with pytest.raises(PermissionError):
        decline(patient, audit.CLOCK)


@pytest.mark.django_db(transaction=True)
def test_two_desks_write_it_down_once(patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    results = run_concurrently(*[lambda: decline(Patient.objects.get(), actor)] * 5)
    assert sum(isinstance(each, Decline) for each in results) == 1
    assert sum(isinstance(each, Refused) for each in results) == 4
    assert AuditEvent.objects.filter(action="registration_revoked").count() == 1
