"""Patient.contact into family contacts: who they are to the child, and which are left out."""

from typing import Any

import pytest

from patients.intake.records import ContactRecord
from tests.patients.intake.test_fhir import taken


def contact(**members: Any) -> ContactRecord:
    (found,) = taken(contact=[{"name": {"family": "García", "given": ["Rosa"]}} | members]).contacts
    return found


def test_a_contact_with_what_the_source_knows() -> None:
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
    ("relationships", "word"),
    [
        ([{"coding": [{"code": "GUARD", "display": "Legal guardian"}]}], "Legal guardian"),
        ([{"text": "Grandma", "coding": [{"code": "GRMTH"}]}], "Grandma"),
        ([{"coding": [{"code": "N"}]}], "Next of kin"),
        ([{"coding": [{"code": "C"}]}, {"coding": [{"code": "FTH"}]}], "Father"),
        ([{"coding": [{"code": "ZZ"}]}], ""),
        (None, ""),
    ],
)
def test_a_relationship_is_said_in_a_word(relationships: object, word: str) -> None:
    found = contact(relationship=relationships)
    assert (found.relationship, found.has_authority) == (word, None)


def test_a_mere_emergency_contact_has_no_authority() -> None:
    assert contact(relationship=[{"coding": [{"code": "C"}]}]).has_authority is False


def test_contacts_without_an_id_are_told_apart() -> None:
    rosa = {"name": {"family": "García", "given": ["Rosa"]}}
    keys = [one.key for one in taken(contact=[rosa, rosa, rosa | {"id": "x"}, rosa | {"id": "x"}]).contacts]
    assert keys == ["rosagarcia/", "rosagarcia/#2", "x", "x#2"]


def test_a_contact_without_a_name_is_left_out_and_told_unless_it_is_an_organization() -> None:
    record = taken(contact=[{"organization": {"display": "School"}}, {"relationship": []}])
    assert record.contacts == ()
    assert [one.field for one in record.left_out] == ["contact[1].name"]


def test_a_contact_whose_time_is_over_is_passed_over() -> None:
    assert taken(contact=[{"name": {"text": "Rosa García"}, "period": {"end": "2020"}}]).contacts == ()
