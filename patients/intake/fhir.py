"""FHIR R4 Patients, as a bulk export (NDJSON) or a Bundle holds them, read into records.

Pure: no database, no clock. The rules are those of https://hl7.org/fhir/R4/patient.html; where practices' systems are
known to be looser (a null, a name in one piece), the patient is read all the same.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from patients.intake import fhir_contacts, fhir_datatypes
from patients.intake.elements import Element
from patients.intake.records import PatientRecord, Refusal, UnfitError, check_lengths

_GENDERS: Final = {"female", "male", "other", "unknown"}

# What FHIR calls the values of a patient's record.
_FIELDS: Final = {
    "source_system": "identifier.system",
    "source_id": "identifier.value",
    "mrn": "identifier.value",
    "family_name": "name.family",
    "given_names": "name.given",
    "preferred_name": "name.given",
    "language": "communication.language",
    "phone": "telecom",
    "email": "telecom",
    "street": "address.line",
    "city": "address.city",
    "state": "address.state",
    "postal_code": "address.postalCode",
}


def read_lines(lines: Iterable[bytes], *, today: date) -> Iterator[PatientRecord | Refusal]:
    """Reads NDJSON: a resource a line. Blank lines are passed over; a line that is no Patient is refused."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            resource = parse(line)
        except UnfitError as unfit:
            yield Refusal(line=number, field=unfit.field, reason=unfit.reason)
        else:
            yield read_patient(resource, line=number, today=today)


def read_entries(entries: Iterable[object], *, today: date) -> Iterator[PatientRecord | Refusal | None]:
    """Reads Bundle.entry, numbered from 1; None for an entry of another kind, as a Bundle may well hold."""
    for number, entry in enumerate(entries, start=1):
        resource = entry.get("resource") if isinstance(entry, dict) else entry
        if isinstance(entry, dict) and (resource is None or _is_of_another_kind(resource)):
            yield None
        else:
            yield read_patient(resource, line=number, today=today)


def parse(text: bytes) -> Any:
    """JSON in UTF-8, with or without a byte order mark. Raises UnfitError."""
    try:
        return json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnfitError(field="", reason="is not UTF-8") from None
    except (ValueError, RecursionError):
        raise UnfitError(field="", reason="is not JSON") from None


def is_patient(resource: object) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Patient"


def read_patient(resource: object, *, line: int, today: date) -> PatientRecord | Refusal:
    """One Patient. Whatever it is given, it answers and does not raise."""
    try:
        if not isinstance(resource, dict):
            raise UnfitError(field="", reason="is not a JSON object")
        if not is_patient(resource):
            raise UnfitError(field="resourceType", reason=_say_kind(resource.get("resourceType")))
        return _record(Element(resource), line=line, today=today)
    except UnfitError as unfit:
        return Refusal(line=line, field=unfit.field, reason=unfit.reason)


def _is_of_another_kind(resource: object) -> bool:
    return isinstance(resource, dict) and not is_patient(resource) and isinstance(resource.get("resourceType"), str)


def _say_kind(kind: object) -> str:
    # Only what may be a FHIR type is repeated: anything else might be a patient's own data in the wrong place.
    if not isinstance(kind, str) or not re.fullmatch("[A-Z][A-Za-z]{2,40}", kind):
        return "is not Patient"
    return f"is {'an' if kind[0] in 'AEIOU' else 'a'} {kind}, not a Patient"


def _record(patient: Element, *, line: int, today: date) -> PatientRecord:
    left_out: list[UnfitError] = []
    source_system, source_id, mrn = fhir_datatypes.identify(patient)
    family_name, given_names, preferred_name = fhir_datatypes.choose_names(patient, today=today)
    deceased, deceased_on = _deceased(patient)
    address = fhir_datatypes.choose_address(patient, today=today)
    record = PatientRecord(
        source_system=source_system,
        source_id=source_id,
        mrn=mrn,
        family_name=family_name,
        given_names=given_names,
        preferred_name=preferred_name,
        birth_date=_birth_date(patient, today=today),
        sex=_sex(patient),
        active=patient.flag("active") is not False,
        deceased=deceased,
        deceased_on=deceased_on,
        language=_language(patient),
        phone=fhir_datatypes.choose_phone(telecom := fhir_datatypes.current_telecom(patient, today=today)),
        email=fhir_datatypes.choose_email(telecom, field="telecom", left_out=left_out),
        street=", ".join(address.texts("line")),
        city=address.text("city"),
        state=address.text("state"),
        postal_code=address.text("postalCode"),
        contacts=fhir_contacts.read_contacts(patient, today=today, left_out=left_out),
        line=line,
        left_out=tuple(Refusal(line=line, field=unfit.field, reason=unfit.reason) for unfit in left_out),
    )
    check_lengths(record, fields=_FIELDS)
    return record


def _birth_date(patient: Element, *, today: date) -> date:
    text = patient.text("birthDate")
    if not text:
        raise UnfitError(field="birthDate", reason="the date of birth is missing")
    if re.fullmatch(r"\d{4}(-\d\d)?", text, re.ASCII):
        raise UnfitError(field="birthDate", reason="the date of birth has no day")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise UnfitError(field="birthDate", reason="the date of birth is not written as YYYY-MM-DD")
    born = fhir_datatypes.read_day(text, field="birthDate")
    if born > today:
        raise UnfitError(field="birthDate", reason="the date of birth is in the future")
    return born


def _sex(patient: Element) -> str:
    gender = patient.members.get("gender")
    if gender is None:
        return "unknown"
    if not isinstance(gender, str) or gender not in _GENDERS:
        raise UnfitError(field="gender", reason="is not one of FHIR's codes: female, male, other, unknown")
    return gender


def _deceased(patient: Element) -> tuple[bool, date | None]:
    """Whether, and on which day if that is known to the day."""
    flag, day = patient.flag("deceasedBoolean"), fhir_datatypes.read_date(patient, "deceasedDateTime")
    if len(day) == len("2019-03-05"):
        return True, fhir_datatypes.read_day(day, field="deceasedDateTime")
    return bool(flag or day), None


def _language(patient: Element) -> str:
    spoken = sorted(patient.children("communication"), key=lambda one: not one.flag("preferred"))
    codings = [coding for one in spoken for coding in one.child("language").children("coding")]
    return next((coding.text("code") for coding in codings if coding.text("system") == "urn:ietf:bcp:47"), "")
