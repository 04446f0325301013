"""Recognize the same person in several family contacts. For example, each child's record has its own row for the mother.

Contacts of one practice are the same person if they have the same name (`names.key`) and the same email address or
phone number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from patients import names
from patients.models import Contact, ContactQuerySet, Patient


@dataclass(frozen=True)
class Sibling:
    """Another patient of the family, and the contacts that both patients share."""

    patient: Patient
    shared_with: frozenset[UUID]


def siblings_of(patient: Patient) -> list[Sibling]:
    """Return the other patients, oldest first, who share a current contact with this one and can be registered."""
    own = list(patient.contacts.current())
    shared: dict[Patient, set[UUID]] = {}
    for row in _same_address_rows(own).current().exclude(patient=patient).select_related("patient"):
        if contact_ids := {contact.pk for contact in own if is_same_person(contact, row)}:
            shared.setdefault(row.patient, set()).update(contact_ids)
    return [
        Sibling(sibling, frozenset(contact_ids))
        for sibling, contact_ids in sorted(shared.items(), key=lambda pair: (pair[0].birth_date, pair[0].name))
        if sibling.active and not sibling.deceased and not sibling.has_placeholder_name
    ]


def contact_rows_for(contact: Contact) -> list[Contact]:
    """Return this person's rows for all patients of the practice, current or not, including the given one."""
    others = _same_address_rows([contact]).exclude(pk=contact.pk)
    return [contact, *(row for row in others if is_same_person(contact, row))]


def is_same_person(one: Contact, other: Contact) -> bool:
    name = names.key(one.name)
    same_email = one.email_key and one.email_key == other.email_key
    same_phone = one.phone_key and one.phone_key == other.phone_key
    return bool(name and name == names.key(other.name) and (same_email or same_phone))


def _same_address_rows(contacts: Iterable[Contact]) -> ContactQuerySet:
    """Return the practice's contacts with one of these addresses or numbers, using two indexes."""
    contacts = list(contacts)
    emails = {contact.email_key for contact in contacts} - {""}
    phones = {contact.phone_key for contact in contacts} - {""}
    if not contacts or not (emails or phones):
        return Contact.objects.all().none()
    same_address = Q(email_key__in=emails) | Q(phone_key__in=phones)
    found = Contact.objects.filter(same_address, practice_id=contacts[0].practice_id)
    assert isinstance(found, ContactQuerySet)
    return found
