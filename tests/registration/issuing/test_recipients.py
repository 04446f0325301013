"""A registration for several children, to somebody who is here already, to nobody who declined, to a proxy."""

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
from tests.registration.issuing.test_registrations import a_decline, an_account, issue, of


def test_one_pin_for_the_whole_family(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    factories.a_contact(mateo)
    registration = issue(patient, of(mother), actor, siblings=[mateo], delivery=ByEmail("elena@families.example"))
    assert set(registration.patients.all()) == {patient, mateo}
    assert OutgoingMessage.objects.count() == 1
    mateo.refresh_from_db()
    assert mateo.portal_status == PortalStatus.PENDING
    issued = AuditEvent.objects.filter(action="registration_issued")
    assert set(issued.values_list("patient_id", flat=True)) == {patient.pk, mateo.pk}


@pytest.mark.parametrize("change", [{"given_names": "Irene"}, {"active": False}, {"in_source": False}])
def test_a_child_who_does_not_share_the_recipient_is_not_covered(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor, change: dict[str, Any]
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    Contact.objects.filter(pk=factories.a_contact(mateo).pk).update(**change)
    with pytest.raises(Refused, match="not a family contact of Mateo") as refusal:
        issue(patient, of(mother), actor, siblings=[mateo])
    assert refusal.value.field == "also"


def test_the_same_mother_behind_a_siblings_contact_has_one_live_pin(
    practice: Practice, patient: Patient, mother: Contact, father: Contact, actor: Actor
) -> None:
    """What was issued for both from one child's page is superseded from the other child's page, whose row she also has."""
    mateo = factories.a_patient(practice, "Mateo", "García-López")
    hers = factories.a_contact(mateo)
    for_both = issue(patient, of(mother), actor, siblings=[mateo])
    his = issue(patient, of(father), actor)
    for_mateo = issue(mateo, of(hers), actor)
    assert set(Registration.objects.live()) == {his, for_mateo}
    for_both.refresh_from_db()
    assert for_both.state == Registration.State.SUPERSEDED
    back = issue(patient, of(mother), actor, siblings=[mateo])
    assert set(Registration.objects.live()) == {his, back}


def test_a_namesake_elsewhere_keeps_the_pin(
    practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    other = factories.a_patient(practice, "Liam", "O'Brien")
    namesake = factories.a_contact(other, email="another.elena@families.example", phone="+16125550177")
    issue(other, of(namesake), actor)
    issue(patient, of(mother), actor)
    assert Registration.objects.live().count() == 2


# --- Who is here already, who does not want it, who has a paper ---


def test_to_an_account_there_goes_no_pin(patient: Patient, mother: Contact, actor: Actor) -> None:
    account = an_account()
    registration = issue(
        patient, of(mother), actor, method=ToAccount(account), delivery=ByEmail(account.email), language="es"
    )
    assert (registration.method, registration.account, registration.selector) == ("account", account, "")
    assert registration.message is not None
    assert registration.message.recipient == account.email
    assert "#" not in registration.message.content.text
    assert not PinDisplay.objects.exists()
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.PENDING


def test_an_account_that_sees_the_record_already_is_not_offered_it(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    account = an_account()
    Association.objects.create(account=account, patient=patient, relationship="mother")
    with pytest.raises(Refused, match="can already see the record"):
        issue(patient, of(mother), actor, method=ToAccount(account))


def test_to_a_family_that_declined_nothing_is_sent(patient: Patient, mother: Contact, actor: Actor) -> None:
    decline = a_decline(patient, actor)
    with pytest.raises(Refused, match="declined the portal") as refusal:
        issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example"))
    assert refusal.value.field == "delivery"
    assert not OutgoingMessage.objects.exists()
    assert issue(patient, of(mother), actor).message is None, "in person it may still be said"
    Decline.objects.filter(pk=decline.pk).update(ended_at=decline.at)
    assert issue(patient, of(mother), actor, delivery=ByEmail("elena@families.example")).message


def test_to_a_stopped_address_nothing_is_sent(patient: Patient, mother: Contact, actor: Actor) -> None:
    suppressions.suppress(patient.practice, channel="email", address="elena@families.example", actor=actor)
    suppressions.suppress(patient.practice, channel="text", address="6125550161", actor=actor)
    verizon = Carrier.objects.get(name="Verizon")
    deliveries: dict[str, Delivery] = {
        "email": ByEmail("Elena@Families.example"),
        "cell_phone": ByText("6125550161", verizon),
    }
    for field, delivery in deliveries.items():
        with pytest.raises(Refused, match="has opted out of our messages") as refusal:
            issue(patient, of(mother), actor, delivery=delivery)
        assert refusal.value.field == field
    assert issue(patient, of(mother), actor).is_live


TODAY = date(2026, 11, 23)


def a_proxy(ends_on: date, authorization: str = "Written consent of the mother, on file") -> Proxy:
    return Proxy(level=AccessLevel.LIMITED, authorization=authorization, ends_on=ends_on)


def test_a_proxy_has_a_paper_and_a_last_day(patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False):
        aunt = Recipient(name="Rosa Prado", relationship="Aunt")
        registration = issue(patient, aunt, actor, proxy=a_proxy(date(2028, 11, 23)))
    assert (registration.level, registration.access_ends_on) == ("limited", date(2028, 11, 23))
    assert registration.authorization == "Written consent of the mother, on file"
    told = AuditEvent.objects.get(action="registration_issued").details
    assert (told["access"], told["authorisation"]) == ("Limited until 2028-11-23", registration.authorization)


@pytest.mark.parametrize(
    ("proxy", "field"),
    [
        (a_proxy(TODAY), "access_ends_on"),
        (a_proxy(TODAY - timedelta(days=1)), "access_ends_on"),
        (a_proxy(date(2028, 11, 24)), "access_ends_on"),
        (a_proxy(date(2027, 1, 1), authorization="  "), "authorization"),
    ],
)
def test_a_proxy_without_them_is_refused(patient: Patient, actor: Actor, proxy: Proxy, field: str) -> None:
    aunt = Recipient(name="Rosa Prado", relationship="Aunt")
    with time_machine.travel("2026-11-23T12:00:00-06:00", tick=False), pytest.raises(Refused) as refusal:
        issue(patient, aunt, actor, proxy=proxy)
    assert refusal.value.field == field
    assert not Registration.objects.exists()


def test_how_somebody_was_identified_and_told_of_the_risk_is_kept(
    patient: Patient, mother: Contact, actor: Actor
) -> None:
    delivery = ByText("6125550161", Carrier.objects.get(name="Verizon"))
    registration = issue(
        patient, of(mother), actor, delivery=delivery, identified_by="callback", risk_acknowledged=True, language="es"
    )
    registration.refresh_from_db()
    assert (registration.identified_by, registration.risk_acknowledged) == ("callback", True)
    assert (registration.carrier, registration.language) == (delivery.carrier, "es")
    told = AuditEvent.objects.get(action="registration_issued").details
    assert told["identified_by"] == "Called back on the number on record"
    assert told["told_of_risk"] is True
