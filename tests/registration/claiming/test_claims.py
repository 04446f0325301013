"""Claims: a PIN or link opens a registration, dates of birth confirm the children, and an account gets access."""

from datetime import date, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Actor
from portal.models import AuditEvent, Practice, User
from registration import pins
from registration.access import accounts, associations
from registration.claiming import claims, rate_limits, verification
from registration.claiming.rate_limits import TooManyAttempts
from registration.claiming.verification import NotClaimable, VerifiedKey, WrongAnswer, WrongBirthDate
from registration.issuing import declines, lifecycle, pin_display
from registration.models import AccessLevel, Association, AttemptCounter, PortalAccount, Registration
from registration.pins import Pin
from registration.values import ByEmail, ByQuestion, Proxy, Recipient
from tests import factories
from tests.claim_steps import BORN, HOME, claim, pin_of
from tests.factories import SESSION_KEY, issue_registration


def failures() -> list[str]:
    events = AuditEvent.objects.filter(action="claim_failed").order_by("id")
    return [event.details["failure"] for event in events]


@pytest.fixture
def sibling(practice: Practice, patient: Patient) -> Patient:
    sibling = factories.a_patient(practice, "Mateo", birth_date=date(2016, 8, 1))
    factories.a_contact(sibling)
    return sibling


def test_correct_pin_and_birth_date_give_a_new_account_access(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    key = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    account = claim(VerifiedKey.from_data(key.as_data()))

    patient.refresh_from_db()
    registration.refresh_from_db()
    association = Association.objects.get()
    assert patient.portal_status == PortalStatus.REGISTERED
    assert (registration.state, registration.claimed_by) == ("claimed", account)
    assert (association.account, association.relationship, association.level) == (account, "mother", "full")
    assert association.registration == registration
    assert pin_display.find_pin(registration, session_key=SESSION_KEY) is None
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions[-3:] == ["registration_claimed", "access_given", "account_created"]
    assert AuditEvent.objects.filter(action="access_given").get().actor == account.user
    assert AttemptCounter.objects.filter(count__gt=0).count() == 0


def test_pin_cannot_be_claimed_twice(patient: Patient, mother: Contact, actor: Actor) -> None:
    pin = pin_of(issue_registration(patient, mother, actor=actor))
    first, second = (verification.verify_pin(pin, BORN, address=HOME) for _ in range(2))
    claim(first)
    with pytest.raises(NotClaimable):
        claim(second, "pablo@families.example")
    assert PortalAccount.objects.count() == User.objects.filter(memberships=None).count() == 1
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)
    assert failures() == ["claimed"]


