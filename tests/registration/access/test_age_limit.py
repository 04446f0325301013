"""The minor age limit: it is applied once, even if the clock is changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from notifications.models import Channel, OutgoingMessage, SuppressedAddress
from patients.dates import age
from patients.models import Patient, PortalStatus
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.access import age_limit, associations
from registration.models import Association
from tests import factories
from tests.concurrency import run_concurrently
from tests.factories import an_account, an_association

BIRTHDAY = datetime(2026, 11, 24, 6, tzinfo=UTC)  # the start of November 24 in Maple Grove


@pytest.fixture
def teen(practice: Practice) -> Patient:
    return factories.a_patient(practice, "Mateo", birth_date=date(2008, 11, 24))


@pytest.fixture
def association(teen: Patient) -> Association:
    return an_association(an_account(), teen, since=BIRTHDAY - timedelta(days=900))


def at(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


def run_jobs() -> None:
    age_limit.send_advance_notices()
    age_limit.apply_age_limit()


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def set_limit(practice: Practice, action: str) -> None:
    practice.at_minor_age_limit = action
    practice.save()


def test_access_ends_on_the_birthday_and_the_parent_is_notified(association: Association, teen: Patient) -> None:
    with at(BIRTHDAY - timedelta(seconds=1)):
        age_limit.apply_age_limit()
        assert Association.objects.live().exists()
    with at(BIRTHDAY):
        age_limit.apply_age_limit()
    association.refresh_from_db()
    assert (association.ending, association.ended_at, association.ended_by) == ("age", BIRTHDAY, None)
    assert Patient.objects.get().portal_status == PortalStatus.UNREGISTERED
    assert actions() == ["access_ended"]
    assert AuditEvent.objects.get().actor_name == "clock"
    assert OutgoingMessage.objects.count() == 1
    assert not audit.verify()


def test_parent_is_notified_once_thirty_days_before(association: Association) -> None:
    with at(BIRTHDAY - timedelta(days=30, hours=2)):  # Daylight saving time applies in October.
        run_jobs()
    assert actions() == []
    for days in (30, 30, 12, 1):
        with at(BIRTHDAY - timedelta(days=days)):
            run_jobs()
    assert actions() == ["told_of_age_limit"]
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.get().details["on"] == "2026-11-24"


def test_suppressed_address_is_not_recorded_as_notified(association: Association, practice: Practice) -> None:
    stopped = SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address=association.account.email, by_name="Dana"
    )
    with at(BIRTHDAY - timedelta(days=20)):
        run_jobs()
        association.refresh_from_db()
        assert (actions(), association.age_limit_notice_sent) == ([], False)
        stopped.delete()
        run_jobs()
    assert actions() == ["told_of_age_limit"]


def test_access_becomes_limited_if_the_practice_chose_that(association: Association, practice: Practice) -> None:
    set_limit(practice, "limited")
    with at(BIRTHDAY):
        run_jobs()
        run_jobs()
        association.refresh_from_db()
        assert association.is_live
    assert association.level == "limited"
    assert Patient.objects.get().portal_status == PortalStatus.REGISTERED
    assert actions() == ["access_limited"]


def test_access_needs_renewal_if_the_practice_chose_that(
    association: Association, practice: Practice, actor: Actor
) -> None:
    set_limit(practice, "renewal")
    with at(BIRTHDAY):
        run_jobs()
        association.refresh_from_db()
        assert association.ending == Association.Ending.RENEWAL
        assert association.get_ending_display().startswith("Needs renewal")
        associations.restore(association, reason="Mateo signed the consent.", actor=actor)
        run_jobs()
    association.refresh_from_db()
    assert association.is_live
    assert actions() == ["access_ended", "access_restored"]


def test_limit_is_applied_once_if_the_clock_jumps(association: Association, actor: Actor) -> None:
    for days in (0, -40, -10, 0, 400, -40, 1):
        with at(BIRTHDAY + timedelta(days=days)):
            run_jobs()
    assert actions() == ["access_ended"]
    with at(BIRTHDAY + timedelta(days=2)):
        associations.restore(Association.objects.get(), reason="With Mateo’s permission.", actor=actor)
    for days in (3, -5, 0, 700):
        with at(BIRTHDAY + timedelta(days=days)):
            run_jobs()
    assert Association.objects.live().exists()
    assert actions() == ["access_ended", "access_restored"]


def test_own_access_of_the_patient_is_kept(teen: Patient) -> None:
    an_association(an_account("mateo@families.example", "Mateo"), teen, relationship="self")
    with at(BIRTHDAY - timedelta(days=3)):
        run_jobs()
    with at(BIRTHDAY):
        run_jobs()
    assert Association.objects.live().exists()
    assert actions() == []


def test_access_granted_after_the_limit_is_kept(teen: Patient) -> None:
    an_association(an_account(), teen, past_age_limit=True)
    with at(BIRTHDAY + timedelta(days=1)):
        run_jobs()
    assert Association.objects.live().exists()


def test_birthday_is_in_the_time_zone_of_the_practice(association: Association, practice: Practice) -> None:
    practice.time_zone = "Pacific/Kiritimati"  # 20 hours ahead of Maple Grove
    practice.save()
    with at(BIRTHDAY - timedelta(hours=20, seconds=1)):
        run_jobs()
        assert Association.objects.live().exists()
    with at(BIRTHDAY - timedelta(hours=20)):
        run_jobs()
    assert not Association.objects.live().exists()


def test_leap_day_birthday_counts_from_march_first(practice: Practice) -> None:
    leaper = factories.a_patient(practice, "Ona", birth_date=date(2008, 2, 29))
    an_association(an_account(), leaper)
    with at(datetime(2026, 3, 1, 5, 59, tzinfo=UTC)):
        run_jobs()
        assert Association.objects.live().exists()
    with at(datetime(2026, 3, 1, 6, tzinfo=UTC)):
        run_jobs()
    assert not Association.objects.live().exists()


def test_each_practice_has_its_own_limit(association: Association, practice: Practice) -> None:
    practice.minor_age_limit = 21
    practice.save()
    with at(BIRTHDAY):
        run_jobs()
    assert Association.objects.live().exists()


def test_worklist_shows_the_next_ninety_days_in_order(association: Association, practice: Practice) -> None:
    sooner = factories.a_patient(practice, "Ana", birth_date=date(2008, 10, 1))
    for account in (an_account("a@families.example"), an_account("b@families.example")):
        an_association(account, sooner)
    an_association(an_account("c@families.example"), factories.a_patient(practice, "Late", birth_date=date(2009, 2, 1)))
    an_association(an_account("d@families.example"), factories.a_patient(practice, "Past", birth_date=date(2008, 1, 1)))
    with at(BIRTHDAY - timedelta(days=90)):
        found = list(age_limit.upcoming_birthdays(practice))
    assert [(row.patient.given_names, row.birthday, len(row.associations)) for row in found] == [
        ("Ana", date(2026, 10, 1), 2),
        ("Mateo", date(2026, 11, 24), 1),
    ]


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.integers(12, 25), st.integers(-400, 400))
def test_latest_birth_agrees_with_age(born: date, years: int, shift: int) -> None:
    birthday = age_limit.birthday(born, years)
    assert (age(born, on=birthday), age(born, on=birthday - timedelta(days=1))) == (years, years - 1)
    day = birthday + timedelta(days=shift)
    assert (born <= age_limit.latest_birth(day, years)) == (age(born, on=day) >= years)


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_apply_the_limit_once(practice: Practice) -> None:
    patients = [factories.a_patient(practice, f"Child {n}", birth_date=date(2000, 1, 1)) for n in range(4)]
    account = an_account()
    for patient in patients:
        an_association(account, patient)
    assert run_concurrently(*[age_limit.apply_age_limit] * 4) == [None] * 4
    assert actions() == ["access_ended"] * 4
    assert OutgoingMessage.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_notify_once(practice: Practice) -> None:
    now = datetime.now(UTC).date()
    soon = age_limit.latest_birth(now + timedelta(days=20), 18)
    an_association(an_account(), factories.a_patient(practice, birth_date=soon))
    assert run_concurrently(*[age_limit.send_advance_notices] * 4) == [None] * 4
    assert actions() == ["told_of_age_limit"]
