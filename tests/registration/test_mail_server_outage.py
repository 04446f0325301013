"""The mail server is down from 12 to 1: messages wait, pages show it, and then each is accepted exactly once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from notifications import delivery
from notifications.models import Content, OutgoingMessage
from patients.models import Patient
from portal import audit
from portal.models import Practice
from tests import factories
from tests.registration.desk.register_form import typed, window
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State
DOWN = "The mail server could not be reached, or it closed the connection."


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(11), tick=False) as clock:
        yield clock


def register(desk: Client, practice: Practice, number: int) -> Patient:
    patient = factories.a_patient(practice, f"Child{number}", mrn=f"MG-{number}")
    mother = factories.a_contact(patient, f"Mother{number}", email=f"mother{number}@families.example", phone="")
    response = desk.post(window(patient), typed(mother, email=mother.email))
    assert f"mother{number}@families.example</strong> is on its way" in response.content.decode()
    return patient


def page(desk: Client, address: str) -> str:
    return desk.get(address).content.decode()


def work_until(end: datetime, clock: time_machine.Traveller) -> None:
    """Run the worker until `end`, at each time a message is due."""
    due = OutgoingMessage.objects.filter(due_at__lte=end).order_by("due_at").values_list("due_at", flat=True)
    while (soonest := due.first()) is not None:
        clock.move_to(max(soonest, datetime.now(UTC)))
        delivery.run(stop=threading.Event(), once=True)
    clock.move_to(end)
    delivery.run(stop=threading.Event(), once=True)


@pytest.mark.slow
def test_messages_wait_during_an_outage_and_are_then_sent_once(
    desk: Client, practice: Practice, mail_server: MailServer, clock: time_machine.Traveller
) -> None:
    early = register(desk, practice, 0)
    work_until(at(11, 30), clock)

    mail_server.stop()
    clock.move_to(at(12))
    desk.force_login(factories.a_member(practice, email="noon@maplegrove.example"))
    waiting = [register(desk, practice, number) for number in range(1, 4)]
    work_until(at(12, 20), clock)
    for patient in waiting:
        account = page(desk, patient.get_absolute_url())
        assert "Waiting to try again" in account
        assert f"{DOWN} 6 attempts so far. Next attempt at" in account
        assert "Accepted" not in account
    dashboard = page(desk, "/")
    assert dashboard.count("Message delayed") == len(waiting)
    assert DOWN in dashboard
    assert "Accepted" in page(desk, early.get_absolute_url())
    work_until(at(13), clock)
    assert OutgoingMessage.objects.filter(state=State.QUEUED).count() == Content.objects.count() == len(waiting)

    mail_server.start()
    work_until(at(14), clock)
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    assert not Content.objects.exists()
    assert sorted(mail["To"] for mail in mail_server.received) == [f"mother{n}@families.example" for n in range(4)]
    assert len(set(mail_server.message_ids)) == 4
    desk.force_login(factories.a_member(practice, email="afternoon@maplegrove.example"))
    for patient in waiting:
        assert "Waiting to try again" not in page(desk, patient.get_absolute_url())
        assert "Accepted" in page(desk, patient.get_absolute_url())
    assert "Message delayed" not in page(desk, "/")
    assert audit.verify() == []