def test_child_left_for_later_is_confirmed_with_its_own_birth_date(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration([patient, sibling], mother, actor=actor)
    key = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    assert key.confirmed_patient_ids == {patient.pk}
    with pytest.raises(WrongBirthDate):
        verification.verify_child(key, sibling.pk, BORN, address=HOME)
    account = claim(key)
    assert not sibling.associations.exists()

    registration.refresh_from_db()
    with pytest.raises(WrongBirthDate):
        claims.confirm_later(registration, sibling.pk, BORN, account=account, address=HOME)
    claims.confirm_later(registration, sibling.pk, date(2016, 8, 1), account=account, address=HOME)
    sibling.refresh_from_db()
    assert sibling.portal_status == PortalStatus.REGISTERED
    assert sibling.associations.get().relationship == "mother"


def test_two_confirmed_children_are_claimed_together(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    key = verification.verify_pin(
        pin_of(issue_registration([patient, sibling], mother, actor=actor)), BORN, address=HOME
    )
    key = verification.verify_child(key, sibling.pk, date(2016, 8, 1), address=HOME)
    assert claim(key).associations.count() == 2


def test_one_birth_date_confirms_twins(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    twin = factories.a_patient(practice, "Ana", birth_date=BORN)
    factories.a_contact(twin)
    key = verification.verify_pin(pin_of(issue_registration([patient, twin], mother, actor=actor)), BORN, address=HOME)
    assert key.confirmed_patient_ids == {patient.pk, twin.pk}


def test_child_cannot_be_added_after_the_pin_would_have_expired(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration([patient, sibling], mother, actor=actor)
        account = claim(verification.verify_pin(pin_of(registration), BORN, address=HOME))
        registration.refresh_from_db()
        clock.shift(timedelta(days=7))
        with pytest.raises(NotClaimable):
            claims.confirm_later(registration, sibling.pk, date(2016, 8, 1), account=account, address=HOME)


# --- Rejected attempts, and the reason that staff see ---


def test_wrong_birth_date_counts_an_attempt_and_is_recorded(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin_of(registration), date(2019, 5, 3), address=HOME)
    registration.refresh_from_db()
    assert registration.wrong_attempts == 1
    assert failures() == ["wrong_birth_date"]
    assert AuditEvent.objects.filter(action="claim_failed").get().address == HOME


def test_unknown_pin_is_recorded_as_unknown(patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pins.generate(), BORN, address=HOME)
    assert failures() == ["unknown_pin"]


def test_correct_selector_with_wrong_secret_is_recorded_as_wrong_pin(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    mistyped = Pin(pin_of(registration).selector + "00000000")
    with pytest.raises(NotClaimable):
        verification.verify_pin(mistyped, BORN, address=HOME)
    assert failures() == ["wrong_pin"]


def test_revoked_superseded_and_expired_pins_are_rejected(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        revoked = issue_registration(patient, mother, actor=actor)
        revoked_pin = pin_of(revoked)
        lifecycle.revoke(revoked, reason="wrong address", actor=actor)
        superseded_pin = pin_of(issue_registration(patient, mother, actor=actor))
        expired_pin = pin_of(issue_registration(patient, mother, actor=actor))
        clock.shift(timedelta(days=7))
        for pin in (revoked_pin, superseded_pin, expired_pin):
            with pytest.raises(NotClaimable):
                verification.verify_pin(pin, BORN, address=HOME)
    assert failures() == ["revoked", "superseded", "expired"]


def test_five_wrong_attempts_lock_the_pin_for_good(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    pin = pin_of(registration)
    for _ in range(5):
        with pytest.raises(NotClaimable):
            verification.verify_pin(pin, date(2018, 1, 1), address=HOME)
    registration.refresh_from_db()
    patient.refresh_from_db()
    assert registration.state == Registration.State.LOCKED
    assert patient.portal_status == PortalStatus.UNREGISTERED
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)
    assert failures() == ["wrong_birth_date"] * 5 + ["locked"]


def test_new_pin_does_not_reset_the_attempts_on_the_patient(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        for number in range(2):
            pin = pin_of(issue_registration(patient, mother, actor=actor))
            for _ in range(5):
                with pytest.raises(NotClaimable):
                    verification.verify_pin(pin, date(2018, 1, 1), address=f"198.51.100.{number}")
        third = pin_of(issue_registration(patient, mother, actor=actor))
        with pytest.raises(NotClaimable):
            verification.verify_pin(third, BORN, address="198.51.100.9")
        assert failures()[-1] == "no_attempts_left"
        clock.shift(timedelta(days=1))
        verification.verify_pin(third, BORN, address="198.51.100.9")


@pytest.mark.slow
def test_address_gets_twenty_wrong_attempts_per_hour(db: None) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        for _ in range(20):
            with pytest.raises(NotClaimable):
                verification.verify_pin(pins.generate(), BORN, address="2001:db8::1")
        for address in ("2001:db8::1", "2001:db8::ffff"):
            with pytest.raises(TooManyAttempts):
                verification.verify_pin(pins.generate(), BORN, address=address)
        assert AuditEvent.objects.filter(action="tries_limited").count() == 1
        with pytest.raises(NotClaimable):
            verification.verify_pin(pins.generate(), BORN, address="2001:db8:0:1::1")
        clock.shift(timedelta(hours=1))
        with pytest.raises(NotClaimable):
            verification.verify_pin(pins.generate(), BORN, address="2001:db8::1")


def _is_attempt_allowed(address: str) -> bool:
    """Count an attempt without comparing anything."""
    try:
        with transaction.atomic():
            rate_limits.consume_attempt(address)
    except TooManyAttempts:
        return False
    return True


@pytest.mark.slow
def test_networks_of_one_site_cannot_use_up_the_global_limit(db: None) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        allowed = [_is_attempt_allowed(f"2001:db8:7:{number:x}::1") for number in range(150)]
        assert allowed == [True] * 100 + [False] * 50
        assert _is_attempt_allowed("2001:db8:8::1")
        assert _is_attempt_allowed(HOME)
        assert AttemptCounter.objects.get(key="all::2000/3600").count == 102


def test_guessing_document_states_the_addresses_needed_to_lock_everyone_out() -> None:
    document = (settings.BASE_DIR / "docs" / "guessing.md").read_text()
    an_hour, a_day = (
        {limit.within: limit.maximum for limit in rate_limits.GLOBAL}[timedelta(hours=n)] for n in (1, 24)
    )
    for name, limits in (("IPv4 addresses", rate_limits.PER_NETWORK), ("IPv6 /48s", rate_limits.PER_SITE)):
        maximum = {limit.within: limit.maximum for limit in limits}
        per_hour, per_day = maximum[timedelta(hours=1)], maximum[timedelta(days=1)]
        hourly = f"{an_hour:,} / {per_hour} = {-(-an_hour // per_hour)}"
        daily = f"{a_day:,} / {per_day} = {-(-a_day // per_day)}"
        assert f"| {name} | {hourly} | {daily} |" in document


def test_global_limit_stops_attempts_from_every_address(db: None) -> None:
    AttemptCounter.objects.create(key="all::2000/3600", since=timezone.now(), count=1_999)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pins.generate(), BORN, address="198.51.100.1")
    with pytest.raises(TooManyAttempts):
        verification.verify_pin(pins.generate(), BORN, address="198.51.100.2")


# --- Verification questions ---


@pytest.fixture
def link(patient: Patient, mother: Contact, actor: Actor) -> tuple[Registration, str]:
    question = ByQuestion("What is the name of the family's first pet?", "Rex")
    registration = issue_registration(
        patient, mother, actor=actor, method=question, delivery=ByEmail("elena@families.example")
    )
    assert registration.message is not None
    return registration, registration.message.content.text.split("#q=")[1].split()[0]


def test_link_cannot_be_claimed_before_the_answer_is_correct(link: tuple[Registration, str]) -> None:
    key = verification.verify_link(link[1], BORN, address=HOME)
    with pytest.raises(NotClaimable):
        claim(key)
    claim(verification.verify_answer(key, " réx", address=HOME))


def test_three_wrong_answers_lock_the_registration(link: tuple[Registration, str]) -> None:
    registration, token = link
    key = verification.verify_link(token, BORN, address=HOME)
    for _ in range(2):
        with pytest.raises(WrongAnswer):
            verification.verify_answer(key, "Bello", address=HOME)
    with pytest.raises(NotClaimable):
        verification.verify_answer(key, "Hasso", address=HOME)
    registration.refresh_from_db()
    assert registration.state == Registration.State.LOCKED
    with pytest.raises(NotClaimable):
        verification.verify_answer(key, "Rex", address=HOME)


# --- Changes between the PIN and the claim ---


def test_family_that_started_in_time_can_claim_an_expired_registration(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        key = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=29))
        lifecycle.expire_due()
        registration.refresh_from_db()
        assert registration.state == Registration.State.EXPIRED
        claim(key)


def pin_of_expiring(registration: Registration, actor: Actor) -> Pin:
    """Replace the PIN by one we know, because the PIN is only displayed for 15 minutes."""
    pin = pins.generate()
    Registration.objects.filter(pk=registration.pk).update(selector=pin.selector, digest=pins.digest(pin.characters))
    return pin


def test_expired_registration_cannot_be_claimed_after_thirty_minutes(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        key = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=31))
        with pytest.raises(NotClaimable):
            claim(key)


def test_registration_revoked_after_the_pin_was_entered_cannot_be_claimed(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    key = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    lifecycle.revoke(registration, reason="wrong person", actor=actor)
    with pytest.raises(NotClaimable):
        claim(key)
    assert not PortalAccount.objects.exists()


def test_child_that_reached_the_age_limit_cannot_be_claimed(practice: Practice, actor: Actor) -> None:
    eighteen_tomorrow = date(2008, 11, 24)
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        teen = factories.a_patient(practice, birth_date=eighteen_tomorrow)
        registration = issue_registration(
            teen, factories.a_contact(teen), actor=actor, override_reasons={"teen": "She is with her mother."}
        )
        clock.shift(timedelta(days=1))
        key = verification.verify_pin(pin_of_expiring(registration, actor), eighteen_tomorrow, address=HOME)
        with pytest.raises(NotClaimable):
            claim(key)
    assert not Association.objects.exists()


def test_claim_with_a_taken_email_changes_nothing(
    patient: Patient, mother: Contact, actor: Actor, front_desk: User
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    key = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    with pytest.raises(accounts.EmailTaken):
        claim(key, front_desk.email)
    assert not PortalAccount.objects.exists()
    registration.refresh_from_db()
    assert registration.is_live


def test_claim_cancels_a_queued_message(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    claim(verification.verify_pin(pin_of(registration), BORN, address=HOME))
    assert registration.message is not None
    assert OutgoingMessage.objects.get(pk=registration.message.pk).state == OutgoingMessage.State.CANCELLED


def test_new_pin_restores_access_that_was_removed(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    Association.objects.update(ended_at=timezone.now(), ending="removed")
    key = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    claims.claim(key, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    assert patient.associations.count() == 2
    assert patient.associations.live().count() == 1


def test_claim_by_an_account_with_access_adds_no_second_association(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    key = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    claims.claim(key, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    assert patient.associations.count() == 1


def test_ten_thousand_addresses_have_less_than_one_in_a_million_chance_per_day(db: None) -> None:
    """Check the arithmetic of docs/guessing.md. The factor of two is for a period that ends in between."""
    live_pins, addresses = 10_000, 10_000
    a_day = {limit.within: limit.maximum for limit in rate_limits.GLOBAL}[timedelta(days=1)]
    per_addresses = addresses * {limit.within: limit.maximum for limit in rate_limits.PER_NETWORK}[timedelta(days=1)]
    per_patient = {limit.within: limit.maximum for limit in rate_limits.PER_PATIENT}[timedelta(days=1)]
    attempts = 2 * min(a_day, per_addresses)
    secret_bits = 5 * (pins.LENGTH - len(pins.generate().selector))
    assert attempts * live_pins / 2 ** (5 * pins.LENGTH) < 1e-6
    assert min(attempts, live_pins * rate_limits.MAX_PIN_ATTEMPTS) / 2**secret_bits < 1e-6
    assert live_pins * rate_limits.MAX_PIN_ATTEMPTS / 2**secret_bits < 1e-6
    assert 2 * per_patient / 2**secret_bits < 1e-6


# --- Removed access stays removed ---


def remove(association: Association, actor: Actor) -> None:
    assert associations.remove(association, reason="A court order.", on=None, actor=actor)


def test_removed_access_cannot_be_restored_by_adding_a_child_later(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    both = issue_registration([patient, sibling], mother, actor=actor)
    key = verification.verify_pin(pin_of(both), date(2016, 8, 1), address=HOME)
    claims.claim(key, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    remove(patient.associations.get(), actor)
    both.refresh_from_db()
    with pytest.raises(NotClaimable):
        claims.confirm_later(both, patient.pk, BORN, account=account, address=HOME)
    assert not patient.associations.live().exists()


def test_removing_access_revokes_outstanding_pins_of_the_same_person(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    outstanding = issue_registration(patient, mother, actor=actor)
    pin = pin_of(outstanding)
    remove(account.associations.get(), actor)
    outstanding.refresh_from_db()
    patient.refresh_from_db()
    assert (outstanding.state, patient.portal_status) == ("revoked", PortalStatus.UNREGISTERED)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)


@pytest.mark.parametrize("change", [{"has_authority": False}, {"active": False}])
def test_contact_who_lost_authority_cannot_claim(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, bool]
) -> None:
    key = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    Contact.objects.filter(pk=mother.pk).update(**change)
    with pytest.raises(NotClaimable):
        claim(key)


def test_family_that_declined_after_expiry_cannot_claim(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        key = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=5))
        lifecycle.expire_due()
        declines.decline(patient, reason="Prefers to call.", ask_again_on=None, actor=actor)
        with pytest.raises(NotClaimable):
            claim(key)
    assert patient.declines.live().exists()


def test_notice_names_only_the_child_that_is_new(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    first = issue_registration(sibling, sibling.contacts.get(), actor=actor)
    account = claim(verification.verify_pin(pin_of(first), date(2016, 8, 1), address=HOME))
    key = verification.verify_pin(
        pin_of(issue_registration([sibling, patient], mother, actor=actor)), BORN, address=HOME
    )
    key = verification.verify_child(key, sibling.pk, date(2016, 8, 1), address=HOME)
    claims.claim(key, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    text = OutgoingMessage.objects.order_by("-created_at")[0].content.text
    assert "S.G." in text
    assert "M.G." not in text
    assert AuditEvent.objects.filter(action="access_given").count() == 2


def test_claim_renews_proxy_access_before_it_ends(patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        nanny = Recipient(name="Rosa Prado", relationship="Nanny")

        def issue_proxy(last_day: date, authorization: str) -> Registration:
            proxy = Proxy(level=AccessLevel.FULL, authorization=authorization, ends_on=last_day)
            return issue_registration(patient, nanny, actor=actor, proxy=proxy)

        account = claim(verification.verify_pin(pin_of(issue_proxy(date(2026, 11, 30), "May")), BORN, address=HOME))
        clock.shift(timedelta(days=3))
        key = verification.verify_pin(pin_of(issue_proxy(date(2027, 6, 30), "November")), BORN, address=HOME)
        claims.claim(key, account=account, relationship="other", actor=accounts.actor_for(account, HOME))
        (association,) = patient.associations.all()
        assert association.authorization == "November"
        clock.shift(timedelta(days=60))
        assert association.is_live
