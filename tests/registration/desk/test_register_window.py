"""What the window offers besides a PIN for one child: siblings, an account, a match, a proxy, the family's language."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient
from portal.models import AuditEvent, Practice
from registration.models import Association, PortalAccount, Registration, SelfRegistration
from tests import factories
from tests.factories import an_account
from tests.registration.desk.register_form import typed, window
from tests.smtp import MailServer


def opened(desk: Client, patient: Patient, **query: str) -> str:
    response = desk.get(window(patient), query)
    assert response.status_code == 200
    return response.content.decode()


def refused(desk: Client, patient: Patient, data: dict[str, Any]) -> str:
    before = Registration.objects.count()
    response = desk.post(window(patient), data)
    assert response.status_code == 422
    assert Registration.objects.count() == before
    return response.content.decode()


def completed(desk: Client, patient: Patient, data: dict[str, Any]) -> str:
    response = desk.post(window(patient), data)
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


def checked(html: str, name: str) -> list[str]:
    """Return the values of the checked radio buttons or checkboxes of this name."""
    inputs = re.findall(rf'<input[^>]*name="{name}"[^>]*>', html)
    return [
        re.findall(r'value="([^"]*)"', field)[0] if "value=" in field else "on"
        for field in inputs
        if "checked" in field
    ]


def chosen(html: str, name: str) -> str:
    options = html.split(f'name="{name}"')[1].split("</select>")[0]
    return str(re.findall(r'<option value="([^"]*)" selected', options)[0])


# --- Siblings ---


@pytest.fixture
def mateo(practice: Practice) -> Patient:
    mateo = factories.a_patient(practice, "Mateo", "García-López", birth_date=date(2016, 5, 6))
    factories.a_contact(mateo)
    return mateo


def test_siblings_are_offered_with_shared_contacts(
    desk: Client, patient: Patient, mother: Contact, father: Contact, mateo: Patient
) -> None:
    html = opened(desk, patient)
    assert "Also for" in html
    assert "Mateo García-López" in html
    assert "with Elena García" in html
    assert f'data-shared-with="{mother.pk}"' in html
    assert checked(html, "also") == []


def test_siblings_share_one_registration(desk: Client, patient: Patient, mother: Contact, mateo: Patient) -> None:
    html = completed(desk, patient, typed(mother, also=[str(mateo.pk)]))
    assert "One PIN for Mateo and Sofía." in html
    assert Registration.objects.count() == OutgoingMessage.objects.count() == 1
    assert "Elena García" in desk.get(f"/patients/{mateo.pk}/registrations/").content.decode()
    again = opened(desk, patient)
    assert "Pending" in again.split("Also for")[1].split("</fieldset>")[0]


def test_dashboard_lists_all_siblings(desk: Client, patient: Patient, mother: Contact, mateo: Patient) -> None:
    completed(desk, patient, typed(mother, also=[str(mateo.pk)]))
    page = desk.get("/").content.decode()
    assert "García-López, Sofía · Mateo" in page or "García-López, Mateo · Sofía" in page


def test_sibling_without_the_recipient_is_refused(
    desk: Client, patient: Patient, mother: Contact, father: Contact, mateo: Patient
) -> None:
    html = refused(desk, patient, typed(father, email="pablo@families.example", also=[str(mateo.pk)]))
    assert html.count("Mateo does not have this contact.") == 2
    assert checked(html, "also") == [str(mateo.pk)]


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        ("practice", "Valid for 7 days, no matter how it’s sent."),
        ("nist", "Valid for 24 hours by email, 10 minutes by text message, 7 days in person."),
    ],
)
def test_window_shows_how_long_the_pin_is_valid(
    desk: Client, patient: Patient, mother: Contact, profile: str, says: str
) -> None:
    Practice.objects.update(pin_profile=profile)
    assert says in desk.get(f"/patients/{patient.pk}/register/").content.decode()


def test_patient_without_siblings_sees_no_sibling_list(desk: Client, patient: Patient, mother: Contact) -> None:
    assert "Also for" not in opened(desk, patient)


# --- Identity check, risk acknowledgment, language ---


def test_usual_identification_is_preselected(
    desk: Client, practice: Practice, patient: Patient, mother: Contact
) -> None:
    assert chosen(opened(desk, patient), "identified_by") == ""
    Practice.objects.update(usual_identification="known")
    assert chosen(opened(desk, patient), "identified_by") == "known"
    completed(desk, patient, typed(mother, identified_by="other"))
    assert Registration.objects.get().identified_by == "other"


def test_risk_acknowledged_before_is_prechecked(
    desk: Client, patient: Patient, mother: Contact, father: Contact
) -> None:
    assert checked(opened(desk, patient), "risk_acknowledged") == []
    completed(desk, patient, typed(mother))
    html = opened(desk, patient)
    assert checked(html, "risk_acknowledged") == ["on"]
    assert re.search(rf'"{father.pk}": {{[^}}]*"informed": false', html), "the other parent was not told"


def test_delivery_in_person_needs_no_risk_acknowledgment(desk: Client, patient: Patient, mother: Contact) -> None:
    completed(desk, patient, typed(mother, delivery="none", risk_acknowledged=""))
    assert not Registration.objects.get().risk_acknowledged


@pytest.mark.parametrize(("tag", "language"), [("es-MX", "es"), ("hmn", "en"), ("", "en")])
def test_message_uses_the_familys_language(
    desk: Client, patient: Patient, mother: Contact, tag: str, language: str
) -> None:
    Patient.objects.update(language=tag)
    assert chosen(opened(desk, patient), "language") == language
    completed(desk, patient, typed(mother, language="es"))
    registration = Registration.objects.get()
    assert registration.language == "es"
    assert registration.message is not None
    assert "/start/?lang=es" in registration.message.content.text


# --- This family already has an account ---


@pytest.fixture
def account(db: None) -> PortalAccount:
    return an_account(language="es")


def test_address_on_record_with_an_account_needs_no_pin(
    desk: Client, patient: Patient, mother: Contact, account: PortalAccount
) -> None:
    html = opened(desk, patient)
    assert "This family already has an account" in html
    assert checked(html, "existing_account") == ["add"]
    assert "It belongs to" not in html, "it is one of another practice, whose affair the name is"

    data = typed(mother, existing_account="add", offered_account=str(account.pk))
    html = completed(desk, patient, data)
    assert "No PIN is needed." in html
    assert 'class="pin"' not in html
    registration = Registration.objects.get()
    assert (registration.method, registration.account, registration.language) == ("account", account, "es")


def test_parent_with_an_account_is_notified_without_a_pin(
    desk: Client, patient: Patient, mother: Contact, account: PortalAccount, mail_server: MailServer
) -> None:
    completed(desk, patient, typed(mother, existing_account="add", offered_account=str(account.pk)))
    call_command("deliver", "--once", verbosity=0)
    (mail,) = mail_server.received
    body = mail.get_body(("plain",))
    assert body is not None
    assert mail["To"] == "elena@families.example"
    assert "/family/" in body.get_content()
    assert "#pin" not in body.get_content()


def test_pin_can_be_sent_despite_an_account(
    desk: Client, patient: Patient, mother: Contact, account: PortalAccount
) -> None:
    html = completed(desk, patient, typed(mother, existing_account="pin", offered_account=str(account.pk)))
    assert 'class="pin"' in html


@pytest.mark.parametrize(
    "choice", [{}, {"existing_account": "add"}, {"existing_account": "add", "offered_account": "old"}]
)
def test_entered_address_with_an_account_requires_a_choice(
    desk: Client, patient: Patient, mother: Contact, choice: dict[str, str]
) -> None:
    """The choice for this account has not been displayed yet, so it is required; the other input is kept."""
    account = an_account("new@families.example")
    other = an_account("other@families.example")
    choice = {name: str(other.pk) if value == "old" else value for name, value in choice.items()}
    html = refused(desk, patient, typed(mother, email="New@families.example", print_pin="on", **choice))
    assert html.count("new@families.example already has a portal account. Choose what to do.") == 2
    assert checked(html, "existing_account") == ["add"]
    assert checked(html, "print_pin") == ["on"]
    assert f'name="offered_account" value="{account.pk}"' in html


def test_account_on_record_counts_for_text_messages(
    desk: Client, patient: Patient, mother: Contact, account: PortalAccount
) -> None:
    text = typed(mother, delivery="text", email="", cell_phone="", carrier="")
    assert "already has a portal account" in refused(desk, patient, text)
    completed(desk, patient, {**text, "existing_account": "add", "offered_account": str(account.pk)})
    registration = Registration.objects.get()
    assert registration.message is not None
    assert registration.message.recipient == "elena@families.example"


def test_choice_for_another_account_is_ignored(
    desk: Client, patient: Patient, father: Contact, account: PortalAccount
) -> None:
    data = typed(father, email="pablo@families.example", existing_account="add", offered_account=str(account.pk))
    assert 'class="pin"' in completed(desk, patient, data)


def test_account_with_access_is_not_offered_again(
    desk: Client, patient: Patient, mother: Contact, account: PortalAccount
) -> None:
    Association.objects.create(account=account, patient=patient, relationship="mother")
    html = opened(desk, patient)
    assert "It can already see Sofía’s record." in html
    assert "It belongs to Elena García." in html
    assert checked(html, "existing_account") == ["pin"]
    data = typed(mother, existing_account="add", offered_account=str(account.pk))
    assert "There is nothing to add" in refused(desk, patient, data)


# --- Somebody asked already ---


@pytest.fixture
def asked(practice: Practice, patient: Patient, account: PortalAccount) -> SelfRegistration:
    return SelfRegistration.objects.create(
        practice=practice,
        account=account,
        given_names="Sofia",
        family_name="Garcia",
        birth_date=patient.birth_date,
        relationship="mother",
        likely=patient,
        created_at=timezone.now() - timedelta(days=2),
    )


@pytest.mark.parametrize("htmx", [False, True])
def test_waiting_self_registration_leads_to_merge_match(
    desk: Client, patient: Patient, mother: Contact, asked: SelfRegistration, htmx: bool
) -> None:
    response = desk.get(window(patient), headers={"HX-Request": "true"} if htmx else {})
    html = response.content.decode()
    assert "Elena García requested access to Sofía’s record" in html
    assert f"/matches/{asked.pk}/" in html
    assert "?another=1" in html
    assert ">Complete Registration<" not in html
    assert ("<html" in html) is not htmx


def test_form_opens_for_another_recipient(
    desk: Client, patient: Patient, father: Contact, asked: SelfRegistration
) -> None:
    html = opened(desk, patient, another="1")
    assert "Complete Registration" in html
    assert 'name="another"' in html
    completed(desk, patient, typed(father, email="pablo@families.example", another="1"))


def test_window_opened_before_a_self_registration_is_refused(
    desk: Client, patient: Patient, father: Contact, asked: SelfRegistration
) -> None:
    data = typed(father, email="pablo@families.example")
    assert "Match this request" in refused(desk, patient, data)
    SelfRegistration.objects.update(state="refused")
    completed(desk, patient, data)


# --- Add proxy ---


def proxy(patient: Patient) -> str:
    return f"/patients/{patient.pk}/proxy/"


def a_proxy(**fields: str) -> dict[str, Any]:
    data = typed(
        None, recipient="other", other_name="Rosa Prado", other_relationship="Aunt", email="rosa@prado.example"
    )
    until = (timezone.localdate() + timedelta(days=90)).isoformat()
    return {**data, "level": "limited", "authorization": "Consent, on file", "access_ends_on": until, **fields}


def test_proxy_gets_a_pin(desk: Client, patient: Patient, mother: Contact) -> None:
    html = desk.get(proxy(patient)).content.decode()
    assert "Add Proxy" in html
    assert 'value="elena@families.example"' not in html, "an address on record is not the proxy's"
    html = desk.post(proxy(patient), a_proxy()).content.decode()
    assert 'class="pin"' in html
    registration = Registration.objects.get()
    assert (registration.recipient_name, registration.level) == ("Rosa Prado", "limited")
    assert registration.access_ends_on == timezone.localdate() + timedelta(days=90)
    assert AuditEvent.objects.get(action="registration_issued").details["authorization"] == "Consent, on file"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"authorization": ""}, "Enter the authorization, for example a court order."),
        ({"access_ends_on": ""}, "Enter the last day of access."),
        ({"access_ends_on": "2001-01-01"}, "must be after today"),
        ({"access_ends_on": "2101-01-01"}, "at most 2 years"),
        ({"level": "everything"}, "Choose one from the list"),
        ({"other_name": ""}, "Enter the recipient’s name."),
        ({"email": "elena@families.example"}, "belongs to Elena García"),
    ],
)
def test_proxy_with_invalid_terms_is_refused(
    desk: Client, patient: Patient, mother: Contact, fields: dict[str, str], told: str
) -> None:
    response = desk.post(proxy(patient), a_proxy(**fields))
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count(told) == 2
    assert 'value="rosa@prado.example"' in html or "email" in fields
    assert not Registration.objects.exists()


def test_family_contact_added_as_proxy_stays_one_person(desk: Client, patient: Patient) -> None:
    aunt = factories.a_contact(patient, "Rosa", "Prado", email="rosa@prado.example", has_authority=False)
    response = desk.post(proxy(patient), a_proxy(other_name="rosa PRADO"))
    assert response.status_code == 200
    registration = Registration.objects.get()
    assert (registration.contact, registration.recipient_name) == (aunt, "Rosa Prado")


# --- The screen that is handed over ---


def test_screen_can_be_handed_to_the_family(desk: Client, patient: Patient, mother: Contact) -> None:
    html = completed(desk, patient, typed(mother))
    form = re.search(r'<form method="post" action="/start/kiosk/#pin=([0-9A-Z]{12})"', html)
    assert form, "the PIN is in the fragment, which no browser sends"
    assert "Hand this screen to the family" in html
