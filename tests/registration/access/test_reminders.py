"""Who has access until a day hears of it 14 and 3 days before."""

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
OPENING = datetime(2026, 11, 30, 14, tzinfo=UTC)  # eight in the morning of the last day


@pytest.fixture
def proxy(patient: Patient) -> Association:
    fields = {"relationship": "other", "authorization": "Consent of June 1", "ends_at": END}
    return an_association(an_account(), patient, since=END - timedelta(days=200), **fields)


def on(days_before: int) -> int:
    """How many letters there are after the clock was there so many days before the last one."""
    with time_machine.travel(OPENING - timedelta(days=days_before), tick=False):
        reminders.send_due()
        reminders.send_due()
    return OutgoingMessage.objects.count()


def test_it_is_told_twice_and_no_more(proxy: Association) -> None:
    told = [on(days) for days in (15, 14, 13, 4, 3, 2, 1, 0)]
    assert told == [0, 1, 1, 1, 2, 2, 2, 2]
    assert [each.action for each in AuditEvent.objects.all()] == ["reminded", "reminded"]
    assert AuditEvent.objects.all()[0].details["on"] == "2026-11-30"


def test_who_asked_for_nothing_more_is_not_said_to_be_reminded(proxy: Association) -> None:
    SuppressedAddress.objects.create(
        practice=proxy.patient.practice, channel=Channel.EMAIL, address=proxy.account.email, by_name="Dana"
    )
    on(days_before=14)
    assert not AuditEvent.objects.filter(action="reminded").exists()


def test_a_clock_that_goes_back_tells_nothing_again(proxy: Association) -> None:
    assert [on(days) for days in (14, 20, 14, 3, 14, 3)] == [1, 1, 1, 2, 2, 2]


def test_a_worker_that_slept_tells_it_once(proxy: Association) -> None:
    assert [on(days) for days in (2, 1)] == [1, 1]


def test_whoever_got_access_for_a_week_hears_of_it_near_its_end(proxy: Association) -> None:
    Association.objects.update(since=OPENING - timedelta(days=7))
    assert [on(days) for days in (7, 5, 3)] == [0, 0, 1]


def test_access_without_an_end_is_not_reminded(patient: Patient) -> None:
    an_association(an_account(), patient)
    assert on(3) == 0


def test_who_was_just_told_of_a_removal_is_reminded_when_it_is_near(proxy: Association, actor: Actor) -> None:
    Association.objects.update(ends_at=None)
    with time_machine.travel(OPENING - timedelta(days=10), tick=False):
        associations.remove(Association.objects.get(), reason="It was agreed.", on=LAST, actor=actor)
    assert [on(days) for days in (10, 9, 3)] == [1, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_several_workers_remind_once(proxy: Association) -> None:
    Association.objects.update(ends_at=datetime.now(UTC) + timedelta(days=2, hours=1))
    assert run_concurrently(*[reminders.send_due] * 4) == [None] * 4
    assert OutgoingMessage.objects.count() == 1
