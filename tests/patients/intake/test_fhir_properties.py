"""Any content of a FHIR file is read or refused without an error, and records survive a round trip through FHIR."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from patients.intake import fhir
from patients.intake.records import ContactRecord, PatientRecord, Refusal
from tests.patients.intake.fhir_patients import ANA, TODAY
from tests.patients.intake.record_strategies import RECORDS, WORD

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "Patient",
            "2019-03-05",
            "2019",
            "phone",
            "email",
            "official",
            "usual",
            "nickname",
            "old",
            "MR",
            "\ud800",
            "\x00",
        ]
    )
)
MEMBERS = st.sampled_from(
    [
        *("use", "family", "given", "text", "system", "value", "rank", "period", "end", "type", "coding", "code"),
        *("display", "language", "preferred", "line", "city", "name", "telecom", "relationship", "organization", "id"),
        "resource",
    ]
)
JUNK = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4))
PATIENT_MEMBERS = st.sampled_from(
    [
        *("id", "identifier", "name", "birthDate", "gender", "active", "deceasedBoolean", "deceasedDateTime"),
        *("telecom", "address", "communication", "contact", "resourceType"),
    ]
)


@given(members=st.dictionaries(PATIENT_MEMBERS, JUNK, max_size=6))
def test_patient_with_any_members_is_read_or_refused(members: dict[str, Any]) -> None:
    row = fhir.read_patient(ANA | members, line=3, today=TODAY)
    assert isinstance(row, PatientRecord | Refusal)
    assert row.line == 3


@given(entries=st.lists(JUNK, max_size=3), line=st.binary(max_size=30))
def test_file_with_any_content_is_read_or_refused(entries: list[object], line: bytes) -> None:
    assert len(list(fhir.read_entries(entries, today=TODAY))) == len(entries)
    assert all(isinstance(row, Refusal) for row in fhir.read_lines([line], today=TODAY))


def telecom(record: PatientRecord | ContactRecord) -> list[dict[str, str]]:
    return [{"system": "phone", "value": record.phone}, {"system": "email", "value": record.email}]


def as_fhir(record: PatientRecord) -> dict[str, Any]:
    language = [{"system": "urn:ietf:bcp:47", "code": record.language}]
    died = {"deceasedDateTime": str(record.deceased_on)} if record.deceased_on else {"deceasedBoolean": record.deceased}
    address = {"line": [record.street], "city": record.city, "state": record.state, "postalCode": record.postal_code}
    identifier = {"system": record.source_system, "value": record.source_id}
    names = [{"use": "official", "family": record.family_name, "given": record.given_names.split()}]
    if record.preferred_name:
        names.append({"use": "nickname", "given": [record.preferred_name]})
    return died | {
        "resourceType": "Patient",
        "identifier": [identifier | ({"type": {"coding": [{"code": "MR"}]}} if record.mrn else {})],
        "name": names,
        "birthDate": str(record.birth_date),
        "gender": record.sex,
        "active": record.active,
        "telecom": telecom(record),
        "address": [address],
        "communication": [{"language": {"coding": language}}],
        "contact": [
            {
                "id": contact.key,
                "name": {"family": contact.family_name, "given": contact.given_names.split()},
                "relationship": [{"text": contact.relationship}],
                "telecom": telecom(contact),
            }
            for contact in record.contacts
        ],
    }


@given(record=RECORDS, has_mrn=st.booleans(), goes_by=WORD)
def test_record_written_as_fhir_is_read_back_equal(record: PatientRecord, has_mrn: bool, goes_by: str) -> None:
    record = replace(record, mrn=record.source_id if has_mrn else "")
    if goes_by != record.given_names.split(" ")[0]:
        record = replace(record, preferred_name=goes_by)
    line = json.dumps(as_fhir(record)).encode()
    assert list(fhir.read_lines([line], today=TODAY)) == [record]
