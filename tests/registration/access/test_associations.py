"""Access taken away, given back, ended by its date; and a lost passkey."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Patient, PortalStatus
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Membership, Practice
from registration.access import associations
from registration.models import Association, PortalAccount
from registration.values import Refused
from tests import factories
from tests.concurrency import run_concurrently
from tests.factories import an_account, an_association

NOON = datetime(2026, 11, 24, 18, tzinfo=UTC)  # noon in Maple Grove
LAST = date(2026, 11, 30)
MIDNIGHT = datetime(2026, 12, 1, 6, tzinfo=UTC)  # in Maple Grove


@pytest.fixture
def association(patient: Patient) -> Association:
    return an_association(an_account(), patient)


def status(patient: Patient) -> str:
    return Patient.objects.get(pk=patient.pk).portal_status


def trail() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def sent_to(email: str) -> int:
    return OutgoingMessage.objects.filter(recipient=email).count()


def remove(association: Association, actor: Actor, *, on: date | None = None) -> bool:
    return associations.remove(association, reason="The court order changed.", on=on, actor=actor)


def test_removed_at_once_it_is_gone_and_the_parent_is_told(association: Association, actor: Actor) -> None:
    assert remove(association, actor)
    association.refresh_from_db()
    assert (association.ending, association.end_reason) == ("removed", "The court order changed.")
    assert association.ended_by == actor.user
    assert status(association.patient) == PortalStatus.UNREGISTERED
    assert sent_to("elena@families.example") == 1
    assert trail() == ["access_removed"]
    assert not audit.verify()


def test_removing_what_has_ended_does_nothing(association: Association, actor: Actor) -> None:
    assert remove(association, actor)
    assert not remove(association, actor)
    assert sent_to("elena@families.example") == 1


def test_another_parent_keeps_the_patient_registered(association: Association, actor: Actor) -> None:
    an_association(an_account("pablo@families.example", "Pablo", "López"), association.patient, relationship="father")
    remove(association, actor)
    assert status(association.patient) == PortalStatus.REGISTERED


@time_machine.travel(NOON, tick=False)
def test_today_as_the_last_day_is_today_to_its_end(association: Association, practice: Practice, actor: Actor) -> None:
    assert remove(association, actor, on=practice.today())
    association.refresh_from_db()
    assert association.is_live
    assert association.ends_at == associations.midnight_after(practice.today(), practice=practice)


@time_machine.travel(NOON, tick=False)
def test_with_a_later_day_access_goes_on_to_its_end(association: Association, actor: Actor) -> None:
    assert remove(association, actor, on=LAST)
    association.refresh_from_db()
    assert association.ends_at == MIDNIGHT
    assert association.is_live
    assert status(association.patient) == PortalStatus.REGISTERED
    with time_machine.travel(MIDNIGHT - timedelta(seconds=1), tick=False):
        associations.end_due()
        assert Association.objects.live().exists()
    with time_machine.travel(MIDNIGHT, tick=False):
        associations.end_due()
        associations.end_due()
    association.refresh_from_db()
    assert (association.ending, association.ended_at, association.end_reason) == (
        "date",
        MIDNIGHT,
        "The court order changed.",
    )
    assert status(association.patient) == PortalStatus.UNREGISTERED
    assert trail() == ["access_removed", "access_ended"]


@time_machine.travel(NOON, tick=False)
def test_a_day_that_is_past_or_comes_after_its_own_end_is_refused(association: Association, actor: Actor) -> None:
    with pytest.raises(Refused, match="past"):
        remove(association, actor, on=date(2026, 11, 23))
    Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    with pytest.raises(Refused, match="November 30, 2026 anyway"):
        remove(association, actor, on=LAST)
    assert trail() == []


def test_undo_gives_back_what_was_removed(association: Association, actor: Actor) -> None:
    remove(association, actor)
    associations.restore(association, reason="The wrong parent.", actor=actor)
    association.refresh_from_db()
    assert association.is_live
    assert (association.ending, association.end_reason, association.ended_by) == ("", "", None)
    assert status(association.patient) == PortalStatus.REGISTERED
    assert trail() == ["access_removed", "access_restored"]
    assert sent_to("elena@families.example") == 2


@time_machine.travel(NOON, tick=False)
def test_undo_takes_back_a_removal_that_is_to_come(association: Association, actor: Actor) -> None:
    remove(association, actor, on=LAST)
    associations.restore(association, reason="They agreed again.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at is None
    assert not associations.is_removal_scheduled(association)


@time_machine.travel(NOON, tick=False)
def test_undo_of_a_planned_removal_that_was_then_made_at_once_plans_nothing(
    association: Association, actor: Actor
) -> None:
    remove(association, actor, on=LAST)
    remove(association, actor)
    associations.restore(association, reason="All a mistake.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at is None


@time_machine.travel(NOON, tick=False)
def test_undo_keeps_the_end_that_access_had(association: Association, actor: Actor) -> None:
    Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    remove(association, actor)
    associations.restore(association, reason="A mistake.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at == MIDNIGHT


def test_undo_is_refused_where_there_is_access_again(association: Association, actor: Actor) -> None:
    remove(association, actor)
    an_association(association.account, association.patient)
    with pytest.raises(Refused, match="has access again"):
        associations.restore(association, reason="A mistake.", actor=actor)


def test_undo_is_refused_where_there_is_nothing_to_undo(association: Association, actor: Actor) -> None:
    with pytest.raises(Refused, match="nothing to undo"):
        associations.restore(association, reason="A mistake.", actor=actor)


@pytest.mark.parametrize(("field", "value", "why"), [("deceased", True, "deceased"), ("active", False, "inactive")])
def test_undo_is_refused_for_who_died_or_left(
    association: Association, actor: Actor, field: str, value: bool, why: str
) -> None:
    remove(association, actor)
    Patient.objects.filter(pk=association.patient_id).update(**{field: value})
    association = Association.objects.get(pk=association.pk)
    with pytest.raises(Refused, match=why):
        associations.restore(association, reason="A mistake.", actor=actor)


def test_undo_is_refused_where_its_own_date_is_past(association: Association, actor: Actor) -> None:
    with time_machine.travel(NOON, tick=False):
        Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    with time_machine.travel(MIDNIGHT + timedelta(hours=1), tick=False):
        associations.end_due()
        with pytest.raises(Refused, match="until November 30, 2026"):
            associations.restore(Association.objects.get(), reason="Longer.", actor=actor)


def test_nobody_is_nobody(association: Association) -> None:
    with pytest.raises(PermissionError):
        associations.remove(association, reason="-", on=None, actor=audit.CLOCK)
    with pytest.raises(PermissionError):
        associations.reset_sign_in(
            association.account, identified_by="known", practice=association.patient.practice, actor=audit.CLOCK
        )


# --- A lost passkey ---


def a_passkey(account: PortalAccount) -> None:
    Authenticator.objects.create(user=account.user, type=Authenticator.Type.WEBAUTHN, data={})
    Authenticator.objects.create(user=account.user, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "x"})


def reset(account: PortalAccount, practice: Practice, actor: Actor) -> int:
    return associations.reset_sign_in(account, identified_by="callback", practice=practice, actor=actor)


def test_a_lost_passkey_is_taken_off_and_every_session_ends(
    association: Association, practice: Practice, actor: Actor
) -> None:
    account = association.account
    a_passkey(account)
    session = SessionStore()
    session.create()
    UserSession.objects.create(user=account.user, ip="198.51.100.4", session_key=session.session_key, user_agent="-")
    assert reset(account, practice, actor) == 1
    assert [each.type for each in Authenticator.objects.all()] == [Authenticator.Type.RECOVERY_CODES]
    assert not SessionStore().exists(str(session.session_key))
    assert sent_to("elena@families.example") == 1
    line = AuditEvent.objects.get()
    assert (line.action, line.patient_id) == ("sign_in_reset", association.patient_id)
    assert line.details["identified_by"] == "Called back on the number on record"


def test_another_practice_takes_nothing_off(association: Association, other_practice: Practice, actor: Actor) -> None:
    a_passkey(association.account)
    with pytest.raises(Refused, match="no access to a patient of this practice"):
        reset(association.account, other_practice, actor)
    assert Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()


def test_whose_access_was_removed_keeps_the_passkey(association: Association, practice: Practice, actor: Actor) -> None:
    remove(association, actor)
    with pytest.raises(Refused, match="no access"):
        reset(association.account, practice, actor)


def test_a_colleague_is_for_the_administrator(
    association: Association, practice: Practice, other_practice: Practice, actor: Actor
) -> None:
    Membership.objects.create(user=association.account.user, practice=other_practice, role=factories.Role.FRONT_DESK)
    with pytest.raises(Refused, match="administrator"):
        reset(association.account, practice, actor)


# --- At the same moment ---


@pytest.mark.django_db(transaction=True)
def test_two_desks_remove_it_once(association: Association, actor: Actor) -> None:
    results = run_concurrently(*[lambda: remove(Association.objects.get(), actor)] * 6)
    assert sorted(results) == [False] * 5 + [True]
    assert trail() == ["access_removed"]
    assert sent_to("elena@families.example") == 1


@pytest.mark.django_db(transaction=True)
def test_several_workers_end_what_is_due_once(association: Association) -> None:
    Association.objects.update(ends_at=timezone.now() - timedelta(minutes=1))
    assert run_concurrently(*[associations.end_due] * 4) == [None] * 4
    assert trail() == ["access_ended"]
