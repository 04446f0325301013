"""Read a FHIR patient in a test: ANA has only the required members."""

from datetime import date
from typing import Any

from patients.intake import fhir
from patients.intake.records import PatientRecord, Refusal

TODAY = date(2026, 11, 23)
ANA: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:test", "value": "1"}],
    "name": [{"family": "García", "given": ["Ana", "María"]}],
    "birthDate": "2019-03-05",
}


def taken(**members: Any) -> PatientRecord:
    record = fhir.read_patient(ANA | members, line=1, today=TODAY)
    assert isinstance(record, PatientRecord), record
    return record


def refused(**members: Any) -> tuple[str, str]:
    refusal = fhir.read_patient(ANA | members, line=7, today=TODAY)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.line == 7
    return refusal.field, refusal.reason
