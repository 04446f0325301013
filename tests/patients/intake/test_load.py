"""Loading records repeatedly makes no duplicates and leaves the portal's own data alone."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_bakery import baker

from patients.intake.load import Loaded, load
from patients.intake.records import ContactRecord, PatientRecord
from patients.keys import mrn_key
from patients.models import Contact, NameKey, Patient, PortalStatus
from portal.models import Practice
from tests.patients.intake.record_strategies import RECORDS

MOTHER = ContactRecord(key="mother", family_name="García", given_names="Rosa", relationship="Mother")
FATHER = ContactRecord(key="father", family_name="López", given_names="Luis", phone="(555) 010-0100")


def child(number: int = 1, **values: Any) -> PatientRecord:
    known: dict[str, Any] = {"source_system": "urn:test", "family_name": "García-López", "given_names": "Ana"}
    known |= {"source_id": str(number), "birth_date": date(2019, 3, 5), "line": number}
    return PatientRecord(**known | values)


def counts(loaded: Loaded) -> tuple[int, int, int]:
    return loaded.added, loaded.changed, loaded.unchanged


def state() -> list[object]:
    """Return every row that a load may write."""
    tables = (Patient.objects, Contact.objects, NameKey.objects)
    return [row for table in tables for row in table.order_by("pk").values_list()]


@pytest.fixture
def practice(db: None) -> Practice:
    made: Practice = baker.make(Practice, name="Maple Street Pediatrics")
    return made


def test_new_patient_is_loaded_with_contacts_and_search_keys(practice: Practice) -> None:
    record = child(email=" Ana@Mail.example", phone="214 555 0100", contacts=(MOTHER, FATHER))
    assert counts(load([record], practice=practice)) == (1, 0, 0)
    patient = Patient.objects.get()
    assert (patient.practice, patient.name, patient.birth_date) == (practice, "García-López, Ana", date(2019, 3, 5))
    assert (patient.phone_key, patient.email_key) == ("+12145550100", "ana@mail.example")
    assert patient.portal_status == PortalStatus.UNREGISTERED
    assert [(contact.practice, contact.position, contact.name) for contact in patient.contacts.all()] == [
        (practice, 0, "Rosa García"),
        (practice, 1, "Luis López"),
    ]
    assert all(contact.has_authority for contact in patient.contacts.all())
    assert set(patient.name_keys.values_list("owner", "last", "first")) == {
        (NameKey.Owner.PATIENT, "garcialopez", "ana"),
        (NameKey.Owner.PATIENT, "lopez", "ana"),
        (NameKey.Owner.CONTACT, "garcia", "rosa"),
        (NameKey.Owner.CONTACT, "lopez", "luis"),
    }


def test_unchanged_records_are_read_and_not_written(practice: Practice) -> None:
    records = [child(number, contacts=(MOTHER,)) for number in range(40)]
    load(records, practice=practice)
    with CaptureQueriesContext(connection) as queries:
        assert counts(load(records, practice=practice)) == (0, 0, 40)
    kinds = Counter(query["sql"].split()[0].strip('"') for query in queries)
    assert kinds["SELECT"] + kinds["WITH"] == 3, "the practice, the patients and their contacts"
    assert not kinds.keys() & {"INSERT", "UPDATE", "DELETE"}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows the size of a table without ANALYZE")
def test_existing_patients_are_found_by_index_whatever_the_statistics_say(practice: Practice) -> None:
    records = [child(number) for number in range(40)]
    load(records, practice=practice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as queries:
            load(records, practice=practice)
        (known,) = [query["sql"] for query in queries if "patients_patient p" in query["sql"]]
        cursor.execute(f"EXPLAIN QUERY PLAN {known}")
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "SEARCH p USING INDEX" in plan
    assert "(practice_id=? AND source_system=? AND source_id=?)" in plan


@pytest.mark.parametrize("again", [False, True])
def test_number_of_statements_does_not_grow_with_the_patients(practice: Practice, again: bool) -> None:
    def count(number: int) -> int:
        Patient.objects.all().delete()
        records = [child(source_id, contacts=(MOTHER,)) for source_id in range(number)]
        if again:
            load(records, practice=practice)
            records = [replace(record, city="Troy") for record in records]
        with CaptureQueriesContext(connection) as queries:
            load(records, practice=practice)
        return len(queries)

    assert count(15) == count(1)


def test_change_at_the_source_updates_patient_and_name_keys(practice: Practice) -> None:
    load([child(1, contacts=(MOTHER,)), child(2)], practice=practice)
    before = Patient.objects.get(source_id="1")
    untouched = NameKey.objects.filter(patient__source_id="2").values_list("pk", flat=True)
    others = set(untouched)
    changed = child(1, family_name="Nguyễn", phone="214 555 0199", contacts=(replace(MOTHER, family_name="Nguyễn"),))
    assert counts(load([changed, child(2)], practice=practice)) == (0, 1, 1)
    patient = Patient.objects.get(source_id="1")
    assert (patient.pk, patient.family_name, patient.phone_key) == (before.pk, "Nguyễn", "+12145550199")
    assert patient.updated_at > before.updated_at
    assert set(patient.name_keys.values_list("last", "first")) == {("nguyen", "ana"), ("nguyen", "rosa")}
    assert set(untouched.all()) == others


@pytest.mark.parametrize("typed", ["MG-00412", "mg 00412", "mg00412", "MG.004"])
def test_patient_is_found_by_letters_and_digits_of_the_mrn(practice: Practice, typed: str) -> None:
    load([child(mrn="MG-00412"), child(2, mrn="MG-00500"), child(3)], practice=practice)
    assert Patient.objects.get(mrn_key__prefix=mrn_key(typed)).source_id == "1"


def test_changed_mrn_replaces_the_old_search_key(practice: Practice) -> None:
    load([child(mrn="MG-00412")], practice=practice)
    load([child(mrn="MG-77")], practice=practice)
    assert Patient.objects.get().mrn_key == "mg77"


def test_value_removed_at_the_source_is_removed(practice: Practice) -> None:
    load([child(phone="214 555 0100", email="ana@mail.example")], practice=practice)
    load([child()], practice=practice)
    patient = Patient.objects.get()
    assert (patient.phone, patient.phone_key, patient.email, patient.email_key) == ("", "", "", "")


def test_load_never_changes_the_portal_status(practice: Practice) -> None:
    load([child()], practice=practice)
    Patient.objects.update(portal_status=PortalStatus.PENDING)
    load([child(city="Troy", family_name="Ito")], practice=practice)
    patient = Patient.objects.get()
    assert (patient.city, patient.portal_status) == ("Troy", "pending")
    assert {key.status for key in patient.name_keys.all()} == {PortalStatus.PENDING}


# --- Contacts


def test_contact_removed_from_the_source_and_added_again_is_the_same_contact(practice: Practice) -> None:
    load([child(contacts=(MOTHER, FATHER))], practice=practice)
    father = Contact.objects.get(source_key="father")
    assert counts(load([child(contacts=(MOTHER,))], practice=practice)) == (0, 1, 0)
    father.refresh_from_db()
    assert (father.in_source, father.active, father.is_current) == (False, True, False)
    assert not father.name_keys.exists()
    assert counts(load([child(contacts=(MOTHER,))], practice=practice)) == (0, 0, 1)
    assert counts(load([child(contacts=(FATHER, MOTHER))], practice=practice)) == (0, 1, 0)
    father.refresh_from_db()
    assert (father.is_current, father.position, father.phone_key) == (True, 0, "+15550100100")
    assert father.name_keys.count() == 1
    assert Contact.objects.count() == 2


def test_contact_made_inactive_by_the_practice_stays_inactive(practice: Practice) -> None:
    load([child(contacts=(MOTHER, FATHER))], practice=practice)
    Contact.objects.filter(source_key="father").update(active=False)
    renamed = replace(FATHER, family_name="Ito")
    for contacts in [(MOTHER, renamed), (MOTHER,), (MOTHER, FATHER)]:
        load([child(contacts=contacts)], practice=practice)
        father = Contact.objects.get(source_key="father")
        assert (father.active, father.in_source) == (False, len(contacts) == 2)
        assert not father.name_keys.exists()
    assert [contact.source_key for contact in Contact.objects.for_practice(practice).current()] == ["mother"]


def test_contact_added_by_the_desk_is_kept_and_stays_searchable(practice: Practice) -> None:
    load([child()], practice=practice)
    own = baker.make(Contact, practice=practice, patient=Patient.objects.get(), family_name="Ito", source_key="")
    load([child(city="Troy", contacts=(MOTHER,))], practice=practice)
    own.refresh_from_db()
    assert own.is_current
    assert own.name_keys.get().last == "ito"


def test_new_contact_has_authority_unless_the_source_denies_it(practice: Practice) -> None:
    load([child(contacts=(MOTHER, replace(FATHER, has_authority=False)))], practice=practice)
    assert dict(Contact.objects.values_list("source_key", "has_authority")) == {"mother": True, "father": False}


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("at_source", [True, False, None])
def test_source_can_withdraw_authority_and_never_gives_it(
    practice: Practice, granted: bool, at_source: bool | None
) -> None:
    load([child(contacts=(MOTHER,))], practice=practice)
    Contact.objects.update(has_authority=granted)
    load([child(contacts=(replace(MOTHER, has_authority=at_source, phone="1"),))], practice=practice)
    assert Contact.objects.get().has_authority is (granted and at_source is not False)


def test_authority_withdrawn_by_the_source_is_not_given_back_by_it(practice: Practice) -> None:
    for at_source in (True, False, True, None):
        load([child(contacts=(replace(MOTHER, has_authority=at_source),))], practice=practice)
    assert not Contact.objects.get().has_authority


def test_contacts_of_a_record_with_equal_or_empty_keys_are_an_error() -> None:
    for contacts in [(MOTHER, MOTHER), (replace(MOTHER, key=""),)]:
        with pytest.raises(ValueError, match="needs its own key"):
            child(contacts=contacts)


# --- Files, practices, repetition


@pytest.mark.parametrize("batch_size", [1, 2, 500])
@pytest.mark.parametrize("dry_run", [False, True])
def test_later_row_of_a_repeated_patient_wins(practice: Practice, batch_size: int, dry_run: bool) -> None:
    rows = [child(1, line=3), child(2, line=4), child(1, line=9, city="Troy")]
    loaded = load(rows, practice=practice, batch_size=batch_size, dry_run=dry_run)
    assert counts(loaded) == (2, 0, 0)
    assert [(repeat.line, repeat.reason) for repeat in loaded.repeats] == [
        (3, "appears again at 9; that one was imported")
    ]
    assert list(Patient.objects.filter(source_id="1").values_list("city", flat=True)) == ([] if dry_run else ["Troy"])


def test_dry_run_counts_and_changes_nothing(practice: Practice) -> None:
    load([child(1), child(2, contacts=(MOTHER,))], practice=practice)
    before = state()
    loaded = load([child(1), child(2, contacts=(FATHER,)), child(3)], practice=practice, dry_run=True)
    assert counts(loaded) == (1, 1, 1)
    assert state() == before


def test_same_identifier_in_two_practices_is_two_patients(practice: Practice) -> None:
    other = baker.make(Practice)
    load([child(city="Here")], practice=practice)
    assert counts(load([child(city="There")], practice=other)) == (1, 0, 0)
    assert Patient.objects.get(practice=practice).city == "Here"
    assert set(Contact.objects.values_list("practice", "patient__practice")) <= {(practice.pk, practice.pk)}


def test_same_number_in_two_source_systems_is_two_patients(practice: Practice) -> None:
    rows = [child(1), child(1, source_system="urn:other"), child(2, source_system="urn:other")]
    load(rows, practice=practice)
    assert counts(load([*rows[:1], replace(rows[2], city="Troy")], practice=practice)) == (0, 1, 1)
    assert Patient.objects.count() == 3


def test_written_batches_stay_if_a_later_one_fails(practice: Practice) -> None:
    def rows() -> Any:
        yield from (child(1), child(2))
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        load(rows(), practice=practice, batch_size=2)
    assert Patient.objects.count() == 2


@pytest.mark.slow
# All examples share the practice on purpose: an example finds what the one before it left.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS, max_size=3))
def test_loading_twice_equals_loading_once(practice: Practice, records: list[PatientRecord]) -> None:
    Patient.objects.all().delete()
    first = load(records, practice=practice, batch_size=2)
    once = state()
    second = load(records, practice=practice)
    assert counts(second) == (0, 0, first.patients)
    assert state() == once


@pytest.mark.django_db(transaction=True)
def test_concurrent_imports_make_no_duplicates() -> None:
    practice = baker.make(Practice)
    records = [child(number, contacts=(MOTHER,)) for number in range(60)]
    results: list[tuple[int, int, int]] = []

    def run() -> None:
        try:
            results.append(counts(load(records, practice=practice, batch_size=10)))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert sum(added for added, _, _ in results) == 60
    assert all(sum(result) == 60 and not result[1] for result in results)
    assert (Patient.objects.count(), Contact.objects.count(), NameKey.objects.count()) == (60, 60, 180)
