"""Finding a patient: each once, in order, page by page, and only of one's own practice."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients import search
from patients.models import Contact, NameKey, Patient, PortalStatus, keys_of
from patients.search import PatientQuery
from portal.models import Practice
from tests import factories


def found(practice: Practice, **asked: object) -> list[str]:
    return [hit.patient.name for hit in search.find(PatientQuery(practice=practice, **asked)).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["obrien", "O'Brien", "O’BRIEN", "o brien", "OBR"])
def test_an_apostrophe_does_not_matter(practice: Practice, typed: str) -> None:
    factories.a_patient(practice, "Liam", "O'Brien")
    assert found(practice, last_name=typed) == ["O'Brien, Liam"]


def test_a_double_surname_is_found_by_either_part_and_listed_once(practice: Practice) -> None:
    factories.a_patient(practice, "Sofía", "García-López")
    factories.a_patient(practice, "Ana", "Garcia Garcia")
    assert found(practice, last_name="lopez") == ["García-López, Sofía"]
    assert found(practice, last_name="garcia") == ["Garcia Garcia, Ana", "García-López, Sofía"]


def test_first_name_and_the_name_that_a_child_goes_by(practice: Practice) -> None:
    factories.a_patient(practice, "William", "Whitfield", preferred_name="Billy")
    assert found(practice, first_name="bil") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="will") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="bob") == []


def test_date_of_birth(practice: Practice) -> None:
    factories.a_patient(practice, "Ada", "Okafor", birth_date=date(2020, 1, 2))
    factories.a_patient(practice, "Obi", "Okafor", birth_date=date(2020, 1, 2))
    factories.a_patient(practice, "Ina", "Okafor", birth_date=date(2021, 1, 2))
    assert found(practice, date_of_birth=date(2020, 1, 2)) == ["Okafor, Ada", "Okafor, Obi"]


def test_status_alone_is_a_worklist(practice: Practice) -> None:
    factories.a_patient(practice, "Ada", "Okafor", portal_status=PortalStatus.DECLINED)
    factories.a_patient(practice, "Obi", "Okafor")
    assert found(practice, status=PortalStatus.DECLINED) == ["Okafor, Ada"]


def test_nobody_of_another_practice(practice: Practice, other_practice: Practice) -> None:
    factories.a_patient(other_practice, "Liam", "O'Brien")
    assert found(practice, last_name="obrien") == []


def test_by_family_contact(practice: Practice) -> None:
    sofia = factories.a_patient(practice)
    factories.a_contact(sofia, "Elena", "García", phone="+16125550161", email="Elena@Families.example")
    factories.a_contact(sofia, "Gael", "García", phone="", email="")
    assert found(practice, by_contact=True, last_name="garcia") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, first_name="elena") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, email="ELENA@families.example ") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, email="elena@fam") == []
    assert found(practice, by_contact=True, phone="612-555-0161") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, phone="612-555-0161", last_name="smith") == []
    assert found(practice, by_contact=True, last_name="lopez") == []


def test_a_phone_number_on_the_patients_own_record_is_found_too(practice: Practice) -> None:
    factories.a_patient(practice, "Suzanna", "Yundt842", phone="555-907-9875")
    assert found(practice, by_contact=True, phone="(555) 907-9875") == ["Yundt842, Suzanna"]


def test_an_e_mail_address_on_the_patients_own_record_is_found_with_the_patients_name(practice: Practice) -> None:
    rosa = factories.a_patient(practice, "Rosa", "Ito", email="family@ito.example")
    factories.a_contact(rosa, "Kenji", "Mori", email="kenji@mori.example")
    factories.a_contact(factories.a_patient(practice, "Aki", "Mori"), "Kenji", "Mori", email="family@ito.example")
    asked = {"by_contact": True, "email": "Family@Ito.example"}
    assert found(practice, **asked, last_name="ito", first_name="ro") == ["Ito, Rosa"]
    assert found(practice, **asked, last_name="mori") == ["Mori, Aki"]
    assert found(practice, **asked) == ["Ito, Rosa", "Mori, Aki"]


def test_every_patient_behind_one_address_is_counted_and_reached(practice: Practice) -> None:
    many = 520
    shared = {"email": "office@home.example", "email_key": "office@home.example"}
    patients = Patient.objects.bulk_create(
        Patient(practice=practice, source_id=str(n), family_name=f"Smith{n:03}", birth_date=date(2020, 1, 2))
        for n in range(many)
    )
    contacts = Contact.objects.bulk_create(
        Contact(practice=practice, patient=patient, family_name="Smith", **shared) for patient in patients
    )
    for patient, contact in zip(patients, contacts, strict=True):
        NameKey.objects.bulk_create(keys_of(patient, [contact]))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # PostgreSQL plans for empty tables until it has looked, which it does by itself
    query = PatientQuery(practice=practice, by_contact=True, email="office@home.example")
    page = search.find(query)
    assert page.shown_count == "520"
    reached = [hit.patient.pk for hit in page.hits]
    while page.after:
        page = search.find(query, after=page.after)
        reached += [hit.patient.pk for hit in page.hits]
    assert len(reached) == many
    assert set(reached) == {patient.pk for patient in patients}


@pytest.mark.parametrize("gone", [{"active": False}, {"in_source": False}])
def test_a_contact_who_is_no_more_is_not_found(practice: Practice, gone: dict[str, Any]) -> None:
    factories.a_contact(factories.a_patient(practice), **gone)
    assert found(practice, by_contact=True, last_name="garcia") == []
    assert found(practice, by_contact=True, email="elena@families.example") == []
    assert found(practice, by_contact=True, phone="612-555-0161") == []


def test_nobody_of_another_practice_by_address_or_number(practice: Practice, other_practice: Practice) -> None:
    factories.a_contact(factories.a_patient(other_practice, email="sofia@families.example"))
    for asked in ({"email": "elena@families.example"}, {"email": "sofia@families.example"}, {"phone": "6125550161"}):
        assert found(practice, by_contact=True, **asked) == []
        assert found(other_practice, by_contact=True, **asked) == ["García-López, Sofía"]


def test_the_hit_names_the_contact_who_was_found(practice: Practice) -> None:
    mother = factories.a_contact(factories.a_patient(practice))
    (hit,) = search.find(PatientQuery(practice=practice, by_contact=True, first_name="ele")).hits
    assert hit.contact == mother


def test_pages_go_on_and_back_and_miss_nobody(practice: Practice) -> None:
    everybody = [factories.a_patient(practice, f"Given{n:03}", "Smith-Smithson").name for n in range(60)]
    query = PatientQuery(practice=practice, last_name="smith")
    first = search.find(query)
    second = search.find(query, after=first.after)
    third = search.find(query, after=second.after)
    pages = [first, second, third]
    assert [hit.patient.name for page in pages for hit in page.hits] == sorted(everybody)
    assert [len(page.hits) for page in pages] == [25, 25, 10]
    assert (first.before, third.after) == (None, None)
    back = search.find(query, before=third.before)
    assert [hit.patient.pk for hit in back.hits] == [hit.patient.pk for hit in second.hits]
    assert first.shown_count == "60"


def test_a_page_key_of_nobody_is_the_first_page(practice: Practice) -> None:
    factories.a_patient(practice)
    assert len(search.find(PatientQuery(practice=practice, last_name="gar"), after=999_999).hits) == 1


def test_behind_the_last_page_is_the_first(practice: Practice) -> None:
    for n in range(26):
        factories.a_patient(practice, f"Given{n:02}", "Smith")
    query = PatientQuery(practice=practice, last_name="smith")
    first = search.find(query)
    Patient.objects.filter(given_names="Given25").delete()
    assert [hit.patient for hit in search.find(query, after=first.after).hits] == [hit.patient for hit in first.hits]


def test_more_than_anybody_would_count(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        factories.a_patient(practice, f"Given{n}", "Smith")
    monkeypatch.setattr(search, "MAX_COUNTED", 3)
    assert search.find(PatientQuery(practice=practice, last_name="smith")).shown_count == "3+"


@pytest.mark.parametrize(
    ("patients", "family_name", "days_apart", "shown"),
    [
        (12, "Smith", 1, "10+"),
        (12, "Smith", 0, "10+"),  # all born on one day: their dates of birth tell nothing
        (9, "Smith-Smithson", 1, "9"),  # two keys each
        (12, "Smith-Smithson", 1, "10+"),
    ],
)
def test_patients_are_counted_and_not_their_keys(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, patients: int, family_name: str, days_apart: int, shown: str
) -> None:
    for n in range(patients):
        born = date(2019, 3, 5) + timedelta(days=n * days_apart)
        factories.a_patient(practice, f"Given{n}", family_name, birth_date=born)
    monkeypatch.setattr(search, "MAX_COUNTED", 10)
    assert search.find(PatientQuery(practice=practice, last_name="smi")).shown_count == shown


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite looks up whose a key is by the patient")
def test_that_each_is_listed_once_is_looked_up_by_the_patient(practice: Practice) -> None:
    """By an index of names, all that match were looked through again for each that matches."""
    for n in range(60):
        factories.a_patient(practice, f"Given{n}", "Smith")
    query = PatientQuery(practice=practice, last_name="smith")
    with CaptureQueriesContext(connection) as sent:
        search.find(query)
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):  # what suits a table as small as here
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sent[0]['sql']}")
        plan = [row[0] for row in cursor.fetchall()]
    (inner, *_) = [line for line in plan if line.endswith("patients_namekey e") or "patients_namekey e  " in line]
    assert "patients_namekey_patient_id" in inner, plan


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"last_name": "smi"}, "key_by_last"),
        ({"first_name": "jo"}, "key_by_first"),
        ({"date_of_birth": date(2019, 3, 5)}, "key_by_birth"),
    ],
)
def test_a_search_is_answered_from_an_index(practice: Practice, asked: dict[str, Any], index: str) -> None:
    factories.a_patient(practice)
    with CaptureQueriesContext(connection) as sent:
        search.find(PatientQuery(practice=practice, **asked))
    assert len(sent) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sent[0]['sql']}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert f"SEARCH k USING INDEX {index}" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan  # nothing is sorted: the index holds the order
