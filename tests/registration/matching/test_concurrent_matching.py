"""Simultaneous decisions by two people, and a family that clicks twice."""

from datetime import date

import pytest

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.access import accounts
from registration.matching import likely_patients, self_registrations
from registration.matching.self_registrations import AlreadyDecided, RequestedChild
from registration.models import Association, SelfRegistration
from tests import factories
from tests.concurrency import run_concurrently
from tests.factories import a_self_registration, an_account

pytestmark = pytest.mark.django_db(transaction=True)


def loaded(request: SelfRegistration) -> SelfRegistration:
    """Load the request again, as one person has it on their page."""
    return SelfRegistration.objects.select_related("practice", "account__user").get(pk=request.pk)


def test_one_of_two_simultaneous_matches_succeeds(practice: Practice, patient: Patient, actor: Actor) -> None:
    twin = factories.a_patient(practice, "Sofía", "García", mrn="MG-2")
    request = a_self_registration(practice, an_account(), family="Garcia")

    def match(patient: Patient) -> Association:
        return self_registrations.match(
            loaded(request), patient, level="full", reason="Called the mother.", actor=actor
        )

    results = run_concurrently(*[lambda: match(patient), lambda: match(twin)] * 4)
    made = [result for result in results if isinstance(result, Association)]
    rejected = [result for result in results if isinstance(result, AlreadyDecided)]
    assert (len(made), len(rejected)) == (1, 7)
    assert all("Dana Fields matched" in str(error) or "has just changed" in str(error) for error in rejected)
    assert Association.objects.get() == made[0]
    assert OutgoingMessage.objects.count() == 1
    assert AuditEvent.objects.filter(action="access_given").count() == 1
    patient.refresh_from_db()
    twin.refresh_from_db()
    assert sorted([patient.portal_status, twin.portal_status]) == ["registered", "unregistered"]
    assert audit.verify() == []


def test_one_of_simultaneous_match_refusal_and_withdrawal_succeeds(
    practice: Practice, patient: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, an_account(), family="Garcia Lopez")
    results = run_concurrently(
        lambda: self_registrations.match(loaded(request), patient, level="full", reason="Known to me.", actor=actor),
        lambda: self_registrations.refuse(loaded(request), reason="No one with that name.", actor=actor),
        lambda: self_registrations.withdraw(loaded(request), actor=accounts.actor_for(request.account, None)),
        likely_patients.refresh_likely,
    )
    assert sum(isinstance(result, AlreadyDecided) for result in results) == 2
    request.refresh_from_db()
    patient.refresh_from_db()
    assert Association.objects.exists() == (request.state == "matched")
    assert patient.portal_status == ("registered" if request.state == "matched" else "unregistered")


def test_double_click_of_a_family_submits_one_request(practice: Practice) -> None:
    elena = an_account()  # the child is unknown, so there is no patient row to lock
    child = RequestedChild(given_names="Nora", family_name="Garcia", birth_date=date(2019, 3, 5), relationship="mother")
    actor = accounts.actor_for(elena, None)
    results = run_concurrently(
        *[lambda: self_registrations.submit(account=elena, practice=practice, children=[child], actor=actor)] * 6
    )
    assert not [result for result in results if isinstance(result, Exception)], results
    assert SelfRegistration.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1
