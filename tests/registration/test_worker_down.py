"""The worker is not running: the desk is told before it promises a message, and stops being told when it runs again."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import delivery, worker_heartbeat
from notifications.models import WorkerHeartbeat
from patients.models import Contact, Patient
from registration.models import Registration
from tests.registration.desk.test_register_views import typed, window
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db

TOLD = "Messages wait: nothing is being sent right now."
LATER = worker_heartbeat.MISSED_AFTER + timedelta(seconds=1)


def says_so(desk: Client, path: str) -> bool:
    response = desk.get(path)
    assert response.status_code == 200
    return TOLD in response.content.decode()


def test_the_desk_is_told_where_a_message_could_wait(desk: Client, patient: Patient, mother: Contact) -> None:
    delivery.run(stop=threading.Event(), once=True)
    with time_machine.travel(timezone.now() + worker_heartbeat.MISSED_AFTER - timedelta(seconds=60)):
        assert not says_so(desk, "/")
        assert not says_so(desk, window(patient))
    with time_machine.travel(timezone.now() + LATER):
        assert says_so(desk, "/")
        assert says_so(desk, window(patient))
        assert says_so(desk, f"/patients/{patient.pk}/proxy/")
        assert TOLD in desk.post(window(patient), typed(mother, email="")).content.decode()
        completed = desk.post(window(patient), typed(mother)).content.decode()
        assert "Registration PIN" in completed
        assert TOLD in completed
        again = f"/registrations/{Registration.objects.get().pk}/send-again/"
        assert says_so(desk, again)


def test_a_pin_that_is_told_in_person_waits_for_nobody(desk: Client, patient: Patient, mother: Contact) -> None:
    with time_machine.travel(timezone.now() + LATER):
        completed = desk.post(window(patient), typed(mother, delivery="none")).content.decode()
    assert "Registration PIN" in completed
    assert TOLD not in completed


def test_it_is_over_as_soon_as_a_worker_runs(desk: Client, mail_server: MailServer) -> None:
    with time_machine.travel(timezone.now() + LATER):
        assert says_so(desk, "/")
        delivery.run(stop=threading.Event(), once=True)
        assert not says_so(desk, "/")


def test_whoever_installs_or_updates_is_given_the_time_to_start_a_worker(desk: Client) -> None:
    """`manage.py serve` migrates before it starts the worker: after a pause nothing flashes at the first desk."""
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        call_command("migrate", verbosity=0)
        assert not says_so(desk, "/")
    with time_machine.travel(timezone.now() + timedelta(minutes=20) + LATER):
        assert says_so(desk, "/")


def test_a_worker_that_was_never_seen_is_written_down_once(db: None) -> None:
    WorkerHeartbeat.objects.all().delete()
    assert not worker_heartbeat.is_missed(), "nobody knows anything yet"
    worker_heartbeat.beat()
    worker_heartbeat.beat()
    assert WorkerHeartbeat.objects.count() == 1


def test_a_worker_that_waits_goes_on_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quarter of a minute by quarter of a minute, and not with each message."""
    stop = threading.Event()
    beats: list[object] = []
    with time_machine.travel("2027-01-04T12:00:00Z", tick=False) as clock:
        monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: timezone.now().timestamp()))

        def wait(_seconds: float) -> bool:
            beats.append(WorkerHeartbeat.objects.get().at)
            clock.shift(timedelta(seconds=5))
            if len(beats) == 7:
                stop.set()
            return stop.is_set()

        stop.wait = wait  # type: ignore[method-assign,assignment]
        delivery.run(stop=stop)
    assert len(beats) == 7
    assert len(set(beats)) == 3  # at 0, 15 and 30 seconds


def test_to_ask_costs_one_row(db: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        worker_heartbeat.is_missed()
    assert len(queries) == 1
