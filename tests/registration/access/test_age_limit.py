"""The minor age limit: the birthday comes once, whatever the clock does."""

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

BIRTHDAY = datetime(2026, 11, 24, 6, tzinfo=UTC)  # the midnight with which November 24 begins in Maple Grove


@pytest.fixture
def teen(practice: Practice) -> Patient:
    return factories.a_patient(practice, "Mateo", birth_date=date(2008, 11, 24))


@pytest.fixture
def association(teen: Patient) -> Association:
    return an_association(an_account(), teen, since=BIRTHDAY - timedelta(days=900))


def at(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


def clock() -> None:
    age_limit.send_advance_notices()
    age_limit.apply_age_limit()


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def set_limit(practice: Practice, what: str) -> None:
    practice.at_minor_age_limit = what
    practice.save()


def test_on_the_birthday_access_ends_and_the_parent_is_told(association: Association, teen: Patient) -> None:
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


def test_the_parent_is_told_thirty_days_before_once(association: Association) -> None:
    with at(BIRTHDAY - timedelta(days=30, hours=2)):  # in October it is summer time there
        clock()
    assert actions() == []
    for days in (30, 30, 12, 1):
        with at(BIRTHDAY - timedelta(days=days)):
            clock()
    assert actions() == ["told_of_age_limit"]
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.get().details["on"] == "2026-11-24"


def test_who_asked_for_nothing_more_is_not_said_to_be_told(association: Association, practice: Practice) -> None:
    stopped = SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address=association.account.email, by_name="Dana"
    )
    with at(BIRTHDAY - timedelta(days=20)):
        clock()
        association.refresh_from_db()
        assert (actions(), association.age_limit_notice_sent) == ([], False)
        stopped.delete()
        clock()
    assert actions() == ["told_of_age_limit"]


def test_where_the_practice_says_so_access_becomes_limited(association: Association, practice: Practice) -> None:
    set_limit(practice, "limited")
    with at(BIRTHDAY):
        clock()
        clock()
        association.refresh_from_db()
        assert association.is_live
    assert association.level == "limited"
    assert Patient.objects.get().portal_status == PortalStatus.REGISTERED
    assert actions() == ["access_limited"]


def test_where_the_practice_says_so_access_waits_to_be_renewed(
    association: Association, practice: Practice, actor: Actor
) -> None:
    set_limit(practice, "renewal")
    with at(BIRTHDAY):
        clock()
        association.refresh_from_db()
        assert association.end_reason.startswith("Needs renewal")
        associations.restore(association, reason="Mateo signed the consent.", actor=actor)
        clock()
    association.refresh_from_db()
    assert association.is_live
    assert actions() == ["access_ended", "access_restored"]


def test_a_clock_that_goes_back_and_forth_does_it_once(association: Association, actor: Actor) -> None:
    for days in (0, -40, -10, 0, 400, -40, 1):
        with at(BIRTHDAY + timedelta(days=days)):
            clock()
    assert actions() == ["access_ended"]
    with at(BIRTHDAY + timedelta(days=2)):
        associations.restore(Association.objects.get(), reason="With Mateo’s permission.", actor=actor)
    for days in (3, -5, 0, 700):
        with at(BIRTHDAY + timedelta(days=days)):
            clock()
    assert Association.objects.live().exists()
    assert actions() == ["access_ended", "access_restored"]


def test_the_patients_own_access_stays(teen: Patient) -> None:
    an_association(an_account("mateo@families.example", "Mateo"), teen, relationship="self")
    with at(BIRTHDAY - timedelta(days=3)):
        clock()
    with at(BIRTHDAY):
        clock()
    assert Association.objects.live().exists()
    assert actions() == []


def test_what_the_limit_does_not_apply_to_is_left_alone(teen: Patient) -> None:
    an_association(an_account(), teen, past_age_limit=True)
    with at(BIRTHDAY + timedelta(days=1)):
        clock()
    assert Association.objects.live().exists()


def test_it_is_the_birthday_where_the_practice_is(association: Association, practice: Practice) -> None:
    practice.time_zone = "Pacific/Kiritimati"  # twenty hours before Maple Grove
    practice.save()
    with at(BIRTHDAY - timedelta(hours=20, seconds=1)):
        clock()
        assert Association.objects.live().exists()
    with at(BIRTHDAY - timedelta(hours=20)):
        clock()
    assert not Association.objects.live().exists()


def test_who_was_born_on_a_leap_day_comes_of_age_on_march_first(practice: Practice) -> None:
    leaper = factories.a_patient(practice, "Ona", birth_date=date(2008, 2, 29))
    an_association(an_account(), leaper)
    with at(datetime(2026, 3, 1, 5, 59, tzinfo=UTC)):
        clock()
        assert Association.objects.live().exists()
    with at(datetime(2026, 3, 1, 6, tzinfo=UTC)):
        clock()
    assert not Association.objects.live().exists()


def test_each_practice_has_a_limit_of_its_own(association: Association, practice: Practice) -> None:
    practice.minor_age_limit = 21
    practice.save()
    with at(BIRTHDAY):
        clock()
    assert Association.objects.live().exists()


def test_the_worklist_shows_the_coming_ninety_days_in_order(association: Association, practice: Practice) -> None:
    sooner = factories.a_patient(practice, "Ana", birth_date=date(2008, 10, 1))
    for account in (an_account("a@families.example"), an_account("b@families.example")):
        an_association(account, sooner)
    an_association(an_account("c@families.example"), factories.a_patient(practice, "Late", birth_date=date(2009, 2, 1)))
    an_association(an_account("d@families.example"), factories.a_patient(practice, "Past", birth_date=date(2008, 1, 1)))
    with at(BIRTHDAY - timedelta(days=90)):
        found = list(age_limit.upcoming_birthdays(practice))
    assert [(each.patient.given_names, each.birthday, len(each.associations)) for each in found] == [
        ("Ana", date(2026, 10, 1), 2),
        ("Mateo", date(2026, 11, 24), 1),
    ]


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.integers(12, 25), st.integers(-400, 400))
def test_the_range_of_births_is_what_the_age_says(born: date, years: int, shift: int) -> None:
    birthday = age_limit.birthday(born, years)
    assert (age(born, on=birthday), age(born, on=birthday - timedelta(days=1))) == (years, years - 1)
    day = birthday + timedelta(days=shift)
    assert (born <= age_limit.latest_birth(day, years)) == (age(born, on=day) >= years)


@pytest.mark.django_db(transaction=True)
def test_several_workers_do_it_once(practice: Practice) -> None:
    patients = [factories.a_patient(practice, f"Child {n}", birth_date=date(2000, 1, 1)) for n in range(4)]
    account = an_account()
    for patient in patients:
        an_association(account, patient)
    assert run_concurrently(*[age_limit.apply_age_limit] * 4) == [None] * 4
    assert actions() == ["access_ended"] * 4
    assert OutgoingMessage.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_several_workers_tell_it_once(practice: Practice) -> None:
    now = datetime.now(UTC).date()
    soon = age_limit.latest_birth(now + timedelta(days=20), 18)
    an_association(an_account(), factories.a_patient(practice, birth_date=soon))
    assert run_concurrently(*[age_limit.send_advance_notices] * 4) == [None] * 4
    assert actions() == ["told_of_age_limit"]
