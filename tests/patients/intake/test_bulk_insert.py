"""Bulk-inserted rows equal the rows that `save()` writes, in every column."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, models, transaction

from patients.intake import bulk_insert
from patients.models import Contact, NameKey, Patient, PortalStatus, key_columns, keys_of
from portal.models import Practice
from tests import factories


@pytest.fixture(autouse=True, params=["INSERT", "COPY"] if connection.vendor == "postgresql" else ["INSERT"])
def insert_method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, few rows are written by INSERT and many by COPY. Run each test with both."""
    monkeypatch.setattr(bulk_insert, "_MIN_COPY_ROWS", 1 if request.param == "COPY" else 1_000)


AWKWARD = '\\N\t"O\'Brien"; \\\\ %s {} ñ 阮\n'


def stored(model: type[models.Model]) -> list[dict[str, Any]]:
    """Return the rows as the driver reads them, without Django's conversion; on SQLite, also each value's type."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    typed = [f"typeof({column}) AS type_of_{column}" for column in columns if connection.vendor == "sqlite"]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns + typed)} FROM {model._meta.db_table} ORDER BY id")
        return [dict(zip(columns + typed, row, strict=True)) for row in cursor.fetchall()]


def assert_same_rows(model: type[models.Model], objects: Sequence[models.Model]) -> None:
    with time_machine.travel("2026-11-23T18:00:00.123456Z", tick=False):
        for instance in objects:
            instance.save(force_insert=True)
        by_save = stored(model)
        assert len(by_save) == len(objects)
        model._default_manager.all().delete()
        bulk_insert.insert(model, objects)
    assert stored(model) == by_save


def a_full_patient(practice: Practice) -> Patient:
    """Make a patient with no column at its default."""
    texts = {
        field.attname: AWKWARD[: field.max_length]
        for field in Patient._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    chosen = {"sex": Patient.Sex.OTHER, "portal_status": PortalStatus.DECLINED}
    days = {"birth_date": date(987, 2, 3), "deceased_on": date(2026, 11, 1)}
    return Patient(practice=practice, active=False, deceased=True, **texts | chosen | days)


def test_inserted_patients_equal_saved_ones(practice: Practice) -> None:
    plain = Patient(practice=practice, source_id="2", family_name="Ito", birth_date=date(2019, 3, 5))
    assert_same_rows(Patient, sorted([a_full_patient(practice), plain], key=lambda row: row.pk))


def test_inserted_contacts_equal_saved_ones(patient: Patient) -> None:
    texts = {
        field.attname: AWKWARD[: field.max_length]
        for field in Contact._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    off = {"has_authority": False, "active": False, "in_source": False}
    full = Contact(practice=patient.practice, patient=patient, position=32_767, **texts, **off)
    plain = Contact(practice=patient.practice, patient=patient, family_name="Ito")
    assert_same_rows(Contact, sorted([full, plain], key=lambda row: row.pk))


def test_inserted_name_keys_equal_saved_ones_and_keep_their_order(patient: Patient) -> None:
    contact = factories.a_contact(patient, "Zoë", "Álvarez-Ng")
    patient.portal_status = PortalStatus.PENDING
    saved = keys_of(patient, [contact])

    def kept() -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name != "id"} for row in stored(NameKey)]

    NameKey.objects.all().delete()
    for key in saved:
        key.save()
    by_save = kept()
    assert [row["last"] for row in by_save] == ["alvarezng", "garcialopez", "lopez", "ng"]
    NameKey.objects.all().delete()
    bulk_insert.insert(NameKey, key_columns(patient, [contact]))
    assert kept() == by_save


@pytest.mark.django_db
def test_inserting_nothing_runs_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        bulk_insert.insert(Patient, [])


def test_row_that_violates_a_constraint_rolls_back_the_others(patient: Patient) -> None:
    new = Patient(practice=patient.practice, source_id="2", family_name="Ito", birth_date=date(2019, 3, 5))
    twice = Patient(
        practice=patient.practice,
        source_system=patient.source_system,
        source_id=patient.source_id,
        family_name="Ito",
        birth_date=date(2019, 3, 5),
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk_insert.insert(Patient, [new, twice])
    assert list(Patient.objects.all()) == [patient]
