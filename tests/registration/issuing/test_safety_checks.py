"""Safety checks: the warnings before sending, and the override reasons in the audit trail."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.issuing import lifecycle
from registration.issuing.safety_checks import QUESTIONS, OverrideRequired
from registration.models import AccessLevel, Registration
from registration.values import ByEmail, ByText, Proxy, Recipient
from tests import factories
from tests.factories import issue_registration
from tests.registration.desk.register_form import typed, window

EMAIL = ByEmail("elena@families.example")


def warnings_of(action: Callable[[], Any]) -> list[str]:
    """Return the keys of the warnings. Checks that nothing was issued or queued."""
    with pytest.raises(OverrideRequired) as raised:
        action()
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.filter(state="queued").exists()
    return [warning.key for warning in raised.value.safety_warnings]


def born(patient: Patient, year: int) -> Patient:
    Patient.objects.filter(pk=patient.pk).update(birth_date=date(year, 1, 1))
    patient.refresh_from_db()
    return patient


@pytest.fixture(autouse=True)
def _fixed_date() -> Any:
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False):
        yield


def test_contact_without_authority_needs_a_reason(patient: Patient, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert warnings_of(lambda: issue_registration(patient, father, actor=actor)) == ["authority"]
    registration = issue_registration(
        patient, father, actor=actor, override_reasons={"authority": "New court order of November 20"}
    )
    assert registration.override_reasons == {"authority": "New court order of November 20"}
    details = AuditEvent.objects.get(action="registration_issued").details
    assert details["confirmed authority"] == "New court order of November 20"
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.is_live, "the worker keeps what staff have just confirmed"


@pytest.mark.parametrize(
    "name", ["López, Pablo", "Pablo J. López", "pablo lopez garcia", "Pavlo Lopes", "Lopez Pablo", "Pablo"]
)
def test_somebody_else_who_resembles_a_barred_contact_needs_a_reason(patient: Patient, actor: Actor, name: str) -> None:
    factories.a_contact(patient, "Pablo", "López", has_authority=False)
    somebody = Recipient(name=name, relationship="Father")
    assert warnings_of(lambda: issue_registration(patient, somebody, actor=actor)) == ["authority"]
    reason = {"authority": "His brother of nearly the same name; photo ID seen"}
    assert issue_registration(patient, somebody, actor=actor, override_reasons=reason).override_reasons == reason


@pytest.mark.parametrize("name", ["Rosa López", "Pablo Prado", "Elena García", "Paul Newman"])
def test_somebody_else_with_another_name_has_no_warning(patient: Patient, actor: Actor, name: str) -> None:
    factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert issue_registration(patient, Recipient(name=name, relationship="Aunt"), actor=actor).is_live


def test_blank_reason_does_not_count(patient: Patient, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert warnings_of(
        lambda: issue_registration(patient, father, actor=actor, override_reasons={"authority": "  ", "teen": "x"})
    ) == ["authority"]


def test_sibling_record_that_bars_the_parent_needs_a_reason(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    factories.a_contact(mateo, has_authority=False)
    assert warnings_of(lambda: issue_registration([patient, mateo], mother, actor=actor)) == ["authority"]
    assert issue_registration(patient, mother, actor=actor).is_live, "without him there is no warning"


@pytest.mark.parametrize(("year", "is_teen"), [(2015, False), (2014, True), (2009, True)])
def test_teen_needs_a_reason(patient: Patient, mother: Contact, actor: Actor, year: int, is_teen: bool) -> None:
    teen = born(patient, year)
    if not is_teen:
        assert issue_registration(teen, mother, actor=actor).override_reasons == {}
        return
    assert warnings_of(lambda: issue_registration(teen, mother, actor=actor, delivery=EMAIL)) == ["teen"]
    assert warnings_of(lambda: issue_registration(teen, Recipient(name="Rosa Prado"), actor=actor)) == ["teen"]
    assert issue_registration(
        teen, mother, actor=actor, override_reasons={"teen": "Sofía agrees"}
    ).override_reasons == {"teen": "Sofía agrees"}


def test_practice_settings_define_teen_and_adult(patient: Patient, mother: Contact, actor: Actor) -> None:
    patient = born(patient, 2012)  # 14 years old
    Practice.objects.update(teen_from=15)
    assert issue_registration(Patient.objects.get(), mother, actor=actor).override_reasons == {}
    Practice.objects.update(teen_from=10, minor_age_limit=14)
    with pytest.raises(OverrideRequired) as raised:
        issue_registration(Patient.objects.get(), mother, actor=actor)
    assert [warning.key for warning in raised.value.safety_warnings] == ["of_age"]
    assert (
        issue_registration(Patient.objects.get(), Recipient(name="Sofía", is_patient=True), actor=actor).recipient_key
        == "patient"
    )


def test_adult_patient_with_parent_or_parent_address_needs_a_reason(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    grown = born(patient, 2008)
    myself = Recipient(name="Sofía García-López", is_patient=True)
    verizon = Carrier.objects.get(name="Verizon")
    assert warnings_of(lambda: issue_registration(grown, mother, actor=actor)) == ["of_age"]
    assert warnings_of(
        lambda: issue_registration(grown, myself, actor=actor, delivery=ByEmail("Elena@families.example"))
    ) == ["of_age"]
    assert warnings_of(
        lambda: issue_registration(grown, myself, actor=actor, delivery=ByText("6125550161", verizon))
    ) == ["of_age"]
    assert (
        issue_registration(grown, myself, actor=actor, delivery=ByEmail("sofia@families.example")).override_reasons
        == {}
    )


def a_message(practice: Practice, **fields: Any) -> None:
    email = {"channel": "email", "recipient": EMAIL.address, "shown_recipient": EMAIL.address}
    OutgoingMessage.objects.create(practice=practice, **{**email, "finished_at": timezone.now(), **fields})


def test_address_that_bounced_before_needs_a_reason(
    practice: Practice, other_practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    a_message(other_practice, state="failed", address_refused=True)
    a_message(practice, state="failed")
    with time_machine.travel("2026-11-20T12:00:00-06:00", tick=False):
        a_message(practice, state="failed", address_refused=True)
    assert warnings_of(lambda: issue_registration(patient, mother, actor=actor, delivery=EMAIL)) == ["refused"]
    a_message(practice, state="accepted")
    assert issue_registration(patient, mother, actor=actor, delivery=EMAIL).override_reasons == {}


def test_ended_carrier_needs_a_reason(patient: Patient, mother: Contact, actor: Actor) -> None:
    text = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    with time_machine.travel("2027-04-01T12:00:00-05:00", tick=False):
        with pytest.raises(OverrideRequired, match="03/31/2027"):
            issue_registration(patient, mother, actor=actor, delivery=text)
        assert issue_registration(
            patient, mother, actor=actor, delivery=text, override_reasons={"carrier": "It came yesterday"}
        ).is_live


# --- In the window ---


def ask_window(desk: Client, patient: Patient, data: dict[str, Any]) -> str:
    response = desk.post(window(patient), data)
    assert response.status_code == 422
    assert not Registration.objects.exists()
    html = response.content.decode()
    assert "Before you send" in html
    return html


def test_window_shows_warnings_and_continues_with_reasons(desk: Client, patient: Patient) -> None:
    father = factories.a_contact(patient, "Pablo", "López", email="pablo@families.example", has_authority=False)
    teen = born(patient, 2012)
    data = typed(father, email="Pablo@families.example")
    html = ask_window(desk, teen, data)
    assert "Pablo López is marked as not authorized to see Sofía’s record." in html
    assert "Sofía is 14" in html
    assert "Fix the following" not in html, "it is a warning, not an error"
    assert html.count("data-take-focus") == 1
    assert html.split("data-take-focus")[0].rsplit("<input", 1)[1].count('name="confirmed_authority"') == 1
    assert 'value="Pablo@families.example"' in html

    html = ask_window(desk, teen, {**data, "confirmed_authority": "Court order", "confirmed_teen": ""})
    assert 'value="Court order"' in html
    assert html.count("Enter the reason.") == 2, "at the top and beside the field"

    given = {"confirmed_authority": "Court order", "confirmed_teen": "Sofía agrees"}
    assert desk.post(window(teen), {**data, **given}).status_code == 200
    details = AuditEvent.objects.get(action="registration_issued").details
    assert (details["confirmed authority"], details["confirmed teen"]) == ("Court order", "Sofía agrees")


def test_reasons_are_kept_while_another_error_is_corrected(desk: Client, patient: Patient, mother: Contact) -> None:
    teen = born(patient, 2012)
    html = ask_window(desk, teen, typed(mother, email="elena@@families", confirmed_teen="Sofía agrees"))
    assert 'value="Sofía agrees"' in html
    assert QUESTIONS["teen"] in html


def test_reason_for_a_resolved_warning_is_not_required_or_recorded(
    desk: Client, patient: Patient, mother: Contact
) -> None:
    data = typed(mother, delivery="text", cell_phone="(612) 555-0161", carrier=Carrier.objects.get(name="AT&T").pk)
    html = ask_window(desk, patient, data)
    assert "no longer delivers our texts (ended 06/17/2025)" in html
    by_mail = {**data, "delivery": "email", "confirmed_carrier": ""}
    assert desk.post(window(patient), by_mail).status_code == 200
    assert Registration.objects.get().override_reasons == {}


def test_parent_address_of_an_adult_patient_is_warned_about_once(
    desk: Client, patient: Patient, mother: Contact
) -> None:
    grown = born(patient, 2004)
    html = ask_window(desk, grown, typed(None))
    assert "belongs to Elena García, who could use the PIN" in html
    assert "They share this address" not in html


def test_proxy_authorization_counts_as_a_reason(patient: Patient, actor: Actor) -> None:
    aunt = factories.a_contact(patient, "Rosa", "Prado", email="rosa@prado.example", has_authority=False)
    proxy = Proxy(level=AccessLevel.LIMITED, authorization="Consent, on file", ends_on=date(2027, 1, 1))
    registration = issue_registration(patient, aunt, actor=actor, proxy=proxy)
    assert registration.override_reasons == {"authority": "Consent, on file"}
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.is_live
    with pytest.raises(OverrideRequired) as raised:
        issue_registration(born(patient, 2012), aunt, actor=actor, proxy=proxy)
    assert [warning.key for warning in raised.value.safety_warnings] == ["authority", "teen"], (
        "the authorization does not cover a teen's privacy"
    )
