"""Reminders 14 and 3 days before access ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from notifications.models import Channel, OutgoingMessage, SuppressedAddress
from patients.models import Patient
from portal.audit import Actor
from portal.models import AuditEvent
from registration.access import associations, reminders
from registration.models import Association
from tests.concurrency import run_concurrently
from tests.factories import an_account, an_association

LAST = date(2026, 11, 30)
END = datetime(2026, 12, 1, 6, tzinfo=UTC)  # midnight in Maple Grove
OPENING = datetime(2026, 11, 30, 14, tzinfo=UTC)  # 8 AM on the last day


@pytest.fixture
def proxy(patient: Patient) -> Association:
    fields = {"relationship": "other", "authorization": "Consent of June 1", "ends_at": END}
    return an_association(an_account(), patient, since=END - timedelta(days=200), **fields)


def messages_sent(*, days_before: int) -> int:
    """Return the number of messages after the job has run this many days before the last day."""
    with time_machine.travel(OPENING - timedelta(days=days_before), tick=False):
        reminders.send_due()
        reminders.send_due()
    return OutgoingMessage.objects.count()


def test_two_reminders_are_sent(proxy: Association) -> None:
    counts = [messages_sent(days_before=days) for days in (15, 14, 13, 4, 3, 2, 1, 0)]
    assert counts == [0, 1, 1, 1, 2, 2, 2, 2]
    assert [event.action for event in AuditEvent.objects.all()] == ["reminded", "reminded"]
    assert AuditEvent.objects.all()[0].details["on"] == "2026-11-30"


def test_suppressed_address_is_not_recorded_as_reminded(proxy: Association) -> None:
    SuppressedAddress.objects.create(
        practice=proxy.patient.practice, channel=Channel.EMAIL, address=proxy.account.email, by_name="Dana"
    )
    messages_sent(days_before=14)
    assert not AuditEvent.objects.filter(action="reminded").exists()


def test_reminders_are_not_repeated_if_the_clock_goes_back(proxy: Association) -> None:
    assert [messages_sent(days_before=days) for days in (14, 20, 14, 3, 14, 3)] == [1, 1, 1, 2, 2, 2]


def test_late_worker_sends_one_reminder(proxy: Association) -> None:
    assert [messages_sent(days_before=days) for days in (2, 1)] == [1, 1]


def test_access_for_a_week_is_reminded_only_near_its_end(proxy: Association) -> None:
    Association.objects.update(since=OPENING - timedelta(days=7))
    assert [messages_sent(days_before=days) for days in (7, 5, 3)] == [0, 0, 1]


def test_access_without_end_is_not_reminded(patient: Patient) -> None:
    an_association(an_account(), patient)
    assert messages_sent(days_before=3) == 0


def test_scheduled_removal_is_reminded_when_it_is_near(proxy: Association, actor: Actor) -> None:
    Association.objects.update(ends_at=None)
    with time_machine.travel(OPENING - timedelta(days=10), tick=False):
        associations.remove(Association.objects.get(), reason="It was agreed.", on=LAST, actor=actor)
    assert [messages_sent(days_before=days) for days in (10, 9, 3)] == [1, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_remind_once(proxy: Association) -> None:
    Association.objects.update(ends_at=datetime.now(UTC) + timedelta(days=2, hours=1))
    assert run_concurrently(*[reminders.send_due] * 4) == [None] * 4
    assert OutgoingMessage.objects.count() == 1
