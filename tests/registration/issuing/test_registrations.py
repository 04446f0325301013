"""Issuing a registration: all or nothing, in one transaction."""

import uuid
from datetime import date, timedelta

import pytest
import time_machine

from notifications.models import Carrier, Content, OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration import pins
from registration.issuing import lifecycle, pin_display
from registration.models import Association, EndCode, PinDisplay, Registration, SelfRegistration
from registration.values import ByEmail, ByQuestion, ByText, Delivery, InPerson, Recipient, Refused
from tests import factories
from tests.factories import SESSION_KEY, a_decline, an_account, issue_registration, recipient_for


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_registration_by_email_queues_a_message(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))

    patient.refresh_from_db()
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
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


def test_clear_text_pin_is_in_no_column(patient: Patient, mother: Contact, actor: Actor) -> None:
    from django.db import connection

    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin is not None
    dump = ""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            dump += repr(cursor.fetchall())
    assert "elena@families.example" in dump
    assert pin.characters not in dump
    assert pin.shown not in dump


def test_new_pin_for_the_same_recipient_supersedes_the_old_one(patient: Patient, mother: Contact, actor: Actor) -> None:
    first = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    second = issue_registration(patient, mother, actor=actor)

    first.refresh_from_db()
    assert first.state == Registration.State.SUPERSEDED
    assert first.message is not None
    assert OutgoingMessage.objects.get(pk=first.message.pk).state == OutgoingMessage.State.CANCELLED
    assert list(patient.registrations.live()) == [second]
    assert pin_display.find_pin(first, session_key=SESSION_KEY) is None
    assert actions() == ["registration_issued", "registration_superseded", "registration_issued"]


def test_each_recipient_has_a_separate_pin(patient: Patient, mother: Contact, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", email="pablo@families.example")
    issue_registration(patient, mother, actor=actor)
    issue_registration(patient, father, actor=actor)
    issue_registration(patient, Recipient(name="Rosa Prado", relationship="Aunt"), actor=actor)
    issue_registration(patient, Recipient(name="rosa  PRADO"), actor=actor)
    assert {registration.recipient_name for registration in patient.registrations.live()} == {
        mother.name,
        father.name,
        "rosa  PRADO",
    }


def test_second_click_creates_no_second_registration(patient: Patient, mother: Contact, actor: Actor) -> None:
    window = uuid.uuid4()
    first = issue_registration(
        patient, mother, actor=actor, delivery=ByEmail("elena@families.example"), form_token=window
    )
    again = issue_registration(
        patient, mother, actor=actor, delivery=ByEmail("elena@families.example"), form_token=window
    )
    assert first == again
    assert OutgoingMessage.objects.count() == 1
    assert pin_display.find_pin(first, session_key=SESSION_KEY) == pin_display.find_pin(again, session_key=SESSION_KEY)


def refused(patient: Patient, recipient: Recipient, actor: Actor, **options: object) -> str:
    with pytest.raises(Refused) as error:
        issue_registration(patient, recipient, actor=actor, **options)  # type: ignore[arg-type]
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.exists()
    assert not PinDisplay.objects.exists()
    assert not AuditEvent.objects.exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deceased": True}, "deceased"),
        ({"active": False}, "inactive"),
        ({"given_names": "Baby Boy", "family_name": "Smith"}, "placeholder"),
    ],
)
def test_ineligible_patient_is_refused_with_the_reason(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, object], message: str
) -> None:
    Patient.objects.filter(pk=patient.pk).update(**change)
    assert message in refused(patient, recipient_for(mother), actor)


def test_missing_recipient_is_refused(patient: Patient, actor: Actor) -> None:
    assert "Enter the recipient" in refused(patient, Recipient(name="  "), actor)


def test_contact_of_another_patient_is_refused(patient: Patient, practice: Practice, actor: Actor) -> None:
    stranger = factories.a_contact(factories.a_patient(practice, "Liam", "O'Brien"))
    assert "not a family contact" in refused(patient, recipient_for(stranger), actor)


def test_patient_has_own_pin_only_from_own_pin_age(patient: Patient, actor: Actor) -> None:
    myself = Recipient(name="Sofía García-López", is_patient=True)
    with time_machine.travel("2037-03-04T12:00:00-06:00", tick=False):
        assert "starting at age 18" in refused(patient, myself, actor)
    with time_machine.travel("2037-03-05T12:00:00-06:00", tick=False):
        assert issue_registration(patient, myself, actor=actor).recipient_key == "patient"


def test_question_without_a_message_is_refused(patient: Patient, mother: Contact, actor: Actor) -> None:
    assert "must be sent in a message" in refused(
        patient, recipient_for(mother), actor, method=ByQuestion("First pet?", "Rex")
    )


def test_verification_question_stores_only_hashes(patient: Patient, mother: Contact, actor: Actor) -> None:
    question = ByQuestion("What is the name of the family's first pet?", "  Réx ")
    registration = issue_registration(
        patient, mother, actor=actor, method=question, delivery=ByEmail("elena@families.example")
    )
    assert pins.matches("rex", registration.answer_digest)
    assert registration.message is not None
    text = registration.message.content.text
    token = text.split("#q=")[1].split()[0]
    assert len(token) >= 22
    assert pins.matches(token, registration.digest)
    assert "Rex" not in text
    assert "Réx" not in text
    assert pin_display.find_pin(registration, session_key=SESSION_KEY) is None


