"""One registration: everything that belongs to it in one transaction, or nothing at all."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from notifications.models import Carrier, Content, OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration import pins
from registration.access import accounts
from registration.issuing import lifecycle, pin_display, registrations
from registration.models import Association, Decline, PinDisplay, PortalAccount, Registration, SelfRegistration
from registration.values import ByEmail, ByPin, ByQuestion, ByText, Delivery, InPerson, Method, Recipient, Refused
from tests import factories

SESSION = "a-session"


def of(contact: Contact) -> Recipient:
    return Recipient(name=contact.name, relationship=contact.relationship, contact=contact)


def issue(
    patient: Patient,
    recipient: Recipient,
    actor: Actor,
    *,
    method: Method = ByPin(),  # noqa: B008 - a constant
    delivery: Delivery = InPerson(),  # noqa: B008 - a constant
    window: uuid.UUID | None = None,
    siblings: Sequence[Patient] = (),
    **options: Any,
) -> Registration:
    return registrations.register_patients(
        practice=patient.practice,
        patients=[patient, *siblings],
        recipient=recipient,
        method=method,
        delivery=delivery,
        form_token=window or uuid.uuid4(),
        session_key=SESSION,
        actor=actor,
        **options,
    )


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_registration_by_email(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))

    patient.refresh_from_db()
    pin = pin_display.find_pin(registration, session_key=SESSION)
    assert pin is not None
    assert patient.portal_status == PortalStatus.PENDING
    assert patient.name_keys.filter(status=PortalStatus.PENDING).count() == patient.name_keys.count()
    assert registration.message is not None
    assert pin.shown in (registration.message.content.text)
    assert pins.matches(pin.characters, registration.digest)
    assert registration.selector == pin.selector
    assert registration.expires_at - registration.issued_at == timedelta(days=7)
    assert actions() == ["registration_issued"]
    assert AuditEvent.objects.get().patient_id == patient.pk


def test_the_clear_pin_stands_in_no_column(patient: Patient, mother: Contact, actor: Actor) -> None:
    from django.db import connection

    registration = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    pin = pin_display.find_pin(registration, session_key=SESSION)
    assert pin is not None
    dump = ""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            dump += repr(cursor.fetchall())
    assert "elena@families.example" in dump
    assert pin.characters not in dump
    assert pin.shown not in dump


def test_the_same_recipient_gets_a_new_pin_and_the_old_one_is_superseded(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    first = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    second = issue(patient, of(mother), actor)

    first.refresh_from_db()
    assert first.state == Registration.State.SUPERSEDED
    assert first.message is not None
    assert OutgoingMessage.objects.get(pk=first.message.pk).state == OutgoingMessage.State.CANCELLED
    assert list(patient.registrations.live()) == [second]
    assert pin_display.find_pin(first, session_key=SESSION) is None
    assert actions() == ["registration_issued", "registration_superseded", "registration_issued"]


def test_each_parent_has_a_pin_of_their_own(patient: Patient, mother: Contact, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", email="pablo@families.example")
    issue(patient, of(mother), actor)
    issue(patient, of(father), actor)
    issue(patient, Recipient(name="Rosa Prado", relationship="Aunt"), actor)
    issue(patient, Recipient(name="rosa  PRADO"), actor)
    assert {each.recipient_name for each in patient.registrations.live()} == {mother.name, father.name, "rosa  PRADO"}


def test_a_second_click_makes_no_second_registration(patient: Patient, mother: Contact, actor: Actor) -> None:
    window = uuid.uuid4()
    first = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"), window=window)
    again = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"), window=window)
    assert first == again
    assert OutgoingMessage.objects.count() == 1
    assert pin_display.find_pin(first, session_key=SESSION) == pin_display.find_pin(again, session_key=SESSION)


def refused(patient: Patient, recipient: Recipient, actor: Actor, **options: object) -> str:
    with pytest.raises(Refused) as error:
        issue(patient, recipient, actor, **options)  # type: ignore[arg-type]
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.exists()
    assert not PinDisplay.objects.exists()
    assert not AuditEvent.objects.exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"deceased": True}, "deceased"),
        ({"active": False}, "inactive"),
        ({"given_names": "Baby Boy", "family_name": "Smith"}, "placeholder"),
    ],
)
def test_who_cannot_be_registered_is_refused_with_the_reason(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, object], told: str
) -> None:
    Patient.objects.filter(pk=patient.pk).update(**change)
    assert told in refused(patient, of(mother), actor)


def test_no_recipient(patient: Patient, actor: Actor) -> None:
    assert "Enter the recipient" in refused(patient, Recipient(name="  "), actor)


def test_a_contact_of_another_patient(patient: Patient, practice: Practice, actor: Actor) -> None:
    stranger = factories.a_contact(factories.a_patient(practice, "Liam", "O'Brien"))
    assert "not a family contact" in refused(patient, of(stranger), actor)


def test_a_child_has_no_pin_of_its_own_until_of_age(patient: Patient, actor: Actor) -> None:
    myself = Recipient(name="Sofía García-López", is_patient=True)
    with time_machine.travel("2037-03-04T12:00:00-06:00", tick=False):
        assert "from age 18" in refused(patient, myself, actor)
    with time_machine.travel("2037-03-05T12:00:00-06:00", tick=False):
        assert issue(patient, myself, actor).recipient_key == "patient"


def test_a_question_needs_a_message(patient: Patient, mother: Contact, actor: Actor) -> None:
    assert "needs a message" in refused(patient, of(mother), actor, method=ByQuestion("First pet?", "Rex"))


def test_a_verification_question(patient: Patient, mother: Contact, actor: Actor) -> None:
    question = ByQuestion("What is the name of the family's first pet?", "  Réx ")
    registration = issue(patient, of(mother), actor, method=question, delivery=ByEmail("elena@families.example"))
    assert pins.matches("rex", registration.answer_digest)
    assert registration.message is not None
    text = registration.message.content.text
    token = text.split("#q=")[1].split()[0]
    assert len(token) >= 22
    assert pins.matches(token, registration.digest)
    assert "Rex" not in text
    assert "Réx" not in text
    assert pin_display.find_pin(registration, session_key=SESSION) is None


def test_revoking_ends_it_and_takes_the_message_back(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    assert lifecycle.revoke(registration, reason="wrong address", actor=actor)

    patient.refresh_from_db()
    registration.refresh_from_db()
    assert patient.portal_status == PortalStatus.UNREGISTERED
    assert (registration.state, registration.end_reason) == (Registration.State.REVOKED, "wrong address")
    assert registration.message is not None
    message = OutgoingMessage.objects.get(pk=registration.message.pk)
    assert (message.state, message.due_at) == (OutgoingMessage.State.CANCELLED, None)
    assert not Content.objects.exists()
    assert AuditEvent.objects.latest("id").details["message_cancelled"] is True
    assert not lifecycle.revoke(registration, reason="again", actor=actor)


def test_a_pin_expires_by_the_clock_alone(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue(patient, of(mother), actor)
        clock.shift(timedelta(days=7, seconds=-1))
        lifecycle.expire_due()
        assert registration.is_live
        clock.shift(timedelta(seconds=1))
        assert not registration.is_live
        lifecycle.expire_due()
        lifecycle.expire_due()
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.UNREGISTERED
    assert actions() == ["registration_issued", "registration_expired"]


def an_account(email: str = "elena@families.example") -> PortalAccount:
    details = accounts.Details(
        email=email, password_hash=None, given_names="Elena", family_name="García", language="es", terms="of the portal"
    )
    return accounts.create(details, address=None)


def a_decline(patient: Patient, actor: Actor) -> Decline:
    assert actor.user is not None
    return Decline.objects.create(patient=patient, reason="no wish", by=actor.user)


@pytest.mark.parametrize(
    ("status", "during"), [("declined", "pending"), ("self_registered", "pending"), ("registered", "registered")]
)
def test_pending_falls_back_to_what_it_was(practice: Practice, actor: Actor, status: str, during: str) -> None:
    patient = factories.a_patient(practice, portal_status=status)
    if status == "declined":
        a_decline(patient, actor)
    elif status == "self_registered":
        SelfRegistration.objects.create(
            practice=practice,
            account=an_account(),
            given_names="Sofía",
            family_name="García",
            birth_date=patient.birth_date,
            relationship="mother",
            likely=patient,
        )
    else:
        Association.objects.create(account=an_account(), patient=patient, relationship="mother")
    registration = issue(patient, Recipient(name="Rosa Prado"), actor)
    patient.refresh_from_db()
    assert patient.portal_status == during
    lifecycle.revoke(registration, reason="mistake", actor=actor)
    patient.refresh_from_db()
    assert patient.portal_status == status


@pytest.mark.parametrize(
    ("delivery", "valid"),
    [
        (ByEmail("e@families.example"), timedelta(hours=24)),
        (InPerson(), timedelta(days=7)),
        (None, timedelta(minutes=10)),
    ],
)
def test_the_nist_profile(
    patient: Patient, mother: Contact, actor: Actor, delivery: Delivery | None, valid: timedelta
) -> None:
    Practice.objects.update(pin_profile=Practice.PinProfile.NIST)
    patient = Patient.objects.get(pk=patient.pk)
    by_text = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    with time_machine.travel(date(2026, 11, 23), tick=False):
        registration = issue(patient, of(mother), actor, delivery=delivery or by_text)
    assert registration.expires_at - registration.issued_at == valid


def test_the_pin_is_kept_15_minutes_for_the_session_that_issued_it(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue(patient, of(mother), actor)
        assert pin_display.reveal(registration, session_key="another", actor=actor) is None
        assert pin_display.reveal(registration, session_key=SESSION, actor=actor) is not None
        clock.shift(timedelta(minutes=15))
        assert pin_display.reveal(registration, session_key=SESSION, actor=actor) is None
        pin_display.delete_expired()
    assert not PinDisplay.objects.exists()
    assert actions() == ["registration_issued", "pin_shown"]


def test_a_failure_on_the_way_leaves_nothing_behind(
    patient: Patient, mother: Contact, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(pin_display, "store", broken)
    with pytest.raises(OSError, match="disk"):
        issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.UNREGISTERED
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_a_correction_in_the_same_window_supersedes_what_went_before(
    patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    """The answer was lost, the desk saw that nothing happened, corrected the address and completed again."""
    window = uuid.uuid4()
    typo = issue(patient, of(mother), actor, delivery=ByEmail("elena@typo.example"), window=window)
    right = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"), window=window)
    assert typo != right
    assert list(patient.registrations.live()) == [right]
    typo.refresh_from_db()
    assert typo.message is not None
    assert typo.message.state == OutgoingMessage.State.CANCELLED
    again = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"), window=window)
    assert again == right
    back = issue(patient, of(mother), actor, delivery=ByEmail("elena@typo.example"), window=window)
    assert list(patient.registrations.live()) == [back]
    assert back not in {typo, right}
    other_parent = issue(patient, of(father), actor, window=window)
    assert list(patient.registrations.live()) == [other_parent]


def test_a_window_of_one_patient_says_nothing_for_another(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    window = uuid.uuid4()
    aunt = Recipient(name="Rosa Prado")
    first = issue(patient, aunt, actor, window=window)
    other = issue(factories.a_patient(practice, "Liam", "O'Brien"), aunt, actor, window=window)
    assert first != other


@pytest.mark.parametrize("typed", ["Elena García", "elena garcia", " ELENA  GARCIA "])
def test_somebody_else_is_not_a_family_contact(patient: Patient, mother: Contact, actor: Actor, typed: str) -> None:
    assert "Select this person in the list" in refused(patient, Recipient(name=typed), actor)


@pytest.mark.parametrize("change", [{"deceased": True}, {"active": False}])
def test_what_would_be_refused_by_now_is_revoked(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, object]
) -> None:
    registration = issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    lifecycle.revoke_ineligible()
    assert registration.is_live
    Patient.objects.filter(pk=patient.pk).update(**change)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.state == Registration.State.REVOKED
    assert registration.message is not None
    assert registration.message.state == OutgoingMessage.State.CANCELLED
    assert AuditEvent.objects.latest("id").actor_name == "clock"


def test_a_contact_who_may_not_see_the_record_any_more(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue(patient, of(mother), actor)
    Contact.objects.update(has_authority=False)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.end_reason == "The contact may not see the record any more."


def test_a_sibling_whose_registration_is_superseded_is_not_left_pending(
    practice: Practice, patient: Patient, actor: Actor
) -> None:
    sibling = factories.a_patient(practice, "Mateo", "García-López")
    aunt = Recipient(name="Rosa Prado")
    registrations.register_patients(
        practice=practice,
        patients=[patient, sibling],
        recipient=aunt,
        method=ByPin(),
        delivery=InPerson(),
        form_token=uuid.uuid4(),
        session_key=SESSION,
        actor=actor,
    )
    issue(patient, aunt, actor)
    sibling.refresh_from_db()
    assert sibling.portal_status == PortalStatus.UNREGISTERED
