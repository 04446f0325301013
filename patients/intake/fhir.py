"""FHIR R4 Patients, as a bulk export (NDJSON) or a Bundle holds them, read into records.

Pure: no database, no clock. The rules are those of https://hl7.org/fhir/R4/patient.html; where practices' systems are
known to be looser (a null, a name in one piece), the patient is read all the same.
"""

import contextlib
import itertools
import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from patients import names
from patients.intake.records import ContactRecord, Element, PatientRecord, Refusal, UnfitError, check_lengths

# Most wanted first; a use that is not listed comes after those that are.
_NAME_USES: Final = ("official", "usual", "", "temp", "anonymous", "nickname")
_TELECOM_USES: Final = ("mobile", "home", "", "temp", "work")
_ADDRESS_USES: Final = ("home", "", "temp", "work", "billing")
_GENDERS: Final = {"female", "male", "other", "unknown"}
_DATE_PART: Final = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T.*)?", re.ASCII)

_LONGEST_KEY: Final = 190  # leaves room in the column for a number

# HL7 v2-0203: numbers of the person's and not of a record, which a front desk has no need to keep.
_PERSONAL_NUMBERS: Final = {"SS", "SSN", "SB", "DL", "PPN", "TAX", "NI", "CZ", "PRC", "MI", "MA", "MC", "HC"}
_PERSONAL_TEXT: Final = re.compile(r"social security|\bssn?\b|passport|licen[cs]e", re.IGNORECASE)
_SSN_SYSTEMS: Final = {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"}
_SSN: Final = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII)

# HL7 v2-0131 and v3-RoleCode, for codings that come without a word.
_RELATIONSHIPS: Final = {
    "MTH": "Mother",
    "FTH": "Father",
    "PRN": "Parent",
    "GUARD": "Guardian",
    "STPMTH": "Stepmother",
    "STPFTH": "Stepfather",
    "GRMTH": "Grandmother",
    "GRFTH": "Grandfather",
    "SIB": "Sibling",
    "SPS": "Spouse",
    "NOK": "Next of kin",
    "N": "Next of kin",
    "C": "Emergency contact",
    "ECON": "Emergency contact",
}
# To be rung in an emergency, to live next door or to pay the bill gives nobody a right to see a child's record.
_WITHOUT_AUTHORITY: Final = {"C", "EP", "ECON", "CP", "BP", "E", "F", "I", "S", "FRND", "NBOR"}

# What FHIR calls the values of a record, a patient's or a contact's.
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
    "key": "id",
    "relationship": "relationship",
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
    source_system, source_id, mrn = _identity(patient)
    family_name, given_names, preferred_name = _patient_name(patient, today=today)
    deceased, deceased_on = _deceased(patient)
    address = _address(patient, today=today)
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
        phone=_phone(patient, today=today),
        email=_email(patient, today=today, left_out=left_out),
        street=", ".join(address.texts("line")),
        city=address.text("city"),
        state=address.text("state"),
        postal_code=address.text("postalCode"),
        contacts=_contacts(patient, today=today, left_out=left_out),
        line=line,
        left_out=tuple(Refusal(line=line, field=unfit.field, reason=unfit.reason) for unfit in left_out),
    )
    check_lengths(record, fields=_FIELDS)
    return record


def _identity(patient: Element) -> tuple[str, str, str]:
    """Source system, identifier there, and MRN ("" if there is none). Never a number of the person's, as an SSN is."""
    kept = [one for one in patient.children("identifier") if one.text("value") and _names_a_record(one)]
    of_record = [one for one in kept if "MR" in _codes(one.child("type"))]
    of_record += [one for one in kept if one.text("use") in {"official", "usual"}]
    mrn = of_record[0].text("value") if of_record else ""
    for identifier in of_record[:1] + kept:
        if system := identifier.text("system"):
            return system, identifier.text("value"), mrn
    if resource_id := patient.text("id"):
        return "urn:fhir:Patient", resource_id, mrn
    raise UnfitError(field="identifier", reason="nothing identifies the patient")


