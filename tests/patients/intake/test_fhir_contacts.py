"""Patient.contact becomes family contacts: their relationship, authority and key, and which are left out."""

from typing import Any

import pytest

from patients.intake.records import ContactRecord
from tests.patients.intake.fhir_patients import taken


def contact(**members: Any) -> ContactRecord:
    (found,) = taken(contact=[{"name": {"family": "García", "given": ["Rosa"]}} | members]).contacts
    return found


def test_contact_with_all_fields_is_read() -> None:
    points = [{"system": "phone", "value": "555 010 0100"}, {"system": "email", "value": "rosa@mail.example"}]
    found = contact(id="c1", relationship=[{"coding": [{"code": "MTH"}]}], telecom=points)
    assert found == ContactRecord(
        key="c1",
        family_name="García",
        given_names="Rosa",
        relationship="Mother",
        email="rosa@mail.example",
        phone="555 010 0100",
    )


@pytest.mark.parametrize(
    ("relationships", "label"),
    [
        ([{"coding": [{"code": "GUARD", "display": "Legal guardian"}]}], "Legal guardian"),
        ([{"text": "Grandma", "coding": [{"code": "GRMTH"}]}], "Grandma"),
        ([{"coding": [{"code": "N"}]}], "Next of kin"),
        ([{"coding": [{"code": "C"}]}, {"coding": [{"code": "FTH"}]}], "Father"),
        ([{"coding": [{"code": "ZZ"}]}], ""),
        (None, ""),
    ],
)
def test_relationship_is_read_as_its_label(relationships: object, label: str) -> None:
    found = contact(relationship=relationships)
    assert (found.relationship, found.has_authority) == (label, None)


def test_emergency_contact_has_no_authority() -> None:
    assert contact(relationship=[{"coding": [{"code": "C"}]}]).has_authority is False


def test_contacts_without_an_id_get_different_keys() -> None:
    rosa = {"name": {"family": "García", "given": ["Rosa"]}}
    keys = [found.key for found in taken(contact=[rosa, rosa, rosa | {"id": "x"}, rosa | {"id": "x"}]).contacts]
    assert keys == ["rosagarcia/", "rosagarcia/#2", "x", "x#2"]


def test_contact_without_a_name_is_reported_unless_it_is_an_organization() -> None:
    record = taken(contact=[{"organization": {"display": "School"}}, {"relationship": []}])
    assert record.contacts == ()
    assert [refusal.field for refusal in record.left_out] == ["contact[1].name"]


def test_contact_whose_period_has_ended_is_skipped() -> None:
    assert taken(contact=[{"name": {"text": "Rosa García"}, "period": {"end": "2020"}}]).contacts == ()
