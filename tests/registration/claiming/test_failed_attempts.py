"""The reasons for failed claims, as staff read them; also in events that earlier versions wrote."""

import pytest

from patients.models import Contact, Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import AuditEvent
from registration.claiming import failed_attempts
from registration.claiming.failed_attempts import FailureReason
from registration.models import Registration
from tests.factories import issue_registration

pytestmark = pytest.mark.django_db

LEGACY = [
    ("date of birth", "wrong date of birth"),
    ("PIN", "wrong PIN"),
    ("answer", "wrong answer"),
    ("expired", "already expired"),
    ("revoked", "already revoked"),
    ("superseded", "replaced by a newer one"),
    ("claimed", "already used"),
    ("locked", "locked"),
    ("too many tries", "no attempts left"),
    ("nobody's", "unknown PIN"),
]


def family(address: str) -> Actor:
    return audit.anonymous_family(address)


@pytest.fixture
def registration(patient: Patient, mother: Contact, actor: Actor) -> Registration:
    return issue_registration(patient, mother, actor=actor)


@pytest.mark.parametrize(("why", "sentence"), LEGACY)
def test_event_of_an_earlier_version_shows_its_reason(
    registration: Registration, patient: Patient, why: str, sentence: str
) -> None:
    registration.record(Action.CLAIM_FAILED, actor=family("198.51.100.4"), why=why)
    sentences = failed_attempts.for_patient(patient)[str(registration.pk)]
    assert sentences[0] == f"1 attempt from one address: {sentence}."
    assert AuditEvent.objects.get(action="claim_failed").details["why"] == why
    assert audit.verify() == []


def test_old_and_new_events_with_the_same_reason_are_counted_together(
    registration: Registration, patient: Patient
) -> None:
    registration.record(Action.CLAIM_FAILED, actor=family("198.51.100.4"), why="date of birth")
    registration.record(Action.CLAIM_FAILED, actor=family("198.51.100.5"), failure=FailureReason.WRONG_BIRTH_DATE.value)
    sentences = failed_attempts.for_patient(patient)[str(registration.pk)]
    assert sentences[0] == "2 attempts from 2 addresses: wrong date of birth."


@pytest.mark.parametrize("details", [{}, {"why": "a reason of no version"}, {"failure": "a_code_of_a_later_version"}])
def test_event_without_a_known_reason_is_still_counted(
    registration: Registration, patient: Patient, details: dict[str, str]
) -> None:
    registration.record(Action.CLAIM_FAILED, actor=family("198.51.100.4"), **details)
    sentences = failed_attempts.for_patient(patient)[str(registration.pk)]
    assert sentences[0] == "1 attempt from one address: unknown reason."


def test_every_end_of_a_registration_has_a_failure_reason() -> None:
    assert set(Registration.State.values) - {"pending"} <= set(FailureReason.values)
