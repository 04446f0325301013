"""What the desk took away stays away: no key that was out gives it back, and nobody is given it again without a reason."""

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
from registration.models import Association, PortalAccount, Registration
from registration.pins import Pin
from registration.values import ByEmail, ByText, Delivery, InPerson
from tests import factories
from tests.concurrency import run_concurrently
from tests.factories import a_self_registration, an_account, an_association
from tests.registration.claiming.claim_steps import BORN, HOME, SESSION, claim, issue, pin_of

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


# --- The contact of one child, and of another ---


def test_a_court_order_about_a_sibling_ends_what_is_out(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    registration = issue([patient, mateo], mother, actor)
    mateo.contacts.update(has_authority=False)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert (registration.state, registration.end_reason) == ("revoked", "The contact may not see the record any more.")


def test_nor_is_it_claimed_before_the_worker_has_looked(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    key = verification.verify_child(
        opened(pin_of(issue([patient, mateo], mother, actor))), mateo.pk, MATEO_BORN, address=HOME
    )
    mateo.contacts.update(has_authority=False)
    claim(key)
    assert [each.patient for each in Association.objects.all()] == [patient]


def test_a_reason_for_one_child_is_none_for_another(
    patient: Patient, mother: Contact, mateo: Patient, actor: Actor
) -> None:
    mateo.contacts.update(has_authority=False)
    registration = issue(
        [patient, mateo], mother, actor, override_reasons={"authority": "Supervised, says the decree."}
    )
    lifecycle.revoke_ineligible()
    assert Registration.objects.live().exists(), "the desk was asked about Mateo"
    key = verification.verify_child(opened(pin_of(registration)), mateo.pk, MATEO_BORN, address=HOME)
    Contact.objects.filter(pk=mother.pk).update(has_authority=False)
    claim(key)
    assert [each.patient for each in Association.objects.all()] == [mateo]
    lost = an_association(an_account("e@work.example"), patient, registration=registration)
    assert authority.lost(patient, [lost]) == {lost.pk}


# --- A removal, and the keys that were out ---


@pytest.mark.parametrize("delivery", ["in person", "by text"])
def test_removal_ends_the_keys_of_whoever_has_another_address_than_the_record(
    patient: Patient, mother: Contact, actor: Actor, delivery: str
) -> None:
    account = claim(opened(pin_of(issue([patient], mother, actor))), email="elena@work.example")
    way: Delivery = InPerson()
    if delivery == "by text":
        way = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    out = issue([patient], mother, actor, delivery=way)
    remove(account.associations.get(), actor)
    out.refresh_from_db()
    assert out.state == "revoked"


def test_a_removal_for_the_end_of_the_day_ends_them_then(
    clock: time_machine.Traveller, patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(opened(pin_of(issue([patient], mother, actor))))
    out = issue([patient], mother, actor)
    remove(account.associations.get(), actor, on=patient.practice.today())
    out.refresh_from_db()
    assert out.state == "pending"
    clock.shift(timedelta(days=1))
    associations.end_due()
    out.refresh_from_db()
    assert (out.state, out.end_reason) == ("revoked", "A court order.")


def test_a_key_that_was_missed_gives_nothing_back(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(opened(pin_of(issue([patient], mother, actor))))
    key = pin_of(issue([patient], mother, actor))
    Association.objects.update(ended_at=timezone.now(), ended_by=actor.user, ending="removed")  # nobody saw the key
    with pytest.raises(NotClaimable):
        claim_again(account, key)
    with pytest.raises(NotClaimable):
        claim(opened(key), email="another@families.example")
    assert not Association.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_issued_while_the_removal_waits_ends_too(patient: Patient, mother: Contact, actor: Actor) -> None:
    """Both ask for the patient's lock. Whoever comes second sees what the first has done."""
    association = an_association(an_account(), patient)
    reasons = {"removed": "They agreed again."}
    run_concurrently(
        lambda: issue([patient], mother, actor, delivery=EMAIL, override_reasons=reasons),
        lambda: associations.remove(association, reason="A court order.", on=None, actor=actor),
    )
    out, association = Registration.objects.get(), Association.objects.get()
    assert association.ended_at is not None
    assert out.state == "revoked" or out.issued_at > association.ended_at


def test_it_is_given_again_with_a_reason_alone(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(opened(pin_of(issue([patient], mother, actor))))
    remove(account.associations.get(), actor)
    with pytest.raises(
        OverrideRequired, match=r"Access of Elena García to the record of Sofía was removed on .* A court"
    ):
        issue([patient], mother, actor)
    key = pin_of(issue([patient], mother, actor, override_reasons={"removed": "The order was lifted."}))
    claim_again(account, key)
    assert Association.objects.live().count() == 1
    issue([patient], mother, actor)  # and then nobody asks any more


def test_a_match_wants_that_reason_too(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    account = an_account()
    remove(an_association(account, patient), actor)
    asked = a_self_registration(practice, account)
    [candidate] = comparison.compare(asked, [patient])
    assert [each.key for each in candidate.safety_warnings] == ["removed"]
    with pytest.raises(OverrideRequired):
        self_registrations.match(asked, patient, level="full", actor=actor)
    self_registrations.match(
        asked, patient, level="full", override_reasons={"removed": "The order was lifted."}, actor=actor
    )
    assert Association.objects.live().count() == 1


@pytest.mark.parametrize("given", ["Rob", "Bob", "Robrt", "R"])
def test_a_barred_parent_under_another_spelling_is_asked_about(practice: Practice, given: str) -> None:
    sofia = factories.a_patient(practice)
    factories.a_contact(sofia, "Robert", "Smith", relationship="Father", email="", has_authority=False)
    asked = a_self_registration(practice, an_account("r@x.example", given, "Smith"), "Sofía", relationship="father")
    [candidate] = comparison.compare(asked, [sofia])
    assert "authority" in [each.key for each in candidate.safety_warnings]


# --- What was sent again, and ran out while a family was at it ---


def accept(registration: Registration) -> None:
    OutgoingMessage.objects.filter(registration=registration).update(state="accepted", due_at=None)


def again(registration: Registration, actor: Actor) -> Registration:
    return registrations.send_again(registration, session_key=SESSION, actor=actor)


@pytest.fixture
def earlier(clock: time_machine.Traveller, patient: Patient, mother: Contact, actor: Actor) -> VerifiedKey:
    """Opened five minutes before it runs out."""
    registration = issue([patient], mother, actor, delivery=EMAIL)
    accept(registration)
    key = pin_of(registration)
    clock.shift(timedelta(days=7, minutes=-5))
    return opened(key)


def of(key: VerifiedKey) -> Registration:
    return Registration.objects.get(pk=key.registration_id)


def test_the_one_before_does_not_come_back_when_the_newer_is_revoked(
    clock: time_machine.Traveller, earlier: VerifiedKey, actor: Actor
) -> None:
    newer = again(of(earlier), actor)
    accept(newer)
    clock.shift(timedelta(minutes=10))
    lifecycle.expire_due()
    assert lifecycle.revoke(newer, reason="A court order.", actor=actor)
    assert of(earlier).state == "superseded"
    with pytest.raises(NotClaimable):
        claim(earlier)


def test_one_grant_is_one_account(clock: time_machine.Traveller, earlier: VerifiedKey, actor: Actor) -> None:
    clock.shift(timedelta(minutes=6))
    lifecycle.expire_due()
    newer = again(of(earlier), actor)
    claim(opened(pin_of(newer)))
    with pytest.raises(NotClaimable):
        claim(earlier, email="another@families.example")


def test_sent_again_while_it_still_waits_there_are_not_three(patient: Patient, mother: Contact, actor: Actor) -> None:
    first = issue([patient], mother, actor, delivery=EMAIL)
    accept(first)
    second = again(first, actor)
    assert again(second, actor) == second
    OutgoingMessage.objects.filter(registration=second).update(state="failed", due_at=None)
    third = again(second, actor)
    assert third.replaces == first
    accept(third)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == {third}
