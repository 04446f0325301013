"""Two desks, and a family that clicks twice, at the same moment."""

from datetime import date

import pytest

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.access import accounts
from registration.matching import self_registrations
from registration.matching.self_registrations import AlreadyDecided, RequestedChild
from registration.models import Association, SelfRegistration
from tests import factories
from tests.concurrency import run_concurrently
from tests.factories import a_self_registration, an_account

pytestmark = pytest.mark.django_db(transaction=True)


def seen(asked: SelfRegistration) -> SelfRegistration:
    """As one desk has it on its page."""
    return SelfRegistration.objects.select_related("practice", "account__user").get(pk=asked.pk)


def test_of_two_desks_one_makes_the_match_and_the_other_is_told(
    practice: Practice, patient: Patient, actor: Actor
) -> None:
    twin = factories.a_patient(practice, "Sofía", "García", mrn="MG-2")
    asked = a_self_registration(practice, an_account(), family="Garcia")

    def match(whom: Patient) -> Association:
        return self_registrations.match(seen(asked), whom, level="full", reason="Rang the mother.", actor=actor)

    results = run_concurrently(*[lambda: match(patient), lambda: match(twin)] * 4)
    made = [each for each in results if isinstance(each, Association)]
    told = [each for each in results if isinstance(each, AlreadyDecided)]
    assert (len(made), len(told)) == (1, 7)
    assert all("Dana Fields made the match" in str(each) or "has just changed" in str(each) for each in told)
    assert Association.objects.get() == made[0]
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.filter(action="access_given").count() == 1
    patient.refresh_from_db()
    twin.refresh_from_db()
    assert sorted([patient.portal_status, twin.portal_status]) == ["registered", "unregistered"]
    assert audit.verify() == []


def test_a_match_and_a_refusal_at_once_leave_one_of_them(practice: Practice, patient: Patient, actor: Actor) -> None:
    asked = a_self_registration(practice, an_account(), family="Garcia Lopez")
    results = run_concurrently(
        lambda: self_registrations.match(seen(asked), patient, level="full", reason="Known to me.", actor=actor),
        lambda: self_registrations.refuse(seen(asked), reason="Nobody of that name.", actor=actor),
        lambda: self_registrations.withdraw(seen(asked), actor=accounts.actor_for(asked.account, None)),
        likely_patients.refresh_likely,
    )
    assert sum(isinstance(each, AlreadyDecided) for each in results) == 2
    asked.refresh_from_db()
    patient.refresh_from_db()
    assert Association.objects.exists() == (asked.state == "matched")
    assert patient.portal_status == ("registered" if asked.state == "matched" else "unregistered")


def test_a_double_click_of_the_family_is_one_request(practice: Practice) -> None:
    elena = an_account()  # who asks for a child that nobody knows: there is no patient to wait for
    child = RequestedChild(given_names="Nora", family_name="Garcia", birth_date=date(2019, 3, 5), relationship="mother")
    ask = accounts.actor_for(elena, None)
    results = run_concurrently(
        *[lambda: self_registrations.submit(account=elena, practice=practice, children=[child], actor=ask)] * 6
    )
    assert not [each for each in results if isinstance(each, Exception)], results
    assert SelfRegistration.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1
