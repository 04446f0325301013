"""Read FHIR R4 datatypes (https://hl7.org/fhir/R4/datatypes.html), and choose one of several values."""

import contextlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from patients.intake.elements import Element
from patients.intake.records import UnfitError

# In order of preference. A use that is not listed comes last.
_NAME_USES: Final = ("official", "usual", "", "temp", "anonymous", "nickname")
_TELECOM_USES: Final = ("mobile", "home", "", "temp", "work")
_ADDRESS_USES: Final = ("home", "", "temp", "work", "billing")
_DATE_PART: Final = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T.*)?", re.ASCII)

# HL7 v2-0203: numbers that belong to the person, not to a medical record. The front desk does not need them.
_PERSONAL_NUMBERS: Final = {"SS", "SSN", "SB", "DL", "PPN", "TAX", "NI", "CZ", "PRC", "MI", "MA", "MC", "HC"}
_PERSONAL_TEXT: Final = re.compile(r"social security|\bssn?\b|passport|licen[cs]e", re.IGNORECASE)
_SSN_SYSTEMS: Final = {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"}
_SSN: Final = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII)


def read_day(text: str, *, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnfitError(field=field, reason="this date does not exist") from None


def read_date(element: Element, name: str) -> str:
    """Return the date part of a date or dateTime as written (a year, month or full date), or "" if it is missing."""
    text = element.text(name)
    if not text:
        return ""
    if match := _DATE_PART.fullmatch(text):
        return match[1]
    raise UnfitError(field=element.path_of(name), reason="is not a FHIR date")


def has_ended(element: Element, *, today: date) -> bool:
    if element.members.get("period") is None:
        return False
    end = read_date(element.child("period"), "end")
    return bool(end) and end < today.isoformat()[: len(end)]


def codes_of(concept: Element) -> set[str]:
    return {coding.text("code") for coding in concept.children("coding")} - {""}


def identify(patient: Element) -> tuple[str, str, str]:
    """Return the source system, the patient's identifier in that system, and the MRN ("" if there is none).

    A number that belongs to the person, such as an SSN, is never used.
    """
    identifiers = [
        identifier
        for identifier in patient.children("identifier")
        if identifier.text("value") and _is_record_number(identifier)
    ]
    main = [identifier for identifier in identifiers if "MR" in codes_of(identifier.child("type"))]
    main += [identifier for identifier in identifiers if identifier.text("use") in {"official", "usual"}]
    mrn = main[0].text("value") if main else ""
    for identifier in main[:1] + identifiers:
        if system := identifier.text("system"):
            return system, identifier.text("value"), mrn
    if resource_id := patient.text("id"):
        return "urn:fhir:Patient", resource_id, mrn
    raise UnfitError(field="identifier", reason="the patient has no identifier")


def _is_record_number(identifier: Element) -> bool:
    type_ = identifier.child("type")
    codes = codes_of(type_)
    if identifier.text("use") == "old" or identifier.text("system") in _SSN_SYSTEMS or codes & _PERSONAL_NUMBERS:
        return False
    return "MR" in codes or not (_PERSONAL_TEXT.search(type_.text("text")) or _SSN.fullmatch(identifier.text("value")))


class HumanName(NamedTuple):
    use: str
    ended: bool
    family: str
    given: str
    first: str

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Return a sort key. The preferred name has the lowest key."""
        return self.use in {"maiden", "old"}, self.ended, not self.family, _preference(self.use, _NAME_USES)

    @property
    def parts(self) -> tuple[str, str]:
        """Return last name and first names. A one-word name is a last name."""
        return (self.family, self.given) if self.family else (self.given, "")


def read_name(name: Element, *, today: date) -> HumanName:
    family, given = name.text("family"), name.texts("given")
    if not family and not given:
        family, first_names = _split(name.text("text"))
        given = first_names.split()
    return HumanName(name.text("use"), has_ended(name, today=today), family, " ".join(given), given[0] if given else "")


def _split(text: str) -> tuple[str, str]:
    """Split a full name, "Smith, Ana" or "Ana Smith", into last name and first names."""
    if "," in text:
        family, _, given = text.partition(",")
    else:
        given, _, family = text.rpartition(" ")
    return family.strip(), given.strip()


def choose_names(patient: Element, *, today: date) -> tuple[str, str, str]:
    """Return last name, first names, and the name the patient goes by ("" if that is the first of the first names)."""
    named = [name for element in patient.children("name") if any((name := read_name(element, today=today)).parts)]
    if not named:
        raise UnfitError(field="name", reason="is missing")
    main = min(named, key=lambda name: name.rank)
    others = [name for name in named if name is not main and not name.ended]
    preferred = [name.given or name.family for name in others if name.use == "nickname"]
    preferred += [name.first for name in others if name.use == "usual"]
    return *main.parts, next((name for name in preferred if name and name != main.first), "")


def _preference(use: str, uses: Sequence[str]) -> int:
    return uses.index(use) if use in uses else len(uses)


def _current(owner: Element, name: str, *, uses: Sequence[str], today: date) -> list[Element]:
    """Return the elements that are still in use, the preferred ones first."""
    current = [
        element
        for element in owner.children(name)
        if element.text("use") != "old" and not has_ended(element, today=today)
    ]
    return sorted(current, key=lambda element: _preference(element.text("use"), uses))


def current_telecom(owner: Element, *, today: date) -> list[Element]:
    return _current(owner, "telecom", uses=_TELECOM_USES, today=today)


def _values(telecom: Sequence[Element], systems: set[str]) -> list[str]:
    """Return phone numbers or addresses in order of preference: by FHIR's `use`, then by their rank in the source."""
    points = [
        (
            _preference("mobile" if system == "sms" else point.text("use"), _TELECOM_USES),
            point.number("rank") or 1_000,
            value,
        )
        for point in telecom
        if (system := point.text("system")) in systems and (value := point.text("value"))
    ]
    return [value for *_, value in sorted(points, key=lambda point: point[:2])]


def choose_phone(telecom: Sequence[Element]) -> str:
    return next(iter(_values(telecom, {"phone", "sms"})), "")


def choose_email(telecom: Sequence[Element], *, field: str, left_out: list[UnfitError]) -> str:
    """Return the first valid address. If none is valid ("none", "n/a"), add a warning for `field` to `left_out`."""
    addresses = _values(telecom, {"email"})
    for address in addresses:
        with contextlib.suppress(ValidationError):
            validate_email(address)
            return address
    if addresses:
        left_out.append(UnfitError(field=field, reason="is not an email address; it was not imported"))
    return ""


def choose_address(patient: Element, *, today: date) -> Element:
    addresses = _current(patient, "address", uses=_ADDRESS_USES, today=today)
    return next(iter(addresses), Element({}))