def _names_a_record(identifier: Element) -> bool:
    kind = identifier.child("type")
    codes = _codes(kind)
    if identifier.text("use") == "old" or identifier.text("system") in _SSN_SYSTEMS or codes & _PERSONAL_NUMBERS:
        return False
    return "MR" in codes or not (_PERSONAL_TEXT.search(kind.text("text")) or _SSN.fullmatch(identifier.text("value")))


def _codes(concept: Element) -> set[str]:
    return {coding.text("code") for coding in concept.children("coding")} - {""}


class _Name(NamedTuple):
    use: str
    ended: bool
    family: str
    given: str
    first: str

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        return self.use in {"maiden", "old"}, self.ended, not self.family, _place(self.use, _NAME_USES)

    @property
    def parts(self) -> tuple[str, str]:
        """Last name and first names; a single name is a last name."""
        return (self.family, self.given) if self.family else (self.given, "")


def _name(name: Element, *, today: date) -> _Name:
    family, given = name.text("family"), name.texts("given")
    if not family and not given:
        family, first_names = _split(name.text("text"))
        given = first_names.split()
    return _Name(name.text("use"), _has_ended(name, today=today), family, " ".join(given), given[0] if given else "")


def _split(text: str) -> tuple[str, str]:
    """Last name and first names of a name in one piece: "Smith, Ana" or "Ana Smith"."""
    if "," in text:
        family, _, given = text.partition(",")
    else:
        given, _, family = text.rpartition(" ")
    return family.strip(), given.strip()


def _patient_name(patient: Element, *, today: date) -> tuple[str, str, str]:
    """Last name, first names, and the name that the patient goes by ("" if it is the first of them)."""
    named = [name for one in patient.children("name") if any((name := _name(one, today=today)).parts)]
    if not named:
        raise UnfitError(field="name", reason="is missing")
    main = min(named, key=lambda name: name.rank)
    others = [name for name in named if name is not main and not name.ended]
    preferred = [name.given or name.family for name in others if name.use == "nickname"]
    preferred += [name.first for name in others if name.use == "usual"]
    return *main.parts, next((name for name in preferred if name and name != main.first), "")


def _birth_date(patient: Element, *, today: date) -> date:
    text = patient.text("birthDate")
    if not text:
        raise UnfitError(field="birthDate", reason="the date of birth is missing")
    if re.fullmatch(r"\d{4}(-\d\d)?", text, re.ASCII):
        raise UnfitError(field="birthDate", reason="the date of birth has no day")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise UnfitError(field="birthDate", reason="the date of birth is not written as YYYY-MM-DD")
    born = _day(text, field="birthDate")
    if born > today:
        raise UnfitError(field="birthDate", reason="the date of birth is in the future")
    return born


