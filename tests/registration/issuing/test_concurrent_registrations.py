"""Many at the same moment: one registration, nothing half done, nobody waiting for ever."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from notifications import delivery
from notifications.models import Content, OutgoingMessage
from patients.models import Contact, Patient
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.access import portal_status
from registration.issuing import lifecycle, pin_display
from registration.issuing import registrations as issuing
from registration.models import Registration
from registration.values import ByEmail
from tests import factories
from tests.concurrency import run_concurrently as begun_at_once
from tests.factories import SESSION_KEY, issue_registration
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each deed gave back, all begun at the same moment; a fault of one is the test's fault."""
    results = begun_at_once(*actions)
    faults = [result for result in results if isinstance(result, Exception)]
    assert not faults, faults
    return results


def test_eight_clicks_are_one_registration(patient: Patient, mother: Contact, actor: Actor) -> None:
    window = uuid.uuid4()
    registrations = at_once(
        *[lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email), form_token=window)]
        * 8
    )
    assert len({each.pk for each in registrations}) == 1
    assert Registration.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.filter(action="registration_issued").count() == 1
    assert pin_display.find_pin(registrations[0], session_key=SESSION_KEY) is not None


def test_eight_desks_leave_one_live_pin_for_a_recipient(patient: Patient, mother: Contact, actor: Actor) -> None:
    at_once(*[lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))] * 8)
    assert patient.registrations.live().count() == 1
    assert Registration.objects.filter(state=Registration.State.SUPERSEDED).count() == 7
    assert OutgoingMessage.objects.filter(state=OutgoingMessage.State.CANCELLED).count() == 7
    assert Content.objects.count() == 1
    patient.refresh_from_db()
    assert patient.portal_status == "pending"
    assert audit.verify() == []


def test_desks_workers_and_the_clock_do_not_wait_in_a_ring(
    patient: Patient, mother: Contact, father: Contact, actor: Actor, mail_server: MailServer
) -> None:
    def desk(contact: Contact) -> None:
        for _ in range(5):
            registration = issue_registration(patient, contact, actor=actor, delivery=ByEmail(contact.email))
            lifecycle.revoke(registration, reason="mistake", actor=actor)

    def worker() -> None:
        for _ in range(5):
            delivery.run(stop=threading.Event(), once=True)

    def clock() -> None:
        for _ in range(5):
            lifecycle.expire_due()
            lifecycle.revoke_ineligible()

    at_once(lambda: desk(mother), lambda: desk(father), worker, worker, clock)
    worker()
    assert not patient.registrations.live().exists()
    assert not OutgoingMessage.objects.filter(state__in=OutgoingMessage.UNFINISHED).exists()
    assert not Content.objects.exists()
    assert len(set(mail_server.message_ids)) == len(mail_server.message_ids)
    assert audit.verify() == []
    patient.refresh_from_db()
    assert patient.portal_status == "unregistered"


def test_a_family_that_is_registered_from_two_childrens_pages(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    """What one desk issues for both is superseded by what the other issues for one, whoever comes first; no status is left."""
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    hers = factories.a_contact(mateo)
    both = [patient, mateo]
    for _ in range(4):
        at_once(
            lambda: issue_registration([patient, mateo], mother, actor=actor, delivery=ByEmail(mother.email)),
            lambda: issue_registration(mateo, hers, actor=actor, delivery=ByEmail(hers.email)),
            lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email)),
        )
        for each in both:
            each.refresh_from_db()
            assert each.registrations.live().count() <= 1
            assert each.portal_status == portal_status.status_of(each)
    assert audit.verify() == []


def test_eight_clicks_send_again_once(patient: Patient, mother: Contact, actor: Actor, mail_server: MailServer) -> None:
    first = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    again = at_once(
        *[lambda: issuing.send_again(Registration.objects.get(pk=first.pk), session_key=SESSION_KEY, actor=actor)] * 8
    )
    assert len({each.pk for each in again}) == 1
    assert OutgoingMessage.objects.count() == 2
    assert set(patient.registrations.live()) == {first, again[0]}
