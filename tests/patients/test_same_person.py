"""Siblings share a parent although each child's record has its own row for the parent."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients import same_person
from patients.models import Contact, Patient
from portal.models import Practice
from tests import factories


def a_sibling(practice: Practice, name: str = "Mateo", **contact: Any) -> Patient:
    sibling = factories.a_patient(practice, name, "García-López", birth_date=date(2016, 1, 2))
    factories.a_contact(sibling, **contact)
    return sibling


def test_siblings_are_found_with_the_parents_they_share(
    practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    mateo = a_sibling(practice)
    ana = a_sibling(practice, "Ana")
    factories.a_contact(ana, "PABLO", "Lopez", email="pablo@families.example", phone="")
    found = {sibling.patient: sibling.shared_with for sibling in same_person.siblings_of(patient)}
    assert found == {ana: {mother.pk, father.pk}, mateo: {mother.pk}}


@pytest.mark.parametrize(
    "row",
    [
        {"email": "ELENA@families.example", "phone": ""},
        {"email": "", "phone": "(612) 555-0161"},
        {"given": "elena", "family": "GARCIA"},
    ],
)
def test_contact_with_same_name_and_address_or_number_is_the_same_person(
    practice: Practice, patient: Patient, mother: Contact, row: dict[str, str]
) -> None:
    assert [sibling.patient for sibling in same_person.siblings_of(patient)] == []
    mateo = a_sibling(practice, **row)
    assert [sibling.patient for sibling in same_person.siblings_of(patient)] == [mateo]


@pytest.mark.parametrize(
    "row",
    [
        {"given": "Irene"},
        {"email": "other@families.example", "phone": "+16125550177"},
        {"email": "", "phone": ""},
        {"active": False},
        {"in_source": False},
    ],
)
def test_contact_with_another_name_or_address_is_not_the_same_person(
    practice: Practice, patient: Patient, mother: Contact, row: dict[str, Any]
) -> None:
    """Includes a different name at the same number, and a contact who is no longer current."""
    a_sibling(practice, **row)
    assert same_person.siblings_of(patient) == []


def test_contacts_without_address_and_number_are_not_the_same_person(practice: Practice, patient: Patient) -> None:
    factories.a_contact(patient, email="", phone="")
    a_sibling(practice, email="", phone="")
    assert same_person.siblings_of(patient) == []


@pytest.mark.parametrize("change", [{"active": False}, {"deceased": True}, {"given_names": "Baby Boy"}])
def test_sibling_who_cannot_be_registered_is_left_out(
    practice: Practice, patient: Patient, mother: Contact, change: dict[str, Any]
) -> None:
    mateo = a_sibling(practice)
    Patient.objects.filter(pk=mateo.pk).update(**change)
    assert same_person.siblings_of(patient) == []


def test_other_practices_are_not_searched(other_practice: Practice, patient: Patient, mother: Contact) -> None:
    a_sibling(other_practice)
    assert same_person.siblings_of(patient) == []
    assert same_person.contact_rows_for(mother) == [mother]


def test_finding_siblings_takes_two_queries(
    practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    for given in ("Ana", "Luis", "Mateo", "Nora"):
        a_sibling(practice, given)
    with CaptureQueriesContext(connection) as queries:
        assert len(same_person.siblings_of(patient)) == 4
    assert len(queries) <= 2


def test_contact_rows_of_a_person_are_found_for_all_children(
    practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    mateo = a_sibling(practice)
    assert {row.patient for row in same_person.contact_rows_for(mother)} == {patient, mateo}
    assert same_person.contact_rows_for(father) == [father]
