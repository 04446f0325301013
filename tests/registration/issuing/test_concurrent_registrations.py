"""Concurrent requests create one registration, leave nothing half done, and don't deadlock."""

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
from tests.concurrency import run_concurrently
from tests.factories import SESSION_KEY, issue_registration
from tests.smtp import MailServer

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def run_without_errors(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions concurrently and return their results. Fails if one of them raises."""
    results = run_concurrently(*actions)
    errors = [result for result in results if isinstance(result, Exception)]
    assert not errors, errors
    return results


def test_eight_clicks_create_one_registration(patient: Patient, mother: Contact, actor: Actor) -> None:
    window = uuid.uuid4()
    registrations = run_without_errors(
        *[lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email), form_token=window)]
        * 8
    )
    assert len({registration.pk for registration in registrations}) == 1
    assert Registration.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.filter(action="registration_issued").count() == 1
    assert pin_display.find_pin(registrations[0], session_key=SESSION_KEY) is not None


def test_eight_desks_leave_one_live_pin_per_recipient(patient: Patient, mother: Contact, actor: Actor) -> None:
    run_without_errors(*[lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))] * 8)
    assert patient.registrations.live().count() == 1
    assert Registration.objects.filter(state=Registration.State.SUPERSEDED).count() == 7
    assert OutgoingMessage.objects.filter(state=OutgoingMessage.State.CANCELLED).count() == 7
    assert Content.objects.count() == 1
    patient.refresh_from_db()
    assert patient.portal_status == "pending"
    assert audit.verify() == []


def test_desks_workers_and_clock_do_not_deadlock(
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

    run_without_errors(lambda: desk(mother), lambda: desk(father), worker, worker, clock)
    worker()
    assert not patient.registrations.live().exists()
    assert not OutgoingMessage.objects.filter(state__in=OutgoingMessage.UNFINISHED).exists()
    assert not Content.objects.exists()
    assert len(set(mail_server.message_ids)) == len(mail_server.message_ids)
    assert audit.verify() == []
    patient.refresh_from_db()
    assert patient.portal_status == "unregistered"


def test_family_registered_from_two_children_pages_keeps_one_pin_each(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    """One desk registers both children, another registers one of them. The later one supersedes; statuses stay correct."""
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    hers = factories.a_contact(mateo)
    both = [patient, mateo]
    for _ in range(4):
        run_without_errors(
            lambda: issue_registration([patient, mateo], mother, actor=actor, delivery=ByEmail(mother.email)),
            lambda: issue_registration(mateo, hers, actor=actor, delivery=ByEmail(hers.email)),
            lambda: issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email)),
        )
        for child in both:
            child.refresh_from_db()
            assert child.registrations.live().count() <= 1
            assert child.portal_status == portal_status.status_of(child)
    assert audit.verify() == []


def test_eight_clicks_send_again_once(patient: Patient, mother: Contact, actor: Actor, mail_server: MailServer) -> None:
    first = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    again = run_without_errors(
        *[lambda: issuing.send_again(Registration.objects.get(pk=first.pk), session_key=SESSION_KEY, actor=actor)] * 8
    )
    assert len({registration.pk for registration in again}) == 1
    assert OutgoingMessage.objects.count() == 2
    assert set(patient.registrations.live()) == {first, again[0]}
