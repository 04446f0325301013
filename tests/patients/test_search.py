"""A search finds each patient of the practice once, in order and page by page."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients import search
from patients.models import Contact, NameKey, Patient, PortalStatus, keys_of
from patients.search_filters import PatientQuery
from portal.models import Practice
from tests import factories


def found(practice: Practice, **criteria: object) -> list[str]:
    return [hit.patient.name for hit in search.find(PatientQuery(practice=practice, **criteria)).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["obrien", "O'Brien", "O’BRIEN", "o brien", "OBR"])
def test_apostrophe_in_a_name_is_ignored(practice: Practice, typed: str) -> None:
    factories.a_patient(practice, "Liam", "O'Brien")
    assert found(practice, last_name=typed) == ["O'Brien, Liam"]


def test_double_surname_is_found_by_either_part_and_listed_once(practice: Practice) -> None:
    factories.a_patient(practice, "Sofía", "García-López")
    factories.a_patient(practice, "Ana", "Garcia Garcia")
    assert found(practice, last_name="lopez") == ["García-López, Sofía"]
    assert found(practice, last_name="garcia") == ["Garcia Garcia, Ana", "García-López, Sofía"]


def test_first_name_search_includes_the_preferred_name(practice: Practice) -> None:
    factories.a_patient(practice, "William", "Whitfield", preferred_name="Billy")
    assert found(practice, first_name="bil") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="will") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="bob") == []


def test_search_by_date_of_birth_finds_every_patient_born_that_day(practice: Practice) -> None:
    factories.a_patient(practice, "Ada", "Okafor", birth_date=date(2020, 1, 2))
    factories.a_patient(practice, "Obi", "Okafor", birth_date=date(2020, 1, 2))
    factories.a_patient(practice, "Ina", "Okafor", birth_date=date(2021, 1, 2))
    assert found(practice, date_of_birth=date(2020, 1, 2)) == ["Okafor, Ada", "Okafor, Obi"]


def test_search_by_status_alone_lists_its_patients(practice: Practice) -> None:
    factories.a_patient(practice, "Ada", "Okafor", portal_status=PortalStatus.DECLINED)
    factories.a_patient(practice, "Obi", "Okafor")
    assert found(practice, status=PortalStatus.DECLINED) == ["Okafor, Ada"]


def test_search_by_name_skips_other_practices(practice: Practice, other_practice: Practice) -> None:
    factories.a_patient(other_practice, "Liam", "O'Brien")
    assert found(practice, last_name="obrien") == []


def test_search_by_family_contact_finds_the_patient(practice: Practice) -> None:
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


def test_phone_number_on_the_patients_own_record_is_found(practice: Practice) -> None:
    factories.a_patient(practice, "Suzanna", "Yundt842", phone="555-907-9875")
    assert found(practice, by_contact=True, phone="(555) 907-9875") == ["Yundt842, Suzanna"]


def test_email_address_on_the_patients_own_record_is_found_with_the_patients_name(practice: Practice) -> None:
    rosa = factories.a_patient(practice, "Rosa", "Ito", email="family@ito.example")
    factories.a_contact(rosa, "Kenji", "Mori", email="kenji@mori.example")
    factories.a_contact(factories.a_patient(practice, "Aki", "Mori"), "Kenji", "Mori", email="family@ito.example")
    criteria = {"by_contact": True, "email": "Family@Ito.example"}
    assert found(practice, **criteria, last_name="ito", first_name="ro") == ["Ito, Rosa"]
    assert found(practice, **criteria, last_name="mori") == ["Mori, Aki"]
    assert found(practice, **criteria) == ["Ito, Rosa", "Mori, Aki"]


def test_all_patients_with_one_address_are_counted_and_listed(practice: Practice) -> None:
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
        cursor.execute("ANALYZE")  # until then, PostgreSQL plans for empty tables
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
def test_contact_who_is_no_longer_current_is_not_found(practice: Practice, gone: dict[str, Any]) -> None:
    factories.a_contact(factories.a_patient(practice), **gone)
    assert found(practice, by_contact=True, last_name="garcia") == []
    assert found(practice, by_contact=True, email="elena@families.example") == []
    assert found(practice, by_contact=True, phone="612-555-0161") == []


def test_search_by_address_or_number_skips_other_practices(practice: Practice, other_practice: Practice) -> None:
    factories.a_contact(factories.a_patient(other_practice, email="sofia@families.example"))
    for criteria in ({"email": "elena@families.example"}, {"email": "sofia@families.example"}, {"phone": "6125550161"}):
        assert found(practice, by_contact=True, **criteria) == []
        assert found(other_practice, by_contact=True, **criteria) == ["García-López, Sofía"]


def test_hit_includes_the_contact_that_matched(practice: Practice) -> None:
    mother = factories.a_contact(factories.a_patient(practice))
    (hit,) = search.find(PatientQuery(practice=practice, by_contact=True, first_name="ele")).hits
    assert hit.contact == mother


def test_next_and_previous_pages_list_every_patient_once(practice: Practice) -> None:
    expected = [factories.a_patient(practice, f"Given{n:03}", "Smith-Smithson").name for n in range(60)]
    query = PatientQuery(practice=practice, last_name="smith")
    first = search.find(query)
    second = search.find(query, after=first.after)
    third = search.find(query, after=second.after)
    pages = [first, second, third]
    assert [hit.patient.name for page in pages for hit in page.hits] == sorted(expected)
    assert [len(page.hits) for page in pages] == [25, 25, 10]
    assert (first.before, third.after) == (None, None)
    back = search.find(query, before=third.before)
    assert [hit.patient.pk for hit in back.hits] == [hit.patient.pk for hit in second.hits]
    assert first.shown_count == "60"


def test_unknown_page_key_shows_the_first_page(practice: Practice) -> None:
    factories.a_patient(practice)
    assert len(search.find(PatientQuery(practice=practice, last_name="gar"), after=999_999).hits) == 1


def test_page_whose_patients_are_gone_shows_the_first_page(practice: Practice) -> None:
    for n in range(26):
        factories.a_patient(practice, f"Given{n:02}", "Smith")
    query = PatientQuery(practice=practice, last_name="smith")
    first = search.find(query)
    Patient.objects.filter(given_names="Given25").delete()
    assert [hit.patient for hit in search.find(query, after=first.after).hits] == [hit.patient for hit in first.hits]


def test_count_above_the_maximum_is_shown_with_a_plus(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        factories.a_patient(practice, f"Given{n}", "Smith")
    monkeypatch.setattr(search, "MAX_COUNTED", 3)
    assert search.find(PatientQuery(practice=practice, last_name="smith")).shown_count == "3+"


@pytest.mark.parametrize(
    ("patients", "family_name", "days_apart", "shown"),
    [
        (12, "Smith", 1, "10+"),
        (12, "Smith", 0, "10+"),  # all born on one day, so their dates of birth do not show how many they are
        (9, "Smith-Smithson", 1, "9"),  # two keys each
        (12, "Smith-Smithson", 1, "10+"),
    ],
)
def test_count_is_of_patients_not_of_name_keys(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, patients: int, family_name: str, days_apart: int, shown: str
) -> None:
    for n in range(patients):
        born = date(2019, 3, 5) + timedelta(days=n * days_apart)
        factories.a_patient(practice, f"Given{n}", family_name, birth_date=born)
    monkeypatch.setattr(search, "MAX_COUNTED", 10)
    assert search.find(PatientQuery(practice=practice, last_name="smi")).shown_count == shown


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite always looks up earlier keys by the patient")
def test_earlier_keys_are_looked_up_by_the_patient_index(practice: Practice) -> None:
    """With an index of names, PostgreSQL scanned all matches again for each match."""
    for n in range(60):
        factories.a_patient(practice, f"Given{n}", "Smith")
    query = PatientQuery(practice=practice, last_name="smith")
    with CaptureQueriesContext(connection) as sent:
        search.find(query)
    with connection.cursor() as cursor:
        for plan_type in (
            "seqscan",
            "bitmapscan",
            "hashjoin",
            "mergejoin",
        ):  # PostgreSQL prefers these for small tables
            cursor.execute(f"SET LOCAL enable_{plan_type} = off")
        cursor.execute(f"EXPLAIN {sent[0]['sql']}")
        plan = [row[0] for row in cursor.fetchall()]
    (inner, *_) = [
        line for line in plan if line.endswith("patients_namekey earlier") or "patients_namekey earlier  " in line
    ]
    assert "patients_namekey_patient_id" in inner, plan


@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        ({"last_name": "smi"}, "key_by_last"),
        ({"first_name": "jo"}, "key_by_first"),
        ({"date_of_birth": date(2019, 3, 5)}, "key_by_birth"),
    ],
)
def test_search_uses_an_index_in_its_order(practice: Practice, criteria: dict[str, Any], index: str) -> None:
    factories.a_patient(practice)
    with CaptureQueriesContext(connection) as sent:
        search.find(PatientQuery(practice=practice, **criteria))
    assert len(sent) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sent[0]['sql']}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert f"SEARCH k USING INDEX {index}" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan  # the index has the order, so nothing is sorted
