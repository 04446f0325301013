"""Removed access: an outstanding PIN cannot restore it, and granting it again needs a reason."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Practice
from registration.access import accounts, associations, authority
from registration.claiming import claims, verification
from registration.claiming.verification import NotClaimable, VerifiedKey
from registration.issuing import lifecycle, registrations
from registration.issuing.safety_checks import OverrideRequired
from registration.matching import comparison, self_registrations
from registration.models import Association, EndCode, PortalAccount, Registration
from registration.pins import Pin
from registration.values import ByEmail, ByText, Delivery, InPerson
from tests import factories
from tests.claim_steps import BORN, HOME, claim, pin_of
from tests.concurrency import run_concurrently
from tests.factories import SESSION_KEY, a_self_registration, an_account, an_association, issue_registration

MATEO_BORN = date(2021, 11, 30)
EMAIL = ByEmail("elena@families.example")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def mateo(patient: Patient, mother: Contact) -> Patient:
    mateo = factories.a_patient(patient.practice, "Mateo", birth_date=MATEO_BORN)
    factories.a_contact(mateo)
    return mateo


def opened(pin: Pin) -> VerifiedKey:
    return verification.verify_pin(pin, BORN, address=HOME)


def claim_again(account: PortalAccount, pin: Pin) -> None:
    actor = accounts.actor_for(account, HOME)
    claims.claim(opened(pin), account=account, relationship="mother", actor=actor)


def remove(association: Association, actor: Actor, *, on: date | None = None) -> None:
    associations.remove(association, reason="A court order.", on=on, actor=actor)


# --- Contacts with authority for one child but not another ---


def test_lost_authority_for_a_sibling_revokes_the_open_pin(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    registration = issue_registration([patient, mateo], mother, actor=actor)
    mateo.contacts.update(has_authority=False)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert (registration.state, registration.end_code) == ("revoked", EndCode.CONTACT_LOST_AUTHORITY)


def test_pin_gives_no_access_before_the_worker_revokes_it(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    key = verification.verify_child(
        opened(pin_of(issue_registration([patient, mateo], mother, actor=actor))), mateo.pk, MATEO_BORN, address=HOME
    )
    mateo.contacts.update(has_authority=False)
    claim(key)
    assert [association.patient for association in Association.objects.all()] == [patient]


def test_override_for_one_child_does_not_cover_another(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    mateo.contacts.update(has_authority=False)
    registration = issue_registration(
        [patient, mateo], mother, actor=actor, override_reasons={"authority": "Supervised, says the decree."}
    )
    lifecycle.revoke_ineligible()
    assert Registration.objects.live().exists(), "staff gave a reason for Mateo"
    key = verification.verify_child(opened(pin_of(registration)), mateo.pk, MATEO_BORN, address=HOME)
    Contact.objects.filter(pk=mother.pk).update(has_authority=False)
    claim(key)
    assert [association.patient for association in Association.objects.all()] == [mateo]
    lost = an_association(an_account("e@work.example"), patient, registration=registration)
    assert authority.lost(patient, [lost]) == {lost.pk}


# --- Removal and outstanding PINs ---


@pytest.mark.parametrize("channel", ["in person", "by text"])
def test_removal_revokes_pins_when_account_address_differs_from_record(
    patient: Patient, mother: Contact, actor: Actor, channel: str
) -> None:
    account = claim(opened(pin_of(issue_registration(patient, mother, actor=actor))), email="elena@work.example")
    delivery: Delivery = InPerson()
    if channel == "by text":
        delivery = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    out = issue_registration(patient, mother, actor=actor, delivery=delivery)
    remove(account.associations.get(), actor)
    out.refresh_from_db()
    assert out.state == "revoked"


def test_scheduled_removal_revokes_pins_when_it_takes_effect(
    clock: time_machine.Traveller, patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(opened(pin_of(issue_registration(patient, mother, actor=actor))))
    out = issue_registration(patient, mother, actor=actor)
    remove(account.associations.get(), actor, on=patient.practice.today())
    out.refresh_from_db()
    assert out.state == "pending"
    clock.shift(timedelta(days=1))
    associations.end_due()
    out.refresh_from_db()
    assert (out.state, out.end_reason) == ("revoked", "A court order.")


def test_pin_missed_by_the_removal_restores_nothing(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(opened(pin_of(issue_registration(patient, mother, actor=actor))))
    key = pin_of(issue_registration(patient, mother, actor=actor))
    Association.objects.update(
        ended_at=timezone.now(), ended_by=actor.user, ending="removed"
    )  # The PIN was not revoked.
    with pytest.raises(NotClaimable):
        claim_again(account, key)
    with pytest.raises(NotClaimable):
        claim(opened(key), email="another@families.example")
    assert not Association.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_pin_issued_during_the_removal_is_revoked(patient: Patient, mother: Contact, actor: Actor) -> None:
    """Both need the patient's lock. The second one sees what the first one did."""
    association = an_association(an_account(), patient)
    reasons = {"removed": "They agreed again."}
    run_concurrently(
        lambda: issue_registration(patient, mother, actor=actor, delivery=EMAIL, override_reasons=reasons),
        lambda: associations.remove(association, reason="A court order.", on=None, actor=actor),
    )
    out, association = Registration.objects.get(), Association.objects.get()
    assert association.ended_at is not None
    assert out.state == "revoked" or out.issued_at > association.ended_at


