"""Registrations for several children, for existing accounts, for families that declined, and for proxies."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from notifications import suppressions
from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.models import AccessLevel, Association, Decline, PinDisplay, Registration
from registration.values import ByEmail, ByText, Delivery, Proxy, Recipient, Refused, ToAccount
from tests import factories
from tests.factories import a_decline, an_account, issue_registration


def test_one_pin_covers_several_children(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    factories.a_contact(mateo)
    registration = issue_registration([patient, mateo], mother, actor=actor, delivery=ByEmail("elena@families.example"))
    assert set(registration.patients.all()) == {patient, mateo}
    assert OutgoingMessage.objects.count() == 1
    mateo.refresh_from_db()
    assert mateo.portal_status == PortalStatus.PENDING
    issued = AuditEvent.objects.filter(action="registration_issued")
    assert set(issued.values_list("patient_id", flat=True)) == {patient.pk, mateo.pk}


@pytest.mark.parametrize("change", [{"given_names": "Irene"}, {"active": False}, {"in_source": False}])
def test_child_without_the_contact_is_refused(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor, change: dict[str, Any]
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    Contact.objects.filter(pk=factories.a_contact(mateo).pk).update(**change)
    with pytest.raises(Refused, match="not a family contact of Mateo") as refusal:
        issue_registration([patient, mateo], mother, actor=actor)
    assert refusal.value.field == "also"


def test_same_mother_on_a_sibling_record_has_one_live_pin(
    practice: Practice, patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    """The mother has a contact row with each child. A PIN issued from one child's page supersedes one from the other's."""
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    hers = factories.a_contact(mateo)
    for_both = issue_registration([patient, mateo], mother, actor=actor)
    his = issue_registration(patient, father, actor=actor)
    for_mateo = issue_registration(mateo, hers, actor=actor)
    assert set(Registration.objects.live()) == {his, for_mateo}
    for_both.refresh_from_db()
    assert for_both.state == Registration.State.SUPERSEDED
    back = issue_registration([patient, mateo], mother, actor=actor)
    assert set(Registration.objects.live()) == {his, back}


def test_namesake_in_another_family_keeps_the_pin(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    other = factories.a_patient(practice, "Liam", "O'Brien")
    namesake = factories.a_contact(other, email="another.elena@families.example", phone="+16125550177")
    issue_registration(other, namesake, actor=actor)
    issue_registration(patient, mother, actor=actor)
    assert Registration.objects.live().count() == 2


# --- Existing accounts, declines, proxies ---


def test_existing_account_gets_no_pin(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = an_account()
    registration = issue_registration(
        patient, mother, actor=actor, method=ToAccount(account), delivery=ByEmail(account.email), language="es"
    )
    assert (registration.method, registration.account, registration.selector) == ("account", account, "")
    assert registration.message is not None
    assert registration.message.recipient == account.email
    assert "#" not in registration.message.content.text
    assert not PinDisplay.objects.exists()
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.PENDING


def test_account_with_access_is_refused(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = an_account()
    Association.objects.create(account=account, patient=patient, relationship="mother")
    with pytest.raises(Refused, match="can already see the record"):
        issue_registration(patient, mother, actor=actor, method=ToAccount(account))


def test_nothing_is_sent_to_a_family_that_declined(patient: Patient, mother: Contact, actor: Actor) -> None:
    decline = a_decline(patient, actor)
    with pytest.raises(Refused, match="declined the portal") as refusal:
        issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    assert refusal.value.field == "delivery"
    assert not OutgoingMessage.objects.exists()
    assert issue_registration(patient, mother, actor=actor).message is None, "a PIN can still be given in person"
    Decline.objects.filter(pk=decline.pk).update(ended_at=decline.at)
    assert issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example")).message


def test_nothing_is_sent_to_a_suppressed_address(patient: Patient, mother: Contact, actor: Actor) -> None:
    suppressions.suppress(patient.practice, channel="email", address="elena@families.example", actor=actor)
    suppressions.suppress(patient.practice, channel="text", address="6125550161", actor=actor)
    verizon = Carrier.objects.get(name="Verizon")
    deliveries: dict[str, Delivery] = {
        "email": ByEmail("Elena@Families.example"),
        "cell_phone": ByText("6125550161", verizon),
    }
    for field, delivery in deliveries.items():
        with pytest.raises(Refused, match="has opted out of our messages") as refusal:
            issue_registration(patient, mother, actor=actor, delivery=delivery)
        assert refusal.value.field == field
    assert issue_registration(patient, mother, actor=actor).is_live


TODAY = date(2026, 11, 23)


def a_proxy(ends_on: date, authorization: str = "Written consent of the mother, on file") -> Proxy:
    return Proxy(level=AccessLevel.LIMITED, authorization=authorization, ends_on=ends_on)


def test_proxy_registration_has_authorization_and_end_date(patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False):
        aunt = Recipient(name="Rosa Prado", relationship="Aunt")
        registration = issue_registration(patient, aunt, actor=actor, proxy=a_proxy(date(2028, 11, 23)))
    assert (registration.level, registration.access_ends_on) == ("limited", date(2028, 11, 23))
    assert registration.authorization == "Written consent of the mother, on file"
    details = AuditEvent.objects.get(action="registration_issued").details
    assert (details["access"], details["authorization"]) == ("Limited until 2028-11-23", registration.authorization)


@pytest.mark.parametrize(
    ("proxy", "field"),
    [
        (a_proxy(TODAY), "access_ends_on"),
        (a_proxy(TODAY - timedelta(days=1)), "access_ends_on"),
        (a_proxy(date(2028, 11, 24)), "access_ends_on"),
        (a_proxy(date(2027, 1, 1), authorization="  "), "authorization"),
    ],
)
def test_proxy_with_missing_or_wrong_terms_is_refused(patient: Patient, actor: Actor, proxy: Proxy, field: str) -> None:
    aunt = Recipient(name="Rosa Prado", relationship="Aunt")
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False), pytest.raises(Refused) as refusal:
        issue_registration(patient, aunt, actor=actor, proxy=proxy)
    assert refusal.value.field == field
    assert not Registration.objects.exists()


def test_identification_and_risk_acknowledgment_are_recorded(patient: Patient, mother: Contact, actor: Actor) -> None:
    delivery = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    registration = issue_registration(
        patient, mother, actor=actor, delivery=delivery, identified_by="callback", risk_acknowledged=True, language="es"
    )
    registration.refresh_from_db()
    assert (registration.identified_by, registration.risk_acknowledged) == ("callback", True)
    assert (registration.carrier, registration.language) == (delivery.carrier, "es")
    details = AuditEvent.objects.get(action="registration_issued").details
    assert details["identified_by"] == "Called back at the number on record"
    assert details["risk_acknowledged"] is True
