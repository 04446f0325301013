"""Who shares a parent, though each child's record has a row of its own for her."""

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


def test_a_sibling_and_the_parents_in_common(
    practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    mateo = a_sibling(practice)
    ana = a_sibling(practice, "Ana")
    factories.a_contact(ana, "PABLO", "Lopez", email="pablo@families.example", phone="")
    found = {each.patient: each.shared_with for each in same_person.siblings_of(patient)}
    assert found == {ana: {mother.pk, father.pk}, mateo: {mother.pk}}


@pytest.mark.parametrize(
    "row",
    [
        {"email": "ELENA@families.example", "phone": ""},
        {"email": "", "phone": "(612) 555-0161"},
        {"given": "elena", "family": "GARCIA"},
    ],
)
def test_the_same_person_written_another_way(
    practice: Practice, patient: Patient, mother: Contact, row: dict[str, str]
) -> None:
    assert [each.patient for each in same_person.siblings_of(patient)] == []
    mateo = a_sibling(practice, **row)
    assert [each.patient for each in same_person.siblings_of(patient)] == [mateo]


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
def test_somebody_else(practice: Practice, patient: Patient, mother: Contact, row: dict[str, Any]) -> None:
    """Another name at the same number, the same name at another one, and who is not a contact any more."""
    a_sibling(practice, **row)
    assert same_person.siblings_of(patient) == []


def test_without_address_and_number_nobody_is_the_same(practice: Practice, patient: Patient) -> None:
    factories.a_contact(patient, email="", phone="")
    a_sibling(practice, email="", phone="")
    assert same_person.siblings_of(patient) == []


@pytest.mark.parametrize("change", [{"active": False}, {"deceased": True}, {"given_names": "Baby Boy"}])
def test_who_may_not_be_registered_is_not_offered(
    practice: Practice, patient: Patient, mother: Contact, change: dict[str, Any]
) -> None:
    mateo = a_sibling(practice)
    Patient.objects.filter(pk=mateo.pk).update(**change)
    assert same_person.siblings_of(patient) == []


def test_the_other_practice_is_another_world(other_practice: Practice, patient: Patient, mother: Contact) -> None:
    a_sibling(other_practice)
    assert same_person.siblings_of(patient) == []
    assert same_person.contact_rows_for(mother) == [mother]


def test_two_queries_however_many_there_are(
    practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    for given in ("Ana", "Luis", "Mateo", "Nora"):
        a_sibling(practice, given)
    with CaptureQueriesContext(connection) as queries:
        assert len(same_person.siblings_of(patient)) == 4
    assert len(queries) <= 2


def test_all_rows_of_a_person(practice: Practice, patient: Patient, mother: Contact, father: Contact) -> None:
    mateo = a_sibling(practice)
    assert {row.patient for row in same_person.contact_rows_for(mother)} == {patient, mateo}
    assert same_person.contact_rows_for(father) == [father]
