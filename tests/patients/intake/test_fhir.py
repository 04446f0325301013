"""FHIR patients become records: which values are read, which are refused, and from which files."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import models

from patients.intake import fhir
from patients.intake.records import (
    CONTACT_FIELDS,
    PATIENT_FIELDS,
    Imported,
    PatientRecord,
    Refusal,
    UnfitError,
    check_lengths,
)
from patients.models import Contact, Patient
from tests.patients.intake.fhir_patients import ANA, TODAY, refused, taken


@pytest.mark.parametrize(("model", "fields"), [(Patient, PATIENT_FIELDS), (Contact, CONTACT_FIELDS)])
def test_every_imported_field_has_a_column_of_the_same_width(
    model: type[Patient | Contact], fields: dict[str, Imported]
) -> None:
    columns = {column.name: column for column in model._meta.concrete_fields}
    columns["key"] = columns.get("source_key", columns["id"])
    for name, imported in fields.items():
        column = columns[name]
        has_free_text = isinstance(column, models.CharField) and not column.choices
        assert imported.max_length == (column.max_length if has_free_text else None), name


@pytest.mark.parametrize("is_contact", [False, True])
def test_text_that_is_longer_than_its_column_is_refused(is_contact: bool) -> None:
    patient = taken(contact=[{"name": {"family": "García"}}])
    for name, imported in (CONTACT_FIELDS if is_contact else PATIENT_FIELDS).items():
        if imported.max_length is None:
            continue
        for length in (imported.max_length, imported.max_length + 1):
            value: Any = {name: "G" * length}
            record = replace(patient.contacts[0], **value) if is_contact else replace(patient, **value)
            expected: AbstractContextManager[Any] = (
                pytest.raises(UnfitError, match="is longer than") if length > imported.max_length else nullcontext()
            )
            with expected:
                check_lengths(record)


def test_patient_with_only_the_required_fields_is_read() -> None:
    assert taken() == PatientRecord(
        source_system="urn:test",
        source_id="1",
        family_name="García",
        given_names="Ana María",
        birth_date=date(2019, 3, 5),
    )


# --- Dates, gender, life, language


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2019-03", "the date of birth has no day"),
        ("2019", "the date of birth has no day"),
        ("2019-02-30", "this date does not exist"),
        ("0000-01-01", "this date does not exist"),
        ("2026-11-24", "the date of birth is in the future"),
        ("3/5/2019", "the date of birth is not written as YYYY-MM-DD"),
        ("20190305", "the date of birth is not written as YYYY-MM-DD"),
        ("2019-W10-2", "the date of birth is not written as YYYY-MM-DD"),
        ("٢٠١٩-٠٣-٠٥", "the date of birth is not written as YYYY-MM-DD"),
        ("", "the date of birth is missing"),
        (None, "the date of birth is missing"),
        (20190305, "is not text"),
    ],
)
def test_invalid_date_of_birth_is_refused(written: object, reason: str) -> None:
    assert refused(birthDate=written) == ("birthDate", reason)


def test_date_of_birth_today_is_accepted() -> None:
    assert taken(birthDate="2026-11-23").birth_date == TODAY


@pytest.mark.parametrize("gender", ["female", "male", "other", "unknown"])
def test_gender_that_is_a_fhir_code_is_read(gender: str) -> None:
    assert taken(gender=gender).sex == gender


@pytest.mark.parametrize("gender", ["F", "Female", "", 1, ["female"], True])
def test_gender_that_is_not_a_fhir_code_is_refused(gender: object) -> None:
    assert refused(gender=gender)[0] == "gender"


def test_missing_gender_is_unknown() -> None:
    assert taken(gender=None).sex == "unknown"


@pytest.mark.parametrize(
    ("members", "deceased"),
    [
        ({}, (False, None)),
        ({"deceasedBoolean": False}, (False, None)),
        ({"deceasedBoolean": True}, (True, None)),
        ({"deceasedDateTime": "2021-02-20T23:15:54-05:00"}, (True, date(2021, 2, 20))),
        ({"deceasedDateTime": "2021-02-20"}, (True, date(2021, 2, 20))),
        ({"deceasedDateTime": "2021-02"}, (True, None)),
        ({"deceasedDateTime": "2021"}, (True, None)),
    ],
)
def test_death_and_its_date_are_read(members: dict[str, Any], deceased: tuple[bool, date | None]) -> None:
    record = taken(**members)
    assert (record.deceased, record.deceased_on) == deceased


def test_patient_is_active_unless_the_source_says_inactive() -> None:
    assert taken().active
    assert not taken(active=False).active
    assert refused(active="false") == ("active", "is not true or false")


def test_preferred_language_is_read_if_it_has_a_code() -> None:
    def language(code: str, **members: Any) -> dict[str, Any]:
        return {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}} | members

    assert taken(communication=[language("en"), language("es-MX", preferred=True)]).language == "es-MX"
    assert taken(communication=[language("en"), language("es")]).language == "en"
    assert taken(communication=[{"language": {"text": "Spanish"}}]).language == ""


# --- Values that cannot be stored


@pytest.mark.parametrize(
    ("members", "field", "reason"),
    [
        ({"name": "Ana"}, "name", "is not a list"),
        ({"name": ["Ana"]}, "name[0]", "is not an object"),
        ({"name": [{"family": 5}]}, "name[0].family", "is not text"),
        ({"name": [{"family": "G", "given": "Ana"}]}, "name[0].given", "is not a list"),
        ({"telecom": {"system": "phone"}}, "telecom", "is not a list"),
        ({"telecom": [{"system": "phone", "value": 5550100}]}, "telecom[0].value", "is not text"),
        ({"telecom": [{"system": "phone", "value": "5", "rank": "1"}]}, "telecom[0].rank", "is not a whole number"),
        ({"contact": [{"name": []}]}, "contact[0].name", "is not an object"),
        ({"address": [{"period": {"end": "31.12.2019"}}]}, "address[0].period.end", "is not a FHIR date"),
        ({"name": [{"family": "Ga\x00rcia"}]}, "name[0].family", "contains a character that is not allowed in text"),
        ({"name": [{"family": "Ga\u202ercia"}]}, "name[0].family", "contains a character that is not allowed in text"),
        ({"name": [{"family": "Garc\ud83d"}]}, "name[0].family", "contains a character that is not allowed in text"),
        ({"name": [{"family": "G" * 121}]}, "name.family", "is longer than 120 characters"),
        ({"address": [{"line": ["1" * 100] * 2}]}, "address.line", "is longer than 200 characters"),
        ({"contact": [{"name": {"family": "G" * 121}}]}, "contact[0].name.family", "is longer than 120 characters"),
        ({"resourceType": "Observation"}, "resourceType", "is an Observation, not a Patient"),
        ({"resourceType": "Ana García"}, "resourceType", "is not Patient"),
    ],
)
def test_value_that_cannot_be_stored_is_refused_with_its_path(members: dict[str, Any], field: str, reason: str) -> None:
    assert refused(**members) == (field, reason)


# --- Files


def test_bad_line_does_not_stop_the_other_lines() -> None:
    good = json.dumps(ANA).encode()
    lines = [b"\xef\xbb\xbf" + good, b"\n", b"{oops", good.replace(b"Ana", b"An\xe1"), b"[" * 100_000, b"5", good]
    rows = list(fhir.read_lines(lines, today=TODAY))
    reasons = {row.line: row.reason for row in rows if isinstance(row, Refusal)}
    assert reasons == {3: "is not JSON", 4: "is not UTF-8", 5: "is not JSON", 6: "is not a JSON object"}
    assert [row.line for row in rows if isinstance(row, PatientRecord)] == [1, 7]


def test_other_resources_of_a_bundle_are_skipped() -> None:
    entries = [{"resource": ANA}, {"resource": {"resourceType": "Observation"}}, {"fullUrl": "x"}, "junk"]
    found = [type(row) for row in fhir.read_entries(entries, today=TODAY)]
    assert found == [PatientRecord, type(None), type(None), Refusal]
