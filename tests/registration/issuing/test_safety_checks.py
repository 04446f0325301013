"""Before you send: what the desk is asked about, and that its reason lands in the audit trail."""

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
from tests.registration.desk.test_register_views import typed, window
from tests.registration.issuing.test_registrations import issue, of

EMAIL = ByEmail("elena@families.example")


def asked(act: Callable[[], Any]) -> list[str]:
    """The keys of what the desk is asked; nothing has happened then."""
    with pytest.raises(OverrideRequired) as question:
        act()
    assert not Registration.objects.exists()
    assert not OutgoingMessage.objects.filter(state="queued").exists()
    return [each.key for each in question.value.safety_warnings]


def born(patient: Patient, year: int) -> Patient:
    Patient.objects.filter(pk=patient.pk).update(birth_date=date(year, 1, 1))
    patient.refresh_from_db()
    return patient


@pytest.fixture(autouse=True)
def _a_fixed_day() -> Any:
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False):
        yield


def test_a_contact_without_authority(patient: Patient, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert asked(lambda: issue(patient, of(father), actor)) == ["authority"]
    registration = issue(patient, of(father), actor, override_reasons={"authority": "New court order of November 20"})
    assert registration.override_reasons == {"authority": "New court order of November 20"}
    told = AuditEvent.objects.get(action="registration_issued").details
    assert told["confirmed authority"] == "New court order of November 20"
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.is_live, "the worker does not take back what the desk has just confirmed"


@pytest.mark.parametrize(
    "name", ["López, Pablo", "Pablo J. López", "pablo lopez garcia", "Pavlo Lopes", "Lopez Pablo", "Pablo"]
)
def test_somebody_else_who_may_be_a_contact_without_authority(patient: Patient, actor: Actor, name: str) -> None:
    factories.a_contact(patient, "Pablo", "López", has_authority=False)
    somebody = Recipient(name=name, relationship="Father")
    assert asked(lambda: issue(patient, somebody, actor)) == ["authority"]
    reason = {"authority": "His brother of nearly the same name; photo ID seen"}
    assert issue(patient, somebody, actor, override_reasons=reason).override_reasons == reason


@pytest.mark.parametrize("name", ["Rosa López", "Pablo Prado", "Elena García", "Paul Newman"])
def test_somebody_else_of_another_name_is_not_asked_about(patient: Patient, actor: Actor, name: str) -> None:
    factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert issue(patient, Recipient(name=name, relationship="Aunt"), actor).is_live


def test_a_blank_reason_is_none(patient: Patient, actor: Actor) -> None:
    father = factories.a_contact(patient, "Pablo", "López", has_authority=False)
    assert asked(lambda: issue(patient, of(father), actor, override_reasons={"authority": "  ", "teen": "x"})) == [
        "authority"
    ]


def test_a_sibling_whose_record_bars_the_parent(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    factories.a_contact(mateo, has_authority=False)
    assert asked(lambda: issue(patient, of(mother), actor, siblings=[mateo])) == ["authority"]
    assert issue(patient, of(mother), actor).is_live, "without him there is nothing to ask"


@pytest.mark.parametrize(("year", "is_teen"), [(2015, False), (2014, True), (2009, True)])
def test_a_teen(patient: Patient, mother: Contact, actor: Actor, year: int, is_teen: bool) -> None:
    teen = born(patient, year)
    if not is_teen:
        assert issue(teen, of(mother), actor).override_reasons == {}
        return
    assert asked(lambda: issue(teen, of(mother), actor, delivery=EMAIL)) == ["teen"]
    assert asked(lambda: issue(teen, Recipient(name="Rosa Prado"), actor)) == ["teen"]
    assert issue(teen, of(mother), actor, override_reasons={"teen": "Sofía agrees"}).override_reasons == {
        "teen": "Sofía agrees"
    }


def test_the_practice_says_who_is_a_teen_and_who_is_of_age(patient: Patient, mother: Contact, actor: Actor) -> None:
    patient = born(patient, 2012)  # 14 years old
    Practice.objects.update(teen_from=15)
    assert issue(Patient.objects.get(), of(mother), actor).override_reasons == {}
    Practice.objects.update(teen_from=10, minor_age_limit=14)
    with pytest.raises(OverrideRequired) as question:
        issue(Patient.objects.get(), of(mother), actor)
    assert [each.key for each in question.value.safety_warnings] == ["of_age"]
    assert issue(Patient.objects.get(), Recipient(name="Sofía", is_patient=True), actor).recipient_key == "patient"


def test_a_patient_of_age_with_a_parent_or_a_parents_address(patient: Patient, mother: Contact, actor: Actor) -> None:
    grown = born(patient, 2008)
    myself = Recipient(name="Sofía García-López", is_patient=True)
    verizon = Carrier.objects.get(name="Verizon")
    assert asked(lambda: issue(grown, of(mother), actor)) == ["of_age"]
    assert asked(lambda: issue(grown, myself, actor, delivery=ByEmail("Elena@families.example"))) == ["of_age"]
    assert asked(lambda: issue(grown, myself, actor, delivery=ByText("6125550161", verizon))) == ["of_age"]
    assert issue(grown, myself, actor, delivery=ByEmail("sofia@families.example")).override_reasons == {}


def a_message(practice: Practice, **fields: Any) -> None:
    told = {"channel": "email", "recipient": EMAIL.address, "shown_recipient": EMAIL.address}
    OutgoingMessage.objects.create(practice=practice, **{**told, "finished_at": timezone.now(), **fields})


def test_an_address_that_was_refused_before(
    practice: Practice, other_practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    a_message(other_practice, state="failed", address_refused=True)
    a_message(practice, state="failed")
    with time_machine.travel("2026-11-20T12:00:00-06:00", tick=False):
        a_message(practice, state="failed", address_refused=True)
    assert asked(lambda: issue(patient, of(mother), actor, delivery=EMAIL)) == ["refused"]
    a_message(practice, state="accepted")
    assert issue(patient, of(mother), actor, delivery=EMAIL).override_reasons == {}


def test_a_carrier_that_has_ended(patient: Patient, mother: Contact, actor: Actor) -> None:
    text = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    with time_machine.travel("2027-04-01T12:00:00-05:00", tick=False):
        with pytest.raises(OverrideRequired, match="03/31/2027"):
            issue(patient, of(mother), actor, delivery=text)
        assert issue(
            patient, of(mother), actor, delivery=text, override_reasons={"carrier": "It came yesterday"}
        ).is_live


# --- In the window ---


def ask_window(desk: Client, patient: Patient, data: dict[str, Any]) -> str:
    response = desk.post(window(patient), data)
    assert response.status_code == 422
    assert not Registration.objects.exists()
    html = response.content.decode()
    assert "Before you send" in html
    return html


def test_the_window_asks_and_goes_on_with_the_reasons(desk: Client, patient: Patient) -> None:
    father = factories.a_contact(patient, "Pablo", "López", email="pablo@families.example", has_authority=False)
    teen = born(patient, 2012)
    data = typed(father, email="Pablo@families.example")
    html = ask_window(desk, teen, data)
    assert "Pablo López is marked as not allowed to see Sofía’s record." in html
    assert "Sofía is 14" in html
    assert "Please check" not in html, "it is a question, not a mistake"
    assert html.count("data-take-focus") == 1
    assert html.split("data-take-focus")[0].rsplit("<input", 1)[1].count('name="confirmed_authority"') == 1
    assert 'value="Pablo@families.example"' in html

    html = ask_window(desk, teen, {**data, "confirmed_authority": "Court order", "confirmed_teen": ""})
    assert 'value="Court order"' in html
    assert html.count("Enter the reason.") == 2, "at the top and beside the field"

    given = {"confirmed_authority": "Court order", "confirmed_teen": "Sofía agrees"}
    assert desk.post(window(teen), {**data, **given}).status_code == 200
    told = AuditEvent.objects.get(action="registration_issued").details
    assert (told["confirmed authority"], told["confirmed teen"]) == ("Court order", "Sofía agrees")


def test_reasons_are_kept_while_something_else_is_mended(desk: Client, patient: Patient, mother: Contact) -> None:
    teen = born(patient, 2012)
    html = ask_window(desk, teen, typed(mother, email="elena@@families", confirmed_teen="Sofía agrees"))
    assert 'value="Sofía agrees"' in html
    assert QUESTIONS["teen"] in html


def test_a_reason_for_what_is_no_concern_any_more_is_not_asked_and_not_written_down(
    desk: Client, patient: Patient, mother: Contact
) -> None:
    data = typed(mother, delivery="text", cell_phone="(612) 555-0161", carrier=Carrier.objects.get(name="AT&T").pk)
    html = ask_window(desk, patient, data)
    assert "no longer delivers our texts (ended 06/17/2025)" in html
    by_mail = {**data, "delivery": "email", "confirmed_carrier": ""}
    assert desk.post(window(patient), by_mail).status_code == 200
    assert Registration.objects.get().override_reasons == {}


def test_a_parents_address_for_a_patient_of_age_is_asked_about_once(
    desk: Client, patient: Patient, mother: Contact
) -> None:
    grown = born(patient, 2004)
    html = ask_window(desk, grown, typed(None))
    assert "belongs to Elena García, who could use the PIN" in html
    assert "They share this address" not in html


def test_a_proxys_paper_is_the_reason_for_what_it_permits(patient: Patient, actor: Actor) -> None:
    aunt = factories.a_contact(patient, "Rosa", "Prado", email="rosa@prado.example", has_authority=False)
    proxy = Proxy(level=AccessLevel.LIMITED, authorization="Consent, on file", ends_on=date(2027, 1, 1))
    registration = issue(patient, of(aunt), actor, proxy=proxy)
    assert registration.override_reasons == {"authority": "Consent, on file"}
    lifecycle.revoke_ineligible()
    registration.refresh_from_db()
    assert registration.is_live
    with pytest.raises(OverrideRequired) as question:
        issue(born(patient, 2012), of(aunt), actor, proxy=proxy)
    assert [each.key for each in question.value.safety_warnings] == ["authority", "teen"], (
        "of a teen's wishes it says nothing"
    )