def test_revoking_cancels_the_queued_message(patient: Patient, mother: Contact, actor: Actor) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
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


def test_pin_expires_without_a_worker(patient: Patient, mother: Contact, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
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


@pytest.mark.parametrize(
    ("status", "during"), [("declined", "pending"), ("self_registered", "pending"), ("registered", "registered")]
)
def test_expired_registration_restores_the_earlier_status(
    practice: Practice, actor: Actor, status: str, during: str
) -> None:
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
    registration = issue_registration(patient, Recipient(name="Rosa Prado"), actor=actor)
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
def test_nist_profile_limits_validity(
    patient: Patient, mother: Contact, actor: Actor, delivery: Delivery | None, valid: timedelta
) -> None:
    Practice.objects.update(pin_profile=Practice.PinProfile.NIST)
    patient = Patient.objects.get(pk=patient.pk)
    by_text = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    with time_machine.travel(date(2026, 11, 23), tick=False):
        registration = issue_registration(patient, mother, actor=actor, delivery=delivery or by_text)
    assert registration.expires_at - registration.issued_at == valid


def test_pin_can_be_displayed_15_minutes_by_the_issuing_session(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        registration = issue_registration(patient, mother, actor=actor)
        assert pin_display.reveal(registration, session_key="another", actor=actor) is None
        assert pin_display.reveal(registration, session_key=SESSION_KEY, actor=actor) is not None
        clock.shift(timedelta(minutes=15))
        assert pin_display.reveal(registration, session_key=SESSION_KEY, actor=actor) is None
        pin_display.delete_expired()
    assert not PinDisplay.objects.exists()
    assert actions() == ["registration_issued", "pin_shown"]


def test_failed_registration_leaves_nothing_behind(
    patient: Patient, mother: Contact, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(pin_display, "store", broken)
    with pytest.raises(OSError, match="disk"):
        issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.UNREGISTERED
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_correction_in_the_same_window_supersedes_the_first(
    patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    """The response was lost, so staff corrected the address and submitted the form again."""
    window = uuid.uuid4()
    typo = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@typo.example"), form_token=window)
    right = issue_registration(
        patient, mother, actor=actor, delivery=ByEmail("elena@families.example"), form_token=window
    )
    assert typo != right
    assert list(patient.registrations.live()) == [right]
    typo.refresh_from_db()
    assert typo.message is not None
    assert typo.message.state == OutgoingMessage.State.CANCELLED
    again = issue_registration(
        patient, mother, actor=actor, delivery=ByEmail("elena@families.example"), form_token=window
    )
    assert again == right
    back = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@typo.example"), form_token=window)
    assert list(patient.registrations.live()) == [back]
    assert back not in {typo, right}
    other_parent = issue_registration(patient, father, actor=actor, form_token=window)
    assert list(patient.registrations.live()) == [other_parent]


def test_form_token_of_one_patient_does_not_affect_another(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    window = uuid.uuid4()
    aunt = Recipient(name="Rosa Prado")
    first = issue_registration(patient, aunt, actor=actor, form_token=window)
    other = issue_registration(factories.a_patient(practice, "Liam", "O'Brien"), aunt, actor=actor, form_token=window)
    assert first != other


@pytest.mark.parametrize("typed", ["Elena García", "elena garcia", " ELENA  GARCIA "])
def test_family_contact_entered_as_somebody_else_is_refused(
    patient: Patient, mother: Contact, actor: Actor, typed: str
) -> None:
    assert "Select this person in the list" in refused(patient, Recipient(name=typed), actor)


@pytest.mark.parametrize("change", [{"deceased": True}, {"active": False}])
def test_registration_that_became_ineligible_is_revoked(
    patient: Patient, mother: Contact, actor: Actor, change: dict[str, object]
) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    lifecycle.revoke_ineligible()
    assert registration.is_live
    Patient.objects.filter(pk=patient.pk).update(**change)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.state == Registration.State.REVOKED
    assert registration.message is not None
    assert registration.message.state == OutgoingMessage.State.CANCELLED
    assert AuditEvent.objects.latest("id").actor_name == "clock"


def test_registration_of_a_contact_without_authority_is_revoked(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    Contact.objects.update(has_authority=False)
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.end_code == EndCode.CONTACT_LOST_AUTHORITY
    assert registration.end_text == "The contact is no longer authorized to see the record."


def test_sibling_of_a_superseded_registration_is_not_pending(
    practice: Practice, patient: Patient, actor: Actor
) -> None:
    sibling = factories.a_patient(practice, "Mateo", "García-López")
    aunt = Recipient(name="Rosa Prado")
    issue_registration([patient, sibling], aunt, actor=actor)
    issue_registration(patient, aunt, actor=actor)
    sibling.refresh_from_db()
    assert sibling.portal_status == PortalStatus.UNREGISTERED
