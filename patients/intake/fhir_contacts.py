"""Read a child's family contacts from Patient.contact in FHIR R4."""

import itertools
from collections.abc import Container
from dataclasses import replace
from datetime import date
from typing import Final

from patients import names
from patients.intake import fhir_datatypes
from patients.intake.elements import Element
from patients.intake.records import ContactRecord, UnfitError, check_lengths

_MAX_KEY_LENGTH: Final = 190  # leaves room in the column for "#" and a number

# Codes of HL7 v2-0131 and v3-RoleCode, for codings that have no display text.
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
# An emergency contact, a neighbor or the person who pays the bill may not see a child's record for that reason alone.
_WITHOUT_AUTHORITY: Final = {"C", "EP", "ECON", "CP", "BP", "E", "F", "I", "S", "FRND", "NBOR"}


def read_contacts(patient: Element, *, today: date, left_out: list[UnfitError]) -> tuple[ContactRecord, ...]:
    """Return the current contacts. Add those without a name to `left_out`, and skip organizations."""
    contacts: dict[str, ContactRecord] = {}
    for element in patient.children("contact"):
        if fhir_datatypes.has_ended(element, today=today):
            continue
        contact = _contact(element, taken_keys=contacts, today=today, left_out=left_out)
        if contact.family_name:
            contacts[contact.key] = contact
        elif "organization" not in element.members:
            left_out.append(
                UnfitError(field=element.path_of("name"), reason="is missing; the contact was not imported")
            )
    return tuple(contacts.values())


def _contact(element: Element, *, taken_keys: Container[str], today: date, left_out: list[UnfitError]) -> ContactRecord:
    family_name, given_names = fhir_datatypes.read_name(element.child("name"), today=today).parts
    relationship, has_authority = _relationship(element)
    telecom = fhir_datatypes.current_telecom(element, today=today)
    contact = ContactRecord(
        key=element.text("id") or f"{names.key(given_names + family_name)}/{names.key(relationship)}"[:_MAX_KEY_LENGTH],
        family_name=family_name,
        given_names=given_names,
        relationship=relationship,
        email=fhir_datatypes.choose_email(telecom, field=element.path_of("telecom"), left_out=left_out),
        phone=fhir_datatypes.choose_phone(telecom),
        has_authority=has_authority,
    )
    check_lengths(contact, path=f"{element.path}.")
    if contact.key not in taken_keys:
        return contact
    # Two contacts with the same name and relationship differ only in their order, so the second gets a number.
    numbered = (f"{contact.key[:_MAX_KEY_LENGTH]}#{number}" for number in itertools.count(2))
    return replace(contact, key=next(key for key in numbered if key not in taken_keys))


def _relationship(contact: Element) -> tuple[str, bool | None]:
    """Return the relationship as text, and whether the contact has authority to see the record.

    Authority is False if the contact is known to be only an emergency contact or similar; otherwise it is None.
    """
    concepts = [(fhir_datatypes.codes_of(concept), concept) for concept in contact.children("relationship")]
    concepts.sort(key=lambda pair: bool(pair[0] & _WITHOUT_AUTHORITY))
    labels = [label for codes, concept in concepts if (label := _label(concept, codes=codes))]
    lacks_authority = bool(concepts) and all(codes & _WITHOUT_AUTHORITY for codes, _ in concepts)
    return next(iter(labels), ""), False if lacks_authority else None


def _label(concept: Element, *, codes: set[str]) -> str:
    displays = [coding.text("display") for coding in concept.children("coding")]
    known = [label for code, label in _RELATIONSHIPS.items() if code in codes]
    return next(filter(None, [*displays, concept.text("text"), *known]), "")
