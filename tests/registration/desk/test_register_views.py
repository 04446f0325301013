"""The Patient Registration window, the PIN sheet and the dashboard, request by request."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient
from portal.models import AuditEvent, Practice, User
from registration.models import PinDisplay, Registration
from tests import factories
from tests.registration.desk.register_form import typed, window


def carrier(name: str) -> str:
    return str(Carrier.objects.get(name=name).pk)


def test_completed_registration_shows_the_pin_and_is_audited(desk: Client, patient: Patient, mother: Contact) -> None:
    response = desk.post(window(patient), typed(mother))
    assert response.status_code == 200
    assert "Registration PIN" in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["registration_issued", "pin_shown"]
    assert "PIN" in desk.get(patient.get_absolute_url()).content.decode()


BAD = {
    "no address": ({"email": ""}, "email", "Enter the email address"),
    "an address that cannot be": ({"email": "elena@@families"}, "email", "This email address is not valid"),
    "a header in the address": ({"email": "a@b.example\nBcc: c@d.example"}, "email", "This email address is not valid"),
    "no number": ({"delivery": "text", "carrier": "Verizon"}, "cell_phone", "Enter the cell phone number"),
    "an impossible number": ({"delivery": "text", "cell_phone": "555-12", "carrier": "Verizon"}, "cell_phone", "not a US phone number"),
    "a British number": ({"delivery": "text", "cell_phone": "+44 20 7946 0958", "carrier": "Verizon"}, "cell_phone", "not a US phone number"),
    "no carrier": ({"delivery": "text", "cell_phone": "(612) 555-0161"}, "carrier", "Select the family’s cell carrier"),
    "a carrier of nobody": ({"delivery": "text", "cell_phone": "(612) 555-0161", "carrier": "77777"}, "carrier", "Choose one from the list"),
    "no question": ({"method": "question", "answer": "Rex"}, "question", "Select a question."),
    "no answer": ({"method": "question", "question": "first"}, "answer", "Enter the family’s answer"),
    "an answer of nothing": ({"method": "question", "question": "first", "answer": "?!"}, "answer", "at least one letter or digit"),
    "a question that is not sent": ({"method": "question", "question": "first", "answer": "Rex", "delivery": "none"}, "delivery", "must be sent in a message"),
    "nobody chosen": ({"recipient": ""}, "recipient", "Select the recipient."),
    "somebody else without a name": ({"recipient": "other"}, "other_name", "Enter the recipient’s name."),
    "a contact of another practice": ({"recipient": "theirs"}, "recipient", "Choose one from the list"),
    "the other parent's address": ({"recipient": "other", "other_name": "Rosa Prado"}, "email", "belongs to Elena García"),
    "the patient, who is a child": ({"recipient": "patient"}, "recipient", "Choose one from the list"),
    "not told of the risk": ({"risk_acknowledged": ""}, "risk_acknowledged", "Explain the risk and check this box"),
    "nobody knows who it was": ({"identified_by": ""}, "identified_by", "Select how you verified"),
    "identified in a way of one's own": ({"identified_by": "a hunch"}, "identified_by", "Choose one from the list"),
    "a language that we do not speak": ({"language": "tlh"}, "language", "Choose one from the list"),
    "a child that is nobody's sibling": ({"also": "theirs"}, "also", "Choose one from the list"),
    "no way chosen": ({"delivery": ""}, "delivery", "Select how to send it."),
    "a mangled window": ({"form_token": "x"}, "form_token", "Reload this page"),
    "a name that is too long": ({"recipient": "other", "other_name": "x" * 10_000, "email": "x@y.example"}, "other_name", "no more than 200"),
    "a NUL": ({"recipient": "other", "other_name": "Ro\x00sa", "email": "x@y.example"}, "other_name", "special characters"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("htmx", [False, True])
def test_invalid_input_is_reported_twice_and_changes_nothing(
    desk: Client, practice: Practice, other_practice: Practice, patient: Patient, mother: Contact, case: str, htmx: bool
) -> None:
    stranger = factories.a_contact(factories.a_patient(other_practice))
    factories.a_contact(factories.a_patient(practice, "Mateo", "García-López"))
    fields, field, told = BAD[case]
    stand_for = {
        "theirs": str(stranger.pk),
        "first": str(practice.verification_questions.get().pk),
        "Verizon": carrier("Verizon"),
    }
    data = typed(mother, **{name: stand_for.get(value, value) for name, value in fields.items()})

    response = desk.post(window(patient), data, headers={"HX-Request": "true"} if htmx else {})

    html = response.content.decode()
    assert response.status_code == 422
    assert told in html
    assert html.count(told) >= (1 if field == "form_token" else 2), "at the top and beside the field"
    assert ("<html" in html) is not htmx
    for name in ("email", "cell_phone", "other_name"):
        if data.get(name) and len(data[name]) < 100 and data[name].isprintable():
            assert f'value="{data[name]}"' in html
    assert not Registration.objects.exists()
    assert not PinDisplay.objects.exists()
    assert not OutgoingMessage.objects.exists()
    assert not AuditEvent.objects.filter(action__in=["registration_issued", "pin_shown"]).exists()
    patient.refresh_from_db()
    assert patient.portal_status == "unregistered"


def test_second_submission_shows_the_same_pin(desk: Client, patient: Patient, mother: Contact) -> None:
    data = typed(mother)
    first, second = (desk.post(window(patient), data).content.decode() for _ in range(2))
    pin = first.split('class="pin"')[1].split("</p>")[0]
    assert pin in second
    assert Registration.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1


def test_resubmission_after_15_minutes_shows_no_pin(desk: Client, patient: Patient, mother: Contact) -> None:
    data = typed(mother)
    with time_machine.travel("2026-11-23T15:00:00Z", tick=False) as clock:
        desk.post(window(patient), data)
        clock.shift(timedelta(minutes=16))
        html = desk.post(window(patient), data).content.decode()
    assert "cannot be shown again" in html
    assert 'class="pin"' not in html


@pytest.mark.parametrize("change", [{"deceased": True}, {"active": False}, {"given_names": "Baby Girl"}])
def test_ineligible_patient_cannot_be_registered(
    desk: Client, patient: Patient, mother: Contact, change: dict[str, Any]
) -> None:
    Patient.objects.filter(pk=patient.pk).update(**change)
    assert "register-patient" not in desk.get(patient.get_absolute_url()).content.decode()
    assert ">Complete Registration<" not in desk.get(window(patient)).content.decode()
    assert desk.post(window(patient), typed(mother)).status_code == 422
    assert not Registration.objects.exists()


def sheet_of(registration: Registration) -> str:
    return f"/registrations/{registration.pk}/sheet.pdf"


def test_sheet_contains_the_displayed_pin(desk: Client, patient: Patient, mother: Contact) -> None:
    import io
    import re

    html = desk.post(window(patient), typed(mother, delivery="none")).content.decode()
    shown = re.sub(r"<[^>]+>|\s", "", html.split('class="pin"')[1].split("</p>")[0]).split(">")[-1]
    response = desk.get(sheet_of(Registration.objects.get()))
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Cache-Control"] == "no-store"
    assert shown in PdfReader(io.BytesIO(response.content)).pages[0].extract_text()
    assert AuditEvent.objects.filter(action="sheet_printed", patient_id=patient.pk).count() == 1


def test_sheet_is_gone_after_15_minutes(desk: Client, patient: Patient, mother: Contact) -> None:
    with time_machine.travel("2026-11-23T15:00:00Z", tick=False) as clock:
        desk.post(window(patient), typed(mother))
        path = sheet_of(Registration.objects.get())
        clock.shift(timedelta(minutes=14))
        assert desk.get(path).status_code == 200
        clock.shift(timedelta(minutes=1))
        assert desk.get(path).status_code == 410


def test_sheet_is_refused_to_another_session(
    desk: Client, practice: Practice, patient: Patient, mother: Contact, front_desk: User
) -> None:
    desk.post(window(patient), typed(mother))
    another = Client()
    another.force_login(front_desk)
    assert another.get(sheet_of(Registration.objects.get())).status_code == 410


def test_revoked_pin_cannot_be_printed(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.post(window(patient), typed(mother))
    registration = Registration.objects.get()
    assert desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": ""}).status_code == 422
    assert desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": "wrong address"}).status_code == 302
    assert desk.get(sheet_of(registration)).status_code == 410
    html = desk.get(patient.get_absolute_url()).content.decode()
    assert "wrong address" in html
    assert "Canceled before it was sent." in html


def test_dashboard_lists_failed_messages(desk: Client, patient: Patient, mother: Contact) -> None:
    assert "All clear: no failed or delayed messages" in desk.get("/").content.decode()
    desk.post(window(patient), typed(mother))
    OutgoingMessage.objects.update(
        state="failed", due_at=None, finished_at=timezone.now(), outcome="The address was refused (550)."
    )
    html = desk.get("/").content.decode()
    assert "Message failed" in html
    assert "The address was refused (550)." in html


def test_delayed_message_shows_its_tries(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.post(window(patient), typed(mother))
    OutgoingMessage.objects.update(
        attempts=2, outcome="The mail server could not be reached, or it closed the connection."
    )
    html = desk.get(f"/patients/{patient.pk}/registrations/").content.decode()
    assert "Waiting to try again" in html
    assert "2 attempts so far" in html
    assert "every 2s" in html


def test_practice_without_questions_offers_only_the_pin(desk: Client, practice: Practice, patient: Patient) -> None:
    practice.verification_questions.update(active=False)
    html = desk.get(window(patient)).content.decode()
    assert "Register Patient with" in html
    assert "Verification Question" not in html


def test_adult_without_contacts_is_registered_as_the_patient(desk: Client, practice: Practice) -> None:
    adult = factories.a_patient(
        practice, "Suzanna632", "Yundt842", birth_date="1938-07-24", email="suzanna@families.example"
    )
    adult.refresh_from_db()
    html = desk.get(window(adult)).content.decode()
    assert "The patient" in html
    assert 'value="suzanna@families.example"' in html
    data = typed(None, email="suzanna@families.example")
    assert desk.post(window(adult), data).status_code == 200
    assert Registration.objects.get().recipient_key == "patient"


def test_shared_address_is_accepted_when_confirmed(
    desk: Client, patient: Patient, mother: Contact, father: Contact
) -> None:
    data = typed(father, email="elena@families.example")
    html = desk.post(window(patient), data).content.decode()
    assert "belongs to Elena García" in html
    assert "They share this address" in html
    assert desk.post(window(patient), {**data, "shared_address": "on"}).status_code == 200
    assert Registration.objects.get().recipient_name == "Pablo López"


def test_patient_of_age_is_preselected(desk: Client, practice: Practice) -> None:
    grown = factories.a_patient(
        practice, "Astrid", "Johansson", birth_date=date(2000, 1, 2), email="astrid@families.example"
    )
    factories.a_contact(grown, "Karin", "Johansson")
    html = desk.get(window(grown)).content.decode()
    assert "Astrid is of age" in html
    assert (
        'value="patient" id="id_recipient_0" required checked' in html or 'id="id_recipient_0" required checked' in html
    )
    assert 'value="astrid@families.example"' in html


def test_second_pin_reports_that_the_first_was_replaced(desk: Client, patient: Patient, mother: Contact) -> None:
    assert "no longer works" not in desk.post(window(patient), typed(mother)).content.decode()
    assert (
        "The earlier registration for Elena García no longer works."
        in desk.post(window(patient), typed(mother)).content.decode()
    )


def test_unchanged_panel_is_not_sent_again(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.post(window(patient), typed(mother))
    html = desk.get(patient.get_absolute_url()).content.decode()
    seen = html.split("?seen=")[1].split('"')[0]
    path = f"/patients/{patient.pk}/registrations/"
    assert desk.get(path, {"seen": seen}).status_code == 204
    OutgoingMessage.objects.update(state="accepted", outcome="Accepted by the mail server.")
    assert "Accepted by the mail server." in desk.get(path, {"seen": seen}).content.decode()


def test_failed_message_stays_listed_after_the_pin_expires(desk: Client, patient: Patient, mother: Contact) -> None:
    Practice.objects.update(pin_profile=Practice.PinProfile.NIST)
    with time_machine.travel("2026-11-23T15:00:00Z", tick=False) as clock:
        desk.force_login(User.objects.get(email="desk@maplegrove.example"))
        desk.post(
            window(patient), typed(mother, delivery="text", cell_phone="(612) 555-0161", carrier=carrier("Verizon"))
        )
        clock.shift(timedelta(minutes=11))
        call_command("deliver", "--once", verbosity=0)
        html = desk.get("/").content.decode()
    assert "Not sent: it was no longer valid." in html


def test_opening_the_window_is_audited(desk: Client, patient: Patient) -> None:
    desk.get(window(patient))
    assert AuditEvent.objects.latest("id").details == {"in": "Patient Registration window"}


def test_resubmission_after_revocation_reports_the_end(desk: Client, patient: Patient, mother: Contact) -> None:
    data = typed(mother)
    desk.post(window(patient), data)
    desk.post(f"/registrations/{Registration.objects.get().pk}/revoke/", {"reason": "mistake"})
    html = desk.post(window(patient), data).content.decode()
    assert "has since ended: revoked" in html
    assert "is on its way" not in html


def test_adult_patients_address_is_refused_for_a_contact(desk: Client, practice: Practice) -> None:
    grown = factories.a_patient(
        practice, "Astrid", "Johansson", birth_date=date(2000, 1, 2), email="astrid@families.example"
    )
    karin = factories.a_contact(grown, "Karin", "Johansson")
    data = typed(karin, email="astrid@families.example")
    assert "belongs to the patient" in desk.post(window(grown), data).content.decode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"in_source": False}, "no longer a family contact"),
        ({"has_authority": False}, "Select this person in the list"),
    ],
)
def test_contact_entered_as_someone_else_is_refused(
    desk: Client, patient: Patient, mother: Contact, change: dict[str, Any], told: str
) -> None:
    Contact.objects.update(**change)
    data = typed(mother, recipient="other", other_name="Elena García", email="x@families.example")
    assert told in desk.post(window(patient), data).content.decode()


def test_reissued_registration_clears_the_failed_message(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.post(window(patient), typed(mother))
    OutgoingMessage.objects.update(state="failed", due_at=None, finished_at=timezone.now(), outcome="Refused.")
    Registration.objects.update(state="expired")
    assert "Message failed" in desk.get("/").content.decode()
    desk.post(window(patient), typed(mother))
    assert "Message failed" not in desk.get("/").content.decode()
