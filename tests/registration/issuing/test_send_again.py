"""Sending again: a new credential for the same people. The old one stays valid until the new message is accepted."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration import pins
from registration.issuing import lifecycle, pin_display, registrations
from registration.issuing.safety_checks import OverrideRequired
from registration.models import AccessLevel, Registration
from registration.values import ByEmail, ByQuestion, ByText, Proxy, Recipient, Refused, ToAccount
from tests import factories
from tests.factories import SESSION_KEY, an_account, issue_registration
from tests.smtp import MailServer

EMAIL = ByEmail("elena@families.example")


def again(registration: Registration, actor: Actor) -> Registration:
    return registrations.send_again(registration, session_key=SESSION_KEY, actor=actor)


@pytest.fixture
def registration(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> Registration:
    """Return a registration for two children, in Spanish, by email."""
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    factories.a_contact(mateo)
    options: dict[str, Any] = {"language": "es", "identified_by": "photo_id", "risk_acknowledged": True}
    return issue_registration([patient, mateo], mother, actor=actor, delivery=EMAIL, **options)


def test_new_pin_covers_the_same_people_on_the_same_terms(registration: Registration, actor: Actor) -> None:
    new = again(registration, actor)
    for same in (
        "recipient_key",
        "recipient_name",
        "contact",
        "delivery",
        "language",
        "identified_by",
        "risk_acknowledged",
    ):
        assert getattr(new, same) == getattr(registration, same), same
    assert set(new.patients.all()) == set(registration.patients.all())
    assert new.replaces == registration
    assert new.message is not None
    assert registration.message is not None
    assert new.message.recipient == registration.message.recipient
    pin = pin_display.find_pin(new, session_key=SESSION_KEY)
    assert pin is not None
    assert pin.shown in new.message.content.text
    assert not pins.matches(pin.characters, registration.digest)
    issued = AuditEvent.objects.filter(action="registration_issued", details__registration=str(new.pk))
    assert [event.details["sent_again"] for event in issued] == [True, True], "one event per child"


def test_old_pin_stays_valid_until_the_new_message_is_accepted(
    registration: Registration, actor: Actor, mail_server: MailServer
) -> None:
    new = again(registration, actor)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    call_command("deliver", "--once", verbosity=0)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == {registration, new}

    mail_server.answer = lambda _: "250 2.0.0 accepted"
    OutgoingMessage.objects.filter(state="queued").update(due_at=timezone.now())
    call_command("deliver", "--once", verbosity=0)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == {new}


@pytest.mark.parametrize("is_accepted_before", [True, False])
def test_revoking_the_resend_keeps_the_old_pin_unless_the_resend_arrived(
    registration: Registration, actor: Actor, is_accepted_before: bool
) -> None:
    new = again(registration, actor)
    accepted = OutgoingMessage.objects.filter(registration=new)
    if is_accepted_before:
        accepted.update(state="accepted", due_at=None)
    else:
        accepted.update(state="sending")
    assert lifecycle.revoke(new, reason="The wrong address.", actor=actor)
    accepted.update(state="accepted", due_at=None)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == (set() if is_accepted_before else {registration})


def test_second_click_sends_once(registration: Registration, actor: Actor) -> None:
    assert again(registration, actor) == again(registration, actor)
    assert OutgoingMessage.objects.count() == 2


@pytest.mark.parametrize("which", ["the first", "the one that failed"])
def test_failed_resend_is_superseded_by_the_next_one(
    registration: Registration, actor: Actor, mail_server: MailServer, which: str
) -> None:
    call_command("deliver", "--once", verbosity=0)
    failed = again(registration, actor)
    mail_server.answer = lambda _: "554 5.7.1 looks like spam"
    call_command("deliver", "--once", verbosity=0)
    new = again(registration if which == "the first" else failed, actor)
    assert again(failed, actor) == again(registration, actor) == new
    assert set(Registration.objects.live()) == {registration, new}
    mail_server.answer = lambda _: "250 2.0.0 accepted"
    call_command("deliver", "--once", verbosity=0)
    lifecycle.supersede_replaced()
    assert set(Registration.objects.live()) == {new}


def test_later_registration_supersedes_both(
    registration: Registration, patient: Patient, mother: Contact, actor: Actor
) -> None:
    again(registration, actor)
    newest = issue_registration(patient, mother, actor=actor)
    assert set(Registration.objects.live()) == {newest}


def test_resent_link_has_the_same_question(patient: Patient, mother: Contact, actor: Actor) -> None:
    question = ByQuestion("First pet?", "Rex")
    registration = issue_registration(patient, mother, actor=actor, method=question, delivery=EMAIL)
    new = again(registration, actor)
    assert (new.question, new.answer_digest) == (registration.question, registration.answer_digest)
    assert new.digest != registration.digest
    assert new.message is not None
    assert pins.matches(new.message.content.text.split("#q=")[1].split()[0], new.digest)


def test_resent_text_uses_the_same_carrier(patient: Patient, mother: Contact, actor: Actor) -> None:
    text = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    new = again(issue_registration(patient, mother, actor=actor, delivery=text), actor)
    assert new.carrier == text.carrier
    assert new.message is not None
    assert new.message.recipient == "6125550161@vtext.com"


def test_failed_message_can_be_sent_again_after_expiry(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor, delivery=EMAIL)
        OutgoingMessage.objects.update(state="failed", due_at=None, finished_at=timezone.now())
        clock.shift(timedelta(days=8))
        lifecycle.expire_due()
        registration.refresh_from_db()
        assert again(registration, actor).is_live
    patient.refresh_from_db()
    assert patient.portal_status == "pending"


def test_expired_registration_is_sent_again_once(desk: Client, patient: Patient, mother: Contact, actor: Actor) -> None:
    """If a family is a day late, staff need not fill in the window again."""
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False):
        registration = issue_registration(patient, mother, actor=actor, delivery=EMAIL)
    assert not registration.is_live
    for _ in range(2):  # Before `expire_due` has run, and after.
        page = desk.get(f"/patients/{patient.pk}/registrations/").content.decode()
        assert path(registration) in page
        lifecycle.expire_due()
        registration.refresh_from_db()
    new = again(registration, actor)
    assert (new.recipient_key, new.message and new.message.recipient) == (registration.recipient_key, EMAIL.address)
    assert again(registration, actor) == new
    registration.refresh_from_db()
    assert registration.state == Registration.State.EXPIRED
    page = desk.get(f"/patients/{patient.pk}/registrations/").content.decode()
    assert path(new) in page
    assert path(registration) not in page, "the new one may be sent again, in place of the old one"


def test_in_person_revoked_and_account_registrations_cannot_be_sent_again(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    in_person = issue_registration(patient, mother, actor=actor)
    revoked = issue_registration(
        patient, Recipient(name="Rosa Prado"), actor=actor, delivery=ByEmail("rosa@families.example")
    )
    lifecycle.revoke(revoked, reason="mistake", actor=actor)
    offered = issue_registration(
        patient, Recipient(name="Ana Prado"), actor=actor, method=ToAccount(an_account()), delivery=EMAIL
    )
    for registration in (in_person, revoked, offered):
        registration.refresh_from_db()
        assert not registrations.can_send_again(registration)
        with pytest.raises(Refused, match="cannot be sent again"):
            again(registration, actor)
    assert Registration.objects.count() == 3


def test_resent_proxy_registration_keeps_its_end_date(patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        proxy = Proxy(level=AccessLevel.LIMITED, authorization="Consent, on file", ends_on=date(2026, 11, 26))
        registration = issue_registration(
            patient, Recipient(name="Rosa Prado"), actor=actor, delivery=EMAIL, proxy=proxy
        )
        new = again(registration, actor)
        assert (new.level, new.access_ends_on, new.authorization) == ("limited", proxy.ends_on, "Consent, on file")
        OutgoingMessage.objects.update(state="failed")
        clock.shift(timedelta(days=3))
        with pytest.raises(Refused, match="last day"):
            again(new, actor)


@pytest.mark.parametrize("change", [{"has_authority": False}, {"in_source": False}])
def test_sending_again_repeats_the_checks(registration: Registration, actor: Actor, change: dict[str, Any]) -> None:
    Contact.objects.filter(registrations=registration).update(**change)
    registration.refresh_from_db()
    with pytest.raises((OverrideRequired, Refused)):
        again(registration, actor)
    assert Registration.objects.count() == 1


# --- At the desk ---


def path(registration: Registration) -> str:
    return f"/registrations/{registration.pk}/send-again/"


def test_page_confirms_then_shows_the_new_pin(desk: Client, registration: Registration) -> None:
    html = desk.get(path(registration)).content.decode()
    assert "elena@families.example" in html
    assert "stays valid until the new message is accepted" in html
    assert Registration.objects.count() == 1

    first, second = (desk.post(path(registration)).content.decode() for _ in range(2))
    assert "Registration completed" in first
    assert "The earlier PIN stays valid until this message is accepted." in first
    assert "García-López, Sofía" in first
    assert "García-López, Mateo" in first
    shown = first.split('class="pin"')[1].split("</p>")[0]
    assert shown in second
    new = Registration.objects.exclude(pk=registration.pk).get()
    assert desk.get(f"/registrations/{new.pk}/sheet.pdf").status_code == 200


def test_page_shows_safety_warnings(desk: Client, registration: Registration) -> None:
    OutgoingMessage.objects.update(state="failed", address_refused=True, finished_at=timezone.now())
    response = desk.post(path(registration))
    html = response.content.decode()
    assert response.status_code == 422
    assert "bounced. Ask the family" in html
    assert "Nothing has been issued or sent yet" in html
    assert Registration.objects.count() == 1
    assert desk.post(path(registration), {"confirmed_refused": "Their mailbox was full."}).status_code == 200
    assert Registration.objects.count() == 2


def test_ended_registration_redirects_with_the_reason(desk: Client, registration: Registration, actor: Actor) -> None:
    lifecycle.revoke(registration, reason="mistake", actor=actor)
    assert "cannot be sent again" in desk.get(path(registration)).content.decode()
    assert "cannot be sent again" in desk.post(path(registration), follow=True).content.decode()


def test_registration_of_another_practice_is_not_found(
    client: Client, other_practice: Practice, registration: Registration
) -> None:
    client.force_login(factories.a_member(other_practice, email="desk@harborstreet.example"))
    assert client.post(path(registration)).status_code == 404
    assert Registration.objects.count() == 1


def test_proxy_terms_are_kept_when_a_warning_is_shown_first(
    desk: Client, practice: Practice, patient: Patient, actor: Actor
) -> None:
    """A regression: the terms were lost, so a grandmother with one year of access got it permanently."""
    today = timezone.localdate()
    Patient.objects.update(birth_date=today.replace(year=today.year - 14, day=1))
    ends_on = today + timedelta(days=200)
    proxy = Proxy(level=AccessLevel.LIMITED, authorization="Consent of the mother", ends_on=ends_on)
    grandmother = Recipient(name="Rosa García", relationship="Grandparent")
    teen = {"teen": "The teen asked for it."}
    first = issue_registration(patient, grandmother, actor=actor, delivery=EMAIL, proxy=proxy, override_reasons=teen)
    page = desk.get(path(first)).content.decode()
    assert "limited access until" in page
    response = desk.post(path(first))
    assert response.status_code == 422
    assert "Teens may have a right to privacy" in response.content.decode()
    assert desk.post(path(first), {"confirmed_teen": ""}).status_code == 422
    assert Registration.objects.count() == 1
    assert desk.post(path(first), {"confirmed_teen": "Still so."}).status_code == 200
    new = Registration.objects.get(replaces=first)
    assert (new.recipient_name, new.recipient_relationship) == ("Rosa García", "Grandparent")
    assert (new.level, new.authorization, new.access_ends_on) == ("limited", "Consent of the mother", ends_on)
    assert new.override_reasons == {"teen": "Still so."}
