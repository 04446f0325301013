"""Removing, restoring and ending access, and resetting a lost passkey."""

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


def test_immediate_removal_ends_access_and_notifies_the_parent(association: Association, actor: Actor) -> None:
    assert remove(association, actor)
    association.refresh_from_db()
    assert (association.ending, association.end_reason) == ("removed", "The court order changed.")
    assert association.ended_by == actor.user
    assert status(association.patient) == PortalStatus.UNREGISTERED
    assert sent_to("elena@families.example") == 1
    assert trail() == ["access_removed"]
    assert not audit.verify()


def test_removing_ended_access_does_nothing(association: Association, actor: Actor) -> None:
    assert remove(association, actor)
    assert not remove(association, actor)
    assert sent_to("elena@families.example") == 1


def test_patient_stays_registered_while_another_parent_has_access(association: Association, actor: Actor) -> None:
    an_association(an_account("pablo@families.example", "Pablo", "López"), association.patient, relationship="father")
    remove(association, actor)
    assert status(association.patient) == PortalStatus.REGISTERED


@time_machine.travel(NOON, tick=False)
def test_removal_today_ends_access_at_midnight(association: Association, practice: Practice, actor: Actor) -> None:
    assert remove(association, actor, on=practice.today())
    association.refresh_from_db()
    assert association.is_live
    assert association.ends_at == associations.midnight_after(practice.today(), practice=practice)


@time_machine.travel(NOON, tick=False)
def test_scheduled_removal_ends_access_after_the_last_day(association: Association, actor: Actor) -> None:
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
def test_removal_in_the_past_or_after_the_end_date_is_refused(association: Association, actor: Actor) -> None:
    with pytest.raises(Refused, match="past"):
        remove(association, actor, on=date(2026, 11, 23))
    Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    with pytest.raises(Refused, match="already ends on 11/30/2026"):
        remove(association, actor, on=LAST)
    assert trail() == []


def test_restore_returns_removed_access(association: Association, actor: Actor) -> None:
    remove(association, actor)
    associations.restore(association, reason="The wrong parent.", actor=actor)
    association.refresh_from_db()
    assert association.is_live
    assert (association.ending, association.end_reason, association.ended_by) == ("", "", None)
    assert status(association.patient) == PortalStatus.REGISTERED
    assert trail() == ["access_removed", "access_restored"]
    assert sent_to("elena@families.example") == 2


@time_machine.travel(NOON, tick=False)
def test_restore_cancels_a_scheduled_removal(association: Association, actor: Actor) -> None:
    remove(association, actor, on=LAST)
    associations.restore(association, reason="They agreed again.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at is None
    assert not associations.is_removal_scheduled(association)


@time_machine.travel(NOON, tick=False)
def test_restore_after_scheduled_then_immediate_removal_has_no_end(association: Association, actor: Actor) -> None:
    remove(association, actor, on=LAST)
    remove(association, actor)
    associations.restore(association, reason="All a mistake.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at is None


@time_machine.travel(NOON, tick=False)
def test_restore_keeps_the_original_end_date(association: Association, actor: Actor) -> None:
    Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    remove(association, actor)
    associations.restore(association, reason="A mistake.", actor=actor)
    association.refresh_from_db()
    assert association.ends_at == MIDNIGHT


def test_restore_is_refused_if_access_was_granted_again(association: Association, actor: Actor) -> None:
    remove(association, actor)
    an_association(association.account, association.patient)
    with pytest.raises(Refused, match="already has access"):
        associations.restore(association, reason="A mistake.", actor=actor)


def test_restore_of_live_access_is_refused(association: Association, actor: Actor) -> None:
    with pytest.raises(Refused, match="nothing to restore"):
        associations.restore(association, reason="A mistake.", actor=actor)


@pytest.mark.parametrize(("field", "value", "why"), [("deceased", True, "deceased"), ("active", False, "inactive")])
def test_restore_is_refused_for_deceased_or_inactive_patient(
    association: Association, actor: Actor, field: str, value: bool, why: str
) -> None:
    remove(association, actor)
    Patient.objects.filter(pk=association.patient_id).update(**{field: value})
    association = Association.objects.get(pk=association.pk)
    with pytest.raises(Refused, match=why):
        associations.restore(association, reason="A mistake.", actor=actor)


def test_restore_is_refused_after_the_original_end_date(association: Association, actor: Actor) -> None:
    with time_machine.travel(NOON, tick=False):
        Association.objects.filter(pk=association.pk).update(ends_at=MIDNIGHT)
    with time_machine.travel(MIDNIGHT + timedelta(hours=1), tick=False):
        associations.end_due()
        with pytest.raises(Refused, match="until 11/30/2026"):
            associations.restore(Association.objects.get(), reason="Longer.", actor=actor)


def test_remove_and_reset_need_a_person(association: Association) -> None:
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


def test_reset_removes_passkeys_and_ends_all_sessions(
    association: Association, practice: Practice, actor: Actor
) -> None:
    account = association.account
    a_passkey(account)
    session = SessionStore()
    session.create()
    UserSession.objects.create(user=account.user, ip="198.51.100.4", session_key=session.session_key, user_agent="-")
    assert reset(account, practice, actor) == 1
    assert [authenticator.type for authenticator in Authenticator.objects.all()] == [Authenticator.Type.RECOVERY_CODES]
    assert not SessionStore().exists(str(session.session_key))
    assert sent_to("elena@families.example") == 1
    event = AuditEvent.objects.get()
    assert (event.action, event.patient_id) == ("sign_in_reset", association.patient_id)
    assert event.details["identified_by"] == "Called back at the number on record"


def test_reset_by_another_practice_is_refused(association: Association, other_practice: Practice, actor: Actor) -> None:
    a_passkey(association.account)
    with pytest.raises(Refused, match="no access to a patient of this practice"):
        reset(association.account, other_practice, actor)
    assert Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()


def test_reset_is_refused_without_access(association: Association, practice: Practice, actor: Actor) -> None:
    remove(association, actor)
    with pytest.raises(Refused, match="no access"):
        reset(association.account, practice, actor)


def test_reset_of_a_staff_account_is_refused(
    association: Association, practice: Practice, other_practice: Practice, actor: Actor
) -> None:
    Membership.objects.create(user=association.account.user, practice=other_practice, role=factories.Role.FRONT_DESK)
    with pytest.raises(Refused, match="administrator"):
        reset(association.account, practice, actor)


# --- Concurrency ---


@pytest.mark.django_db(transaction=True)
def test_concurrent_removals_end_access_once(association: Association, actor: Actor) -> None:
    results = run_concurrently(*[lambda: remove(Association.objects.get(), actor)] * 6)
    assert sorted(results) == [False] * 5 + [True]
    assert trail() == ["access_removed"]
    assert sent_to("elena@families.example") == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_end_due_access_once(association: Association) -> None:
    Association.objects.update(ends_at=timezone.now() - timedelta(minutes=1))
    assert run_concurrently(*[associations.end_due] * 4) == [None] * 4
    assert trail() == ["access_ended"]