def test_access_is_granted_again_only_with_a_reason(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(opened(pin_of(issue_registration(patient, mother, actor=actor))))
    remove(account.associations.get(), actor)
    with pytest.raises(OverrideRequired, match=r"Elena García’s access to Sofía’s record was removed on .* A court"):
        issue_registration(patient, mother, actor=actor)
    key = pin_of(
        issue_registration(patient, mother, actor=actor, override_reasons={"removed": "The order was lifted."})
    )
    claim_again(account, key)
    assert Association.objects.live().count() == 1
    issue_registration(patient, mother, actor=actor)  # Now there is no warning.


def test_match_after_removal_needs_a_reason(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = an_account()
    remove(an_association(account, patient), actor)
    request = a_self_registration(practice, account)
    [candidate] = comparison.compare(request, [patient])
    assert [warning.key for warning in candidate.safety_warnings] == ["removed"]
    with pytest.raises(OverrideRequired):
        self_registrations.match(request, patient, level="full", actor=actor)
    self_registrations.match(
        request, patient, level="full", override_reasons={"removed": "The order was lifted."}, actor=actor
    )
    assert Association.objects.live().count() == 1


@pytest.mark.parametrize("given", ["Rob", "Bob", "Robrt", "R"])
def test_match_of_a_barred_parent_with_another_spelling_needs_a_reason(practice: Practice, given: str) -> None:
    sofia = factories.a_patient(practice)
    factories.a_contact(sofia, "Robert", "Smith", relationship="Father", email="", has_authority=False)
    request = a_self_registration(practice, an_account("r@x.example", given, "Smith"), "Sofía", relationship="father")
    [candidate] = comparison.compare(request, [sofia])
    assert "authority" in [warning.key for warning in candidate.safety_warnings]


# --- Resends that expire while a family is signing up ---


def accept(registration: Registration) -> None:
    OutgoingMessage.objects.filter(registration=registration).update(state="accepted", due_at=None)


def again(registration: Registration, actor: Actor) -> Registration:
    return registrations.send_again(registration, session_key=SESSION_KEY, actor=actor)


@pytest.fixture
def earlier(clock: time_machine.Traveller, patient: Patient, mother: Contact, actor: Actor) -> VerifiedKey:
    """Verify the earlier PIN five minutes before it expires."""
    registration = issue_registration(patient, mother, actor=actor, delivery=EMAIL)
    accept(registration)
    key = pin_of(registration)
    clock.shift(timedelta(days=7, minutes=-5))
    return opened(key)


def registration_of(key: VerifiedKey) -> Registration:
    return Registration.objects.get(pk=key.registration_id)


def test_earlier_pin_stays_ended_when_the_resend_is_revoked(
    clock: time_machine.Traveller, earlier: VerifiedKey, actor: Actor
) -> None:
    newer = again(registration_of(earlier), actor)
    accept(newer)
    clock.shift(timedelta(minutes=10))
    lifecycle.expire_due()
    assert lifecycle.revoke(newer, reason="A court order.", actor=actor)
    assert registration_of(earlier).state == "superseded"
    with pytest.raises(NotClaimable):
        claim(earlier)


def test_registration_and_its_resend_create_one_account(
    clock: time_machine.Traveller, earlier: VerifiedKey, actor: Actor
) -> None:
    clock.shift(timedelta(minutes=6))
    lifecycle.expire_due()
    newer = again(registration_of(earlier), actor)
    claim(opened(pin_of(newer)))
    with pytest.raises(NotClaimable):
        claim(earlier, email="another@families.example")


def test_sending_again_while_queued_creates_no_third_registration(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    first = issue_registration(patient, mother, actor=actor, delivery=EMAIL)
    accept(first)
    second = again(first, actor)
    assert again(second, actor) == second
    OutgoingMessage.objects.filter(registration=second).update(state="failed", due_at=None)
    third = again(second, actor)
    assert third.replaces == first
    accept(third)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == {third}