def _day(text: str, *, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnfitError(field=field, reason="there is no such day") from None


def _date_part(element: Element, name: str) -> str:
    """The date of a date or a dateTime, as it was written: a year, a month or a day. "" if there is none."""
    text = element.text(name)
    if not text:
        return ""
    if match := _DATE_PART.fullmatch(text):
        return match[1]
    raise UnfitError(field=element.at(name), reason="is not a date of FHIR's")


def _has_ended(element: Element, *, today: date) -> bool:
    end = _date_part(element.child("period"), "end")
    return bool(end) and end < today.isoformat()[: len(end)]


def _sex(patient: Element) -> str:
    gender = patient.members.get("gender")
    if gender is None:
        return "unknown"
    if not isinstance(gender, str) or gender not in _GENDERS:
        raise UnfitError(field="gender", reason="is not one of FHIR's codes: female, male, other, unknown")
    return gender


def _deceased(patient: Element) -> tuple[bool, date | None]:
    """Whether, and on which day if that is known to the day."""
    flag, day = patient.flag("deceasedBoolean"), _date_part(patient, "deceasedDateTime")
    if len(day) == len("2019-03-05"):
        return True, _day(day, field="deceasedDateTime")
    return bool(flag or day), None


def _language(patient: Element) -> str:
    spoken = sorted(patient.children("communication"), key=lambda one: not one.flag("preferred"))
    codings = [coding for one in spoken for coding in one.child("language").children("coding")]
    return next((coding.text("code") for coding in codings if coding.text("system") == "urn:ietf:bcp:47"), "")


def _place(use: str, uses: Sequence[str]) -> int:
    return uses.index(use) if use in uses else len(uses)


def _current(owner: Element, name: str, *, uses: Sequence[str], today: date) -> list[Element]:
    """What is still in use, the most wanted first."""
    current = [one for one in owner.children(name) if one.text("use") != "old" and not _has_ended(one, today=today)]
    return sorted(current, key=lambda one: _place(one.text("use"), uses))


def _telecom(owner: Element, systems: set[str], *, today: date) -> list[str]:
    """Numbers or addresses, the most wanted first: by use, then by the rank that the source gives them."""
    points = [
        (
            _place("mobile" if system == "sms" else point.text("use"), _TELECOM_USES),
            point.number("rank") or 1_000,
            value,
        )
        for point in _current(owner, "telecom", uses=_TELECOM_USES, today=today)
        if (system := point.text("system")) in systems and (value := point.text("value"))
    ]
    return [value for *_, value in sorted(points, key=lambda point: point[:2])]


def _phone(owner: Element, *, today: date) -> str:
    return next(iter(_telecom(owner, {"phone", "sms"}, today=today)), "")


def _email(owner: Element, *, today: date, left_out: list[UnfitError]) -> str:
    """The first that is an address. Where all are something else ("none", "n/a"), that is told in `left_out`."""
    addresses = _telecom(owner, {"email"}, today=today)
    for address in addresses:
        with contextlib.suppress(ValidationError):
            validate_email(address)
            return address
    if addresses:
        left_out.append(UnfitError(field=owner.at("telecom"), reason="is not an e-mail address, and is left out"))
    return ""


def _address(patient: Element, *, today: date) -> Element:
    addresses = _current(patient, "address", uses=_ADDRESS_USES, today=today)
    return next(iter(addresses), Element({}))


def _contacts(patient: Element, *, today: date, left_out: list[UnfitError]) -> tuple[ContactRecord, ...]:
    contacts: dict[str, ContactRecord] = {}
    for element in patient.children("contact"):
        if _has_ended(element, today=today):
            continue
        contact = _contact(element, taken=contacts, today=today, left_out=left_out)
        if contact.family_name:
            contacts[contact.key] = contact
        elif "organization" not in element.members:
            left_out.append(UnfitError(field=element.at("name"), reason="is missing, and the contact is left out"))
    return tuple(contacts.values())


def _contact(element: Element, *, taken: Container[str], today: date, left_out: list[UnfitError]) -> ContactRecord:
    family_name, given_names = _name(element.child("name"), today=today).parts
    relationship, has_authority = _relationship(element)
    contact = ContactRecord(
        key=element.text("id") or f"{names.key(given_names + family_name)}/{names.key(relationship)}"[:_LONGEST_KEY],
        family_name=family_name,
        given_names=given_names,
        relationship=relationship,
        email=_email(element, today=today, left_out=left_out),
        phone=_phone(element, today=today),
        has_authority=has_authority,
    )
    check_lengths(contact, fields=_FIELDS, path=f"{element.path}.")
    # Two of one name and relationship are told apart by their order, the only thing that is left.
    numbered = (f"{contact.key[:_LONGEST_KEY]}#{number}" for number in itertools.count(2))
    return replace(contact, key=next(key for key in itertools.chain([contact.key], numbered) if key not in taken))


def _relationship(contact: Element) -> tuple[str, bool | None]:
    """In a word; and False for somebody who is known to be no more than, say, an emergency contact."""
    concepts = [(_codes(one), one) for one in contact.children("relationship")]
    concepts.sort(key=lambda concept: bool(concept[0] & _WITHOUT_AUTHORITY))
    words = [word for codes, concept in concepts if (word := _word(concept, codes=codes))]
    is_without = bool(concepts) and all(codes & _WITHOUT_AUTHORITY for codes, _ in concepts)
    return next(iter(words), ""), False if is_without else None


def _word(concept: Element, *, codes: set[str]) -> str:
    displays = [coding.text("display") for coding in concept.children("coding")]
    known = [word for code, word in _RELATIONSHIPS.items() if code in codes]
    return next(filter(None, [*displays, concept.text("text"), *known]), "")
