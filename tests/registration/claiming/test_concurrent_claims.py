"""Simultaneous claims create one account, and simultaneous attempts are all counted."""

from collections import Counter
from datetime import date
from functools import partial

import pytest

from patients.models import Contact, Patient, PortalStatus
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, User
from registration import pins
from registration.claiming import verification
from registration.claiming.rate_limits import TooManyAttempts
from registration.claiming.verification import NotClaimable
from registration.models import Association, PortalAccount, Registration
from registration.pins import Pin
from tests.claim_steps import BORN, HOME, claim, pin_of
from tests.concurrency import run_concurrently
from tests.factories import issue_registration

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def kinds(results: list[object]) -> Counter[type]:
    return Counter(map(type, results))


def test_hundred_simultaneous_claims_create_one_account(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    key = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    results = run_concurrently(*[partial(claim, key, f"parent{number}@families.example") for number in range(100)])
    assert kinds(results) == {PortalAccount: 1, NotClaimable: 99}
    assert PortalAccount.objects.count() == Association.objects.count() == 1
    assert User.objects.filter(memberships=None).count() == 1
    assert AuditEvent.objects.filter(action="registration_claimed").count() == 1
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.REGISTERED
    assert audit.verify() == []


def test_two_parents_with_one_pin_create_one_account(patient: Patient, mother: Contact, actor: Actor) -> None:
    pin = pin_of(issue_registration(patient, mother, actor=actor))

    def claim_with_pin(email: str) -> PortalAccount:
        return claim(verification.verify_pin(pin, BORN, address=HOME), email)

    results = run_concurrently(
        *[partial(claim_with_pin, email) for email in ("elena@families.example", "pablo@families.example")]
    )
    assert kinds(results) == {PortalAccount: 1, NotClaimable: 1}
    assert Association.objects.count() == 1


def test_simultaneous_wrong_pins_lock_the_registration_after_five(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    pin = pin_of(registration)
    guesses = [Pin(pin.selector + pins.generate().characters[4:]) for _ in range(50)]

    def guess(number: int) -> None:
        verification.verify_pin(guesses[number], BORN, address=f"198.51.{number}.1")

    results = run_concurrently(*[partial(guess, number) for number in range(50)])
    assert kinds(results) == {NotClaimable: 50}
    registration.refresh_from_db()
    assert (registration.state, registration.wrong_attempts) == (Registration.State.LOCKED, 5)
    counted = AuditEvent.objects.filter(action="claim_failed", details__failure="wrong_pin").count()
    assert counted == 5
    assert AuditEvent.objects.filter(action="registration_locked").count() == 1
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)


def test_simultaneous_attempts_from_one_address_are_limited_to_twenty(db: None) -> None:
    def guess() -> None:
        verification.verify_pin(pins.generate(), date(2019, 3, 5), address=HOME)

    assert kinds(run_concurrently(*[guess] * 50)) == {NotClaimable: 20, TooManyAttempts: 30}
