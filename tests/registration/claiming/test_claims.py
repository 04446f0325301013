"""The family's half of a PIN's life: the key opens, the dates of birth confirm, an account claims; and nothing else does."""

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


def why() -> list[str]:
    return [each.details["why"] for each in AuditEvent.objects.filter(action="claim_failed").order_by("id")]


@pytest.fixture
def sibling(practice: Practice, patient: Patient) -> Patient:
    sibling = factories.a_patient(practice, "Mateo", birth_date=date(2016, 8, 1))
    factories.a_contact(sibling)
    return sibling


def test_from_the_pin_to_the_account(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    opened = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    account = claim(VerifiedKey.from_data(opened.as_data()))

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


def test_a_pin_is_claimed_once(patient: Patient, mother: Contact, actor: Actor) -> None:
    pin = pin_of(issue_registration(patient, mother, actor=actor))
    first, second = (verification.verify_pin(pin, BORN, address=HOME) for _ in range(2))
    claim(first)
    with pytest.raises(NotClaimable):
        claim(second, "pablo@families.example")
    assert PortalAccount.objects.count() == User.objects.filter(memberships=None).count() == 1
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)
    assert why() == ["claimed"]


def test_each_child_is_confirmed_with_its_own_date_and_one_may_be_left_for_later(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration([patient, sibling], mother, actor=actor)
    opened = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    assert opened.confirmed_patient_ids == {patient.pk}
    with pytest.raises(WrongBirthDate):
        verification.verify_child(opened, sibling.pk, BORN, address=HOME)
    account = claim(opened)
    assert not sibling.associations.exists()

    registration.refresh_from_db()
    with pytest.raises(WrongBirthDate):
        claims.confirm_later(registration, sibling.pk, BORN, account=account, address=HOME)
    claims.confirm_later(registration, sibling.pk, date(2016, 8, 1), account=account, address=HOME)
    sibling.refresh_from_db()
    assert sibling.portal_status == PortalStatus.REGISTERED
    assert sibling.associations.get().relationship == "mother"


def test_both_at_once(patient: Patient, sibling: Patient, mother: Contact, actor: Actor) -> None:
    opened = verification.verify_pin(
        pin_of(issue_registration([patient, sibling], mother, actor=actor)), BORN, address=HOME
    )
    opened = verification.verify_child(opened, sibling.pk, date(2016, 8, 1), address=HOME)
    assert claim(opened).associations.count() == 2


def test_twins_are_confirmed_by_one_date(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    twin = factories.a_patient(practice, "Ana", birth_date=BORN)
    factories.a_contact(twin)
    opened = verification.verify_pin(
        pin_of(issue_registration([patient, twin], mother, actor=actor)), BORN, address=HOME
    )
    assert opened.confirmed_patient_ids == {patient.pk, twin.pk}


def test_later_is_over_when_the_pin_would_be(patient: Patient, sibling: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration([patient, sibling], mother, actor=actor)
        account = claim(verification.verify_pin(pin_of(registration), BORN, address=HOME))
        registration.refresh_from_db()
        clock.shift(timedelta(days=7))
        with pytest.raises(NotClaimable):
            claims.confirm_later(registration, sibling.pk, date(2016, 8, 1), account=account, address=HOME)


# --- What does not open, and what the desk learns of it ---


def test_a_wrong_date_of_birth(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin_of(registration), date(2019, 5, 3), address=HOME)
    registration.refresh_from_db()
    assert registration.wrong_attempts == 1
    assert why() == ["date of birth"]
    assert AuditEvent.objects.filter(action="claim_failed").get().address == HOME


def test_a_pin_of_nobody(patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pins.generate(), BORN, address=HOME)
    assert why() == ["nobody's"]


def test_a_typo_behind_the_selector(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    mistyped = Pin(pin_of(registration).selector + "00000000")
    with pytest.raises(NotClaimable):
        verification.verify_pin(mistyped, BORN, address=HOME)
    assert why() == ["PIN"]


def test_what_has_ended_opens_no_more(patient: Patient, mother: Contact, actor: Actor) -> None:
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
    assert why() == ["revoked", "superseded", "expired"]


def test_five_wrong_tries_lock_it_and_the_right_pin_comes_too_late(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
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
    assert why() == ["date of birth"] * 5 + ["locked"]


def test_a_new_pin_does_not_reset_the_patients_count(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        for number in range(2):
            pin = pin_of(issue_registration(patient, mother, actor=actor))
            for _ in range(5):
                with pytest.raises(NotClaimable):
                    verification.verify_pin(pin, date(2018, 1, 1), address=f"198.51.100.{number}")
        third = pin_of(issue_registration(patient, mother, actor=actor))
        with pytest.raises(NotClaimable):
            verification.verify_pin(third, BORN, address="198.51.100.9")
        assert why()[-1] == "too many tries"
        clock.shift(timedelta(days=1))
        verification.verify_pin(third, BORN, address="198.51.100.9")


@pytest.mark.slow
def test_an_address_has_twenty_wrong_tries_an_hour(db: None) -> None:
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


def _wrong_try_from(address: str) -> bool:
    """Whether it was allowed; nothing is compared, as only the counts are looked at."""
    try:
        with transaction.atomic():
            rate_limits.consume_attempt(address)
    except TooManyAttempts:
        return False
    return True


@pytest.mark.slow
def test_the_networks_of_one_site_do_not_use_up_what_everybody_has(db: None) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        allowed = [_wrong_try_from(f"2001:db8:7:{number:x}::1") for number in range(150)]
        assert allowed == [True] * 100 + [False] * 50
        assert _wrong_try_from("2001:db8:8::1")
        assert _wrong_try_from(HOME)
        assert AttemptCounter.objects.get(key="all::2000/3600").count == 102


def test_what_it_costs_to_shut_everybody_out_is_what_the_document_says() -> None:
    document = (settings.BASE_DIR / "docs" / "guessing.md").read_text()
    an_hour, a_day = ({each.within: each.maximum for each in rate_limits.GLOBAL}[timedelta(hours=n)] for n in (1, 24))
    for name, limits in (("IPv4 addresses", rate_limits.PER_NETWORK), ("IPv6 /48s", rate_limits.PER_SITE)):
        most = {each.within: each.maximum for each in limits}
        of_hour, of_day = most[timedelta(hours=1)], most[timedelta(days=1)]
        hourly = f"{an_hour:,} / {of_hour} = {-(-an_hour // of_hour)}"
        daily = f"{a_day:,} / {of_day} = {-(-a_day // of_day)}"
        assert f"| {name} | {hourly} | {daily} |" in document


def test_there_is_a_limit_over_all(db: None) -> None:
    AttemptCounter.objects.create(key="all::2000/3600", since=timezone.now(), count=1_999)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pins.generate(), BORN, address="198.51.100.1")
    with pytest.raises(TooManyAttempts):
        verification.verify_pin(pins.generate(), BORN, address="198.51.100.2")


# --- With a question ---


@pytest.fixture
def link(patient: Patient, mother: Contact, actor: Actor) -> tuple[Registration, str]:
    question = ByQuestion("What is the name of the family's first pet?", "Rex")
    registration = issue_registration(
        patient, mother, actor=actor, method=question, delivery=ByEmail("elena@families.example")
    )
    assert registration.message is not None
    return registration, registration.message.content.text.split("#q=")[1].split()[0]


def test_a_link_the_date_of_birth_and_the_answer(link: tuple[Registration, str]) -> None:
    opened = verification.verify_link(link[1], BORN, address=HOME)
    with pytest.raises(NotClaimable):
        claim(opened)
    claim(verification.verify_answer(opened, " réx", address=HOME))


def test_three_wrong_answers_lock_it(link: tuple[Registration, str]) -> None:
    registration, token = link
    opened = verification.verify_link(token, BORN, address=HOME)
    for _ in range(2):
        with pytest.raises(WrongAnswer):
            verification.verify_answer(opened, "Bello", address=HOME)
    with pytest.raises(NotClaimable):
        verification.verify_answer(opened, "Hasso", address=HOME)
    registration.refresh_from_db()
    assert registration.state == Registration.State.LOCKED
    with pytest.raises(NotClaimable):
        verification.verify_answer(opened, "Rex", address=HOME)


# --- In time ---


def test_who_began_in_time_may_finish_what_ran_out_meanwhile(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        opened = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=29))
        lifecycle.expire_due()
        registration.refresh_from_db()
        assert registration.state == Registration.State.EXPIRED
        claim(opened)


def pin_of_expiring(registration: Registration, actor: Actor) -> Pin:
    """The reveal is gone after 15 minutes: a key of our own in its place."""
    pin = pins.generate()
    Registration.objects.filter(pk=registration.pk).update(selector=pin.selector, digest=pins.digest(pin.characters))
    return pin


def test_but_not_for_ever(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        opened = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=31))
        with pytest.raises(NotClaimable):
            claim(opened)


def test_revoked_while_the_family_was_at_it(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    opened = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    lifecycle.revoke(registration, reason="wrong person", actor=actor)
    with pytest.raises(NotClaimable):
        claim(opened)
    assert not PortalAccount.objects.exists()


def test_a_child_that_came_of_age_meanwhile(practice: Practice, actor: Actor) -> None:
    eighteen_tomorrow = date(2008, 11, 24)
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        teen = factories.a_patient(practice, birth_date=eighteen_tomorrow)
        registration = issue_registration(
            teen, factories.a_contact(teen), actor=actor, override_reasons={"teen": "She is with her mother."}
        )
        clock.shift(timedelta(days=1))
        opened = verification.verify_pin(pin_of_expiring(registration, actor), eighteen_tomorrow, address=HOME)
        with pytest.raises(NotClaimable):
            claim(opened)
    assert not Association.objects.exists()


def test_an_address_that_is_taken_leaves_nothing_half_made(
    patient: Patient, mother: Contact, actor: Actor, front_desk: User
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    opened = verification.verify_pin(pin_of(registration), BORN, address=HOME)
    with pytest.raises(accounts.EmailTaken):
        claim(opened, front_desk.email)
    assert not PortalAccount.objects.exists()
    registration.refresh_from_db()
    assert registration.is_live


def test_a_message_that_is_still_queued_is_taken_back(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    claim(verification.verify_pin(pin_of(registration), BORN, address=HOME))
    assert registration.message is not None
    assert OutgoingMessage.objects.get(pk=registration.message.pk).state == OutgoingMessage.State.CANCELLED


def test_a_child_whose_access_was_removed_is_added_again(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    Association.objects.update(ended_at=timezone.now(), ending="removed")
    opened = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    claims.claim(opened, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    assert patient.associations.count() == 2
    assert patient.associations.live().count() == 1


def test_an_account_that_has_access_already_gets_no_second(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    opened = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    claims.claim(opened, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    assert patient.associations.count() == 1


def test_a_bot_of_ten_thousand_addresses_has_less_than_one_chance_in_a_million_in_a_day(db: None) -> None:
    """docs/guessing.md, computed from the limits as they are; twice, because a window may turn in between."""
    live_pins, addresses = 10_000, 10_000
    a_day = {limit.within: limit.maximum for limit in rate_limits.GLOBAL}[timedelta(days=1)]
    of_addresses = addresses * {limit.within: limit.maximum for limit in rate_limits.PER_NETWORK}[timedelta(days=1)]
    of_one_patient = {limit.within: limit.maximum for limit in rate_limits.PER_PATIENT}[timedelta(days=1)]
    tries = 2 * min(a_day, of_addresses)
    secret_bits = 5 * (pins.LENGTH - len(pins.generate().selector))
    assert tries * live_pins / 2 ** (5 * pins.LENGTH) < 1e-6
    assert min(tries, live_pins * rate_limits.MAX_PIN_ATTEMPTS) / 2**secret_bits < 1e-6
    assert live_pins * rate_limits.MAX_PIN_ATTEMPTS / 2**secret_bits < 1e-6
    assert 2 * of_one_patient / 2**secret_bits < 1e-6


# --- What the desk has taken away stays away ---


def removed(association: Association, actor: Actor) -> None:
    assert associations.remove(association, reason="A court order.", on=None, actor=actor)


def test_removed_access_does_not_come_back_by_a_child_left_for_later(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    both = issue_registration([patient, sibling], mother, actor=actor)
    opened = verification.verify_pin(pin_of(both), date(2016, 8, 1), address=HOME)
    claims.claim(opened, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    removed(patient.associations.get(), actor)
    both.refresh_from_db()
    with pytest.raises(NotClaimable):
        claims.confirm_later(both, patient.pk, BORN, account=account, address=HOME)
    assert not patient.associations.live().exists()


def test_removing_access_ends_what_is_out_for_the_same_person(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = claim(
        verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    )
    out = issue_registration(patient, mother, actor=actor)
    pin = pin_of(out)
    removed(account.associations.get(), actor)
    out.refresh_from_db()
    patient.refresh_from_db()
    assert (out.state, patient.portal_status) == ("revoked", PortalStatus.UNREGISTERED)
    with pytest.raises(NotClaimable):
        verification.verify_pin(pin, BORN, address=HOME)


@pytest.mark.parametrize("change", [{"has_authority": False}, {"active": False}])
def test_a_contact_who_lost_the_right_claims_nothing(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, bool]
) -> None:
    opened = verification.verify_pin(pin_of(issue_registration(patient, mother, actor=actor)), BORN, address=HOME)
    Contact.objects.filter(pk=mother.pk).update(**change)
    with pytest.raises(NotClaimable):
        claim(opened)


def test_a_family_that_declined_in_the_minutes_of_grace_is_left_alone(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        clock.shift(timedelta(days=7, minutes=-1))
        opened = verification.verify_pin(pin_of_expiring(registration, actor), BORN, address=HOME)
        clock.shift(timedelta(minutes=5))
        lifecycle.expire_due()
        declines.decline(patient, reason="Prefers to ring.", ask_again_on=None, actor=actor)
        with pytest.raises(NotClaimable):
            claim(opened)
    assert patient.declines.live().exists()


def test_the_letter_names_the_child_that_is_new(
    patient: Patient, sibling: Patient, mother: Contact, actor: Actor
) -> None:
    first = issue_registration(sibling, sibling.contacts.get(), actor=actor)
    account = claim(verification.verify_pin(pin_of(first), date(2016, 8, 1), address=HOME))
    opened = verification.verify_pin(
        pin_of(issue_registration([sibling, patient], mother, actor=actor)), BORN, address=HOME
    )
    opened = verification.verify_child(opened, sibling.pk, date(2016, 8, 1), address=HOME)
    claims.claim(opened, account=account, relationship="mother", actor=accounts.actor_for(account, HOME))
    told = OutgoingMessage.objects.order_by("-created_at")[0].content.text
    assert "S.G." in told
    assert "M.G." not in told
    assert AuditEvent.objects.filter(action="access_given").count() == 2


def test_a_proxy_is_renewed_before_it_ends(patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        nanny = Recipient(name="Rosa Prado", relationship="Nanny")

        def issued(last_day: date, paper: str) -> Registration:
            return issue_registration(
                patient, nanny, actor=actor, proxy=Proxy(level=AccessLevel.FULL, authorization=paper, ends_on=last_day)
            )

        account = claim(verification.verify_pin(pin_of(issued(date(2026, 11, 30), "May")), BORN, address=HOME))
        clock.shift(timedelta(days=3))
        opened = verification.verify_pin(pin_of(issued(date(2027, 6, 30), "November")), BORN, address=HOME)
        claims.claim(opened, account=account, relationship="other", actor=accounts.actor_for(account, HOME))
        (association,) = patient.associations.all()
        assert association.authorization == "November"
        clock.shift(timedelta(days=60))
        assert association.is_live
