"""Patient.contact: a child's family, in FHIR R4."""

import itertools
from collections.abc import Container
from dataclasses import replace
from datetime import date
from typing import Final

from patients import names
from patients.intake import fhir_datatypes
from patients.intake.elements import Element
from patients.intake.records import ContactRecord, UnfitError, check_lengths

_LONGEST_KEY: Final = 190  # leaves room in the column for a number

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

# What FHIR calls the values of a contact.
_FIELDS: Final = {
    "family_name": "name.family",
    "given_names": "name.given",
    "phone": "telecom",
    "email": "telecom",
    "key": "id",
    "relationship": "relationship",
}


def read_contacts(patient: Element, *, today: date, left_out: list[UnfitError]) -> tuple[ContactRecord, ...]:
    contacts: dict[str, ContactRecord] = {}
    for element in patient.children("contact"):
        if fhir_datatypes.has_ended(element, today=today):
            continue
        contact = _contact(element, taken=contacts, today=today, left_out=left_out)
        if contact.family_name:
            contacts[contact.key] = contact
        elif "organization" not in element.members:
            left_out.append(UnfitError(field=element.at("name"), reason="is missing, and the contact is left out"))
    return tuple(contacts.values())


def _contact(element: Element, *, taken: Container[str], today: date, left_out: list[UnfitError]) -> ContactRecord:
    family_name, given_names = fhir_datatypes.read_name(element.child("name"), today=today).parts
    relationship, has_authority = _relationship(element)
    contact = ContactRecord(
        key=element.text("id") or f"{names.key(given_names + family_name)}/{names.key(relationship)}"[:_LONGEST_KEY],
        family_name=family_name,
        given_names=given_names,
        relationship=relationship,
        email=fhir_datatypes.choose_email(
            telecom := fhir_datatypes.current_telecom(element, today=today),
            field=element.at("telecom"),
            left_out=left_out,
        ),
        phone=fhir_datatypes.choose_phone(telecom),
        has_authority=has_authority,
    )
    check_lengths(contact, fields=_FIELDS, path=f"{element.path}.")
    # Two of one name and relationship are told apart by their order, the only thing that is left.
    if contact.key not in taken:
        return contact
    numbered = (f"{contact.key[:_LONGEST_KEY]}#{number}" for number in itertools.count(2))
    return replace(contact, key=next(key for key in numbered if key not in taken))


def _relationship(contact: Element) -> tuple[str, bool | None]:
    """In a word; and False for somebody who is known to be no more than, say, an emergency contact."""
    concepts = [(fhir_datatypes.codes_of(one), one) for one in contact.children("relationship")]
    concepts.sort(key=lambda concept: bool(concept[0] & _WITHOUT_AUTHORITY))
    words = [word for codes, concept in concepts if (word := _word(concept, codes=codes))]
    is_without = bool(concepts) and all(codes & _WITHOUT_AUTHORITY for codes, _ in concepts)
    return next(iter(words), ""), False if is_without else None


def _word(concept: Element, *, codes: set[str]) -> str:
    displays = [coding.text("display") for coding in concept.children("coding")]
    known = [word for code, word in _RELATIONSHIPS.items() if code in codes]
    return next(filter(None, [*displays, concept.text("text"), *known]), "")
