"""Read FHIR R4 Patients, from a bulk export (NDJSON) or a Bundle, into records.

The rules are those of https://hl7.org/fhir/R4/patient.html. Some practices' systems are known to break them (a null, a
name that is not split into parts). Patients from those systems are read too. This module uses no database and no clock.
records.py explains how to import one more field.
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


def read_lines(lines: Iterable[bytes], *, today: date) -> Iterator[PatientRecord | Refusal]:
    """Read NDJSON, one resource per line. Skip blank lines, and refuse a line that is not a Patient."""
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
    """Read Bundle.entry, numbered from 1. Yield None for resources other than patients, which a Bundle may contain."""
    for number, entry in enumerate(entries, start=1):
        resource = entry.get("resource") if isinstance(entry, dict) else entry
        if isinstance(entry, dict) and (resource is None or _is_other_resource(resource)):
            yield None
        else:
            yield read_patient(resource, line=number, today=today)


def parse(text: bytes) -> Any:
    """Parse UTF-8 JSON, with or without a byte order mark. Raises UnfitError for anything else."""
    try:
        return json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnfitError(field="", reason="is not UTF-8") from None
    except (ValueError, RecursionError):
        raise UnfitError(field="", reason="is not JSON") from None


def is_patient(resource: object) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Patient"


def read_patient(resource: object, *, line: int, today: date) -> PatientRecord | Refusal:
    """Read one Patient. Never raise an error: return a Refusal for anything that is not a Patient."""
    try:
        if not isinstance(resource, dict):
            raise UnfitError(field="", reason="is not a JSON object")
        if not is_patient(resource):
            raise UnfitError(field="resourceType", reason=_describe_type(resource.get("resourceType")))
        return _record(Element(resource), line=line, today=today)
    except UnfitError as unfit:
        return Refusal(line=line, field=unfit.field, reason=unfit.reason)


def _is_other_resource(resource: object) -> bool:
    return isinstance(resource, dict) and not is_patient(resource) and isinstance(resource.get("resourceType"), str)


def _describe_type(resource_type: object) -> str:
    # Repeat only what looks like a FHIR type. Anything else may be a patient's own data in the wrong place.
    if not isinstance(resource_type, str) or not re.fullmatch("[A-Z][A-Za-z]{2,40}", resource_type):
        return "is not Patient"
    return f"is {'an' if resource_type[0] in 'AEIOU' else 'a'} {resource_type}, not a Patient"


def _record(patient: Element, *, line: int, today: date) -> PatientRecord:
    left_out: list[UnfitError] = []
    source_system, source_id, mrn = fhir_datatypes.identify(patient)
    family_name, given_names, preferred_name = fhir_datatypes.choose_names(patient, today=today)
    deceased, deceased_on = _deceased(patient)
    telecom = fhir_datatypes.current_telecom(patient, today=today)
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
        phone=fhir_datatypes.choose_phone(telecom),
        email=fhir_datatypes.choose_email(telecom, field="telecom", left_out=left_out),
        street=", ".join(address.texts("line")),
        city=address.text("city"),
        state=address.text("state"),
        postal_code=address.text("postalCode"),
        contacts=fhir_contacts.read_contacts(patient, today=today, left_out=left_out),
        line=line,
        left_out=tuple(Refusal(line=line, field=unfit.field, reason=unfit.reason) for unfit in left_out),
    )
    check_lengths(record)
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
        raise UnfitError(field="gender", reason="is not a FHIR code: female, male, other or unknown")
    return gender


def _deceased(patient: Element) -> tuple[bool, date | None]:
    """Return whether the patient has died, and the date of death if the exact day is known."""
    flag, died = patient.flag("deceasedBoolean"), fhir_datatypes.read_date(patient, "deceasedDateTime")
    if len(died) == len("2019-03-05"):
        return True, fhir_datatypes.read_day(died, field="deceasedDateTime")
    return bool(flag or died), None


def _language(patient: Element) -> str:
    """Return the language tag (BCP 47) that is marked as preferred, or else the first one."""
    languages = sorted(patient.children("communication"), key=lambda language: not language.flag("preferred"))
    codings = [coding for language in languages for coding in language.child("language").children("coding")]
    return next((coding.text("code") for coding in codings if coding.text("system") == "urn:ietf:bcp:47"), "")
