"""New rows past `bulk_create`: to the last column what `save()` would have written."""

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


@pytest.fixture(autouse=True, params=["a statement", "COPY"] if connection.vendor == "postgresql" else ["a statement"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL is asked for few rows and for many in two ways, which write the same."""
    monkeypatch.setattr(bulk_insert, "_WORTH_A_COPY", 1 if request.param == "COPY" else 1_000)


AWKWARD = '\\N\t"O\'Brien"; \\\\ %s {} ñ 阮\n'


def stored(model: type[models.Model]) -> list[dict[str, Any]]:
    """The rows as the driver gives them, without Django's reading of them; and the type of each value, on SQLite."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    typed = [f"typeof({column}) AS type_of_{column}" for column in columns if connection.vendor == "sqlite"]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns + typed)} FROM {model._meta.db_table} ORDER BY id")
        return [dict(zip(columns + typed, row, strict=True)) for row in cursor.fetchall()]


def assert_alike(model: type[models.Model], objects: Sequence[models.Model]) -> None:
    with time_machine.travel("2026-11-23T18:00:00.123456Z", tick=False):
        for one in objects:
            one.save(force_insert=True)
        by_save = stored(model)
        assert len(by_save) == len(objects)
        model._default_manager.all().delete()
        bulk_insert.insert(model, objects)
    assert stored(model) == by_save


def a_full_patient(practice: Practice) -> Patient:
    """No column as the model makes it."""
    texts = {
        field.attname: AWKWARD[: field.max_length]
        for field in Patient._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    chosen = {"sex": Patient.Sex.OTHER, "portal_status": PortalStatus.DECLINED}
    days = {"birth_date": date(987, 2, 3), "deceased_on": date(2026, 11, 1)}
    return Patient(practice=practice, active=False, deceased=True, **texts | chosen | days)


def test_patients_are_written_as_save_would(practice: Practice) -> None:
    plain = Patient(practice=practice, source_id="2", family_name="Ito", birth_date=date(2019, 3, 5))
    assert_alike(Patient, sorted([a_full_patient(practice), plain], key=lambda one: one.pk))


def test_contacts_are_written_as_save_would(patient: Patient) -> None:
    texts = {
        field.attname: AWKWARD[: field.max_length]
        for field in Contact._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    off = {"has_authority": False, "active": False, "in_source": False}
    full = Contact(practice=patient.practice, patient=patient, position=32_767, **texts, **off)
    plain = Contact(practice=patient.practice, patient=patient, family_name="Ito")
    assert_alike(Contact, sorted([full, plain], key=lambda one: one.pk))


def test_name_keys_are_written_as_save_would_and_are_numbered_in_their_order(patient: Patient) -> None:
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
def test_nothing_to_write_costs_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        bulk_insert.insert(Patient, [])


def test_a_row_that_may_not_be_there_takes_the_others_with_it(patient: Patient) -> None:
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
