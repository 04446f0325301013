"""FHIR R4's datatypes (https://hl7.org/fhir/R4/datatypes.html), and which one of several is taken."""

import contextlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from patients.intake.elements import Element
from patients.intake.records import UnfitError

# Most wanted first; a use that is not listed comes after those that are.
_NAME_USES: Final = ("official", "usual", "", "temp", "anonymous", "nickname")
_TELECOM_USES: Final = ("mobile", "home", "", "temp", "work")
_ADDRESS_USES: Final = ("home", "", "temp", "work", "billing")
_DATE_PART: Final = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T.*)?", re.ASCII)

# HL7 v2-0203: numbers of the person's and not of a record, which a front desk has no need to keep.
_PERSONAL_NUMBERS: Final = {"SS", "SSN", "SB", "DL", "PPN", "TAX", "NI", "CZ", "PRC", "MI", "MA", "MC", "HC"}
_PERSONAL_TEXT: Final = re.compile(r"social security|\bssn?\b|passport|licen[cs]e", re.IGNORECASE)
_SSN_SYSTEMS: Final = {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"}
_SSN: Final = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII)


def read_day(text: str, *, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnfitError(field=field, reason="there is no such day") from None


def read_date(element: Element, name: str) -> str:
    """The date of a date or a dateTime, as it was written: a year, a month or a day. "" if there is none."""
    text = element.text(name)
    if not text:
        return ""
    if match := _DATE_PART.fullmatch(text):
        return match[1]
    raise UnfitError(field=element.at(name), reason="is not a date of FHIR's")


def has_ended(element: Element, *, today: date) -> bool:
    if element.members.get("period") is None:
        return False
    end = read_date(element.child("period"), "end")
    return bool(end) and end < today.isoformat()[: len(end)]


def codes_of(concept: Element) -> set[str]:
    return {coding.text("code") for coding in concept.children("coding")} - {""}


def identify(patient: Element) -> tuple[str, str, str]:
    """Source system, identifier there, and MRN ("" if there is none). Never a number of the person's, as an SSN is."""
    kept = [one for one in patient.children("identifier") if one.text("value") and _names_a_record(one)]
    of_record = [one for one in kept if "MR" in codes_of(one.child("type"))]
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
    codes = codes_of(kind)
    if identifier.text("use") == "old" or identifier.text("system") in _SSN_SYSTEMS or codes & _PERSONAL_NUMBERS:
        return False
    return "MR" in codes or not (_PERSONAL_TEXT.search(kind.text("text")) or _SSN.fullmatch(identifier.text("value")))


class HumanName(NamedTuple):
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


def read_name(name: Element, *, today: date) -> HumanName:
    family, given = name.text("family"), name.texts("given")
    if not family and not given:
        family, first_names = _split(name.text("text"))
        given = first_names.split()
    return HumanName(name.text("use"), has_ended(name, today=today), family, " ".join(given), given[0] if given else "")


def _split(text: str) -> tuple[str, str]:
    """Last name and first names of a name in one piece: "Smith, Ana" or "Ana Smith"."""
    if "," in text:
        family, _, given = text.partition(",")
    else:
        given, _, family = text.rpartition(" ")
    return family.strip(), given.strip()


def choose_names(patient: Element, *, today: date) -> tuple[str, str, str]:
    """Last name, first names, and the name that the patient goes by ("" if it is the first of them)."""
    named = [name for one in patient.children("name") if any((name := read_name(one, today=today)).parts)]
    if not named:
        raise UnfitError(field="name", reason="is missing")
    main = min(named, key=lambda name: name.rank)
    others = [name for name in named if name is not main and not name.ended]
    preferred = [name.given or name.family for name in others if name.use == "nickname"]
    preferred += [name.first for name in others if name.use == "usual"]
    return *main.parts, next((name for name in preferred if name and name != main.first), "")


def _place(use: str, uses: Sequence[str]) -> int:
    return uses.index(use) if use in uses else len(uses)


def _current(owner: Element, name: str, *, uses: Sequence[str], today: date) -> list[Element]:
    """What is still in use, the most wanted first."""
    current = [one for one in owner.children(name) if one.text("use") != "old" and not has_ended(one, today=today)]
    return sorted(current, key=lambda one: _place(one.text("use"), uses))


def current_telecom(owner: Element, *, today: date) -> list[Element]:
    return _current(owner, "telecom", uses=_TELECOM_USES, today=today)


def _values(telecom: Sequence[Element], systems: set[str]) -> list[str]:
    """Numbers or addresses, the most wanted first: by use, then by the rank that the source gives them."""
    points = [
        (
            _place("mobile" if system == "sms" else point.text("use"), _TELECOM_USES),
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
    """The first that is an address. Where all are something else ("none", "n/a"), `left_out` tells it of `field`."""
    addresses = _values(telecom, {"email"})
    for address in addresses:
        with contextlib.suppress(ValidationError):
            validate_email(address)
            return address
    if addresses:
        left_out.append(UnfitError(field=field, reason="is not an e-mail address, and is left out"))
    return ""


def choose_address(patient: Element, *, today: date) -> Element:
    addresses = _current(patient, "address", uses=_ADDRESS_USES, today=today)
    return next(iter(addresses), Element({}))
