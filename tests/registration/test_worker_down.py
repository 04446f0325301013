"""No worker is running: staff see a warning until a worker runs again."""

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
from tests.registration.desk.register_form import typed, window
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db

WARNING = "Messages are not being sent right now."
LATER = worker_heartbeat.MISSED_AFTER + timedelta(seconds=1)


def shows_warning(desk: Client, path: str) -> bool:
    response = desk.get(path)
    assert response.status_code == 200
    return WARNING in response.content.decode()


def test_pages_that_send_messages_show_the_warning(desk: Client, patient: Patient, mother: Contact) -> None:
    delivery.run(stop=threading.Event(), once=True)
    with time_machine.travel(timezone.now() + worker_heartbeat.MISSED_AFTER - timedelta(seconds=60)):
        assert not shows_warning(desk, "/")
        assert not shows_warning(desk, window(patient))
    with time_machine.travel(timezone.now() + LATER):
        assert shows_warning(desk, "/")
        assert shows_warning(desk, window(patient))
        assert shows_warning(desk, f"/patients/{patient.pk}/proxy/")
        assert WARNING in desk.post(window(patient), typed(mother, email="")).content.decode()
        completed = desk.post(window(patient), typed(mother)).content.decode()
        assert "Registration PIN" in completed
        assert WARNING in completed
        again = f"/registrations/{Registration.objects.get().pk}/send-again/"
        assert shows_warning(desk, again)


def test_pin_given_in_person_shows_no_warning(desk: Client, patient: Patient, mother: Contact) -> None:
    with time_machine.travel(timezone.now() + LATER):
        completed = desk.post(window(patient), typed(mother, delivery="none")).content.decode()
    assert "Registration PIN" in completed
    assert WARNING not in completed


def test_warning_disappears_when_a_worker_runs(desk: Client, mail_server: MailServer) -> None:
    with time_machine.travel(timezone.now() + LATER):
        assert shows_warning(desk, "/")
        delivery.run(stop=threading.Event(), once=True)
        assert not shows_warning(desk, "/")


def test_migration_delays_the_warning_until_a_worker_could_start(desk: Client) -> None:
    """`manage.py serve` migrates before it starts the worker, so no warning flashes after a break."""
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        call_command("migrate", verbosity=0)
        assert not shows_warning(desk, "/")
    with time_machine.travel(timezone.now() + timedelta(minutes=20) + LATER):
        assert shows_warning(desk, "/")


def test_first_heartbeat_creates_a_single_row(db: None) -> None:
    WorkerHeartbeat.objects.all().delete()
    assert not worker_heartbeat.is_missed(), "no worker was ever recorded"
    worker_heartbeat.beat()
    worker_heartbeat.beat()
    assert WorkerHeartbeat.objects.count() == 1


def test_idle_worker_keeps_recording_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """One every 15 seconds, not one per message."""
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


def test_missed_heartbeat_check_takes_one_query(db: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        worker_heartbeat.is_missed()
    assert len(queries) == 1
