"""One person behind several family contacts: each child has a row of its own for the same mother.

The same person is who has the same name (`names.key`) and the same e-mail address or phone number, in one practice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from patients import names
from patients.models import Contact, ContactQuerySet, Patient


@dataclass(frozen=True)
class Sibling:
    """Another patient of the practice; `shared_with` are the contacts of the first one who are this one's, too."""

    patient: Patient
    shared_with: frozenset[UUID]


def siblings_of(patient: Patient) -> list[Sibling]:
    """The other patients who share a current contact with this one and may be registered, the oldest first."""
    own = list(patient.contacts.current())
    shared: dict[Patient, set[UUID]] = {}
    for row in _same_address_rows(own).current().exclude(patient=patient).select_related("patient"):
        if who := {each.pk for each in own if is_same_person(each, row)}:
            shared.setdefault(row.patient, set()).update(who)
    return [
        Sibling(each, frozenset(who))
        for each, who in sorted(shared.items(), key=lambda pair: (pair[0].birth_date, pair[0].name))
        if each.active and not each.deceased and not each.has_placeholder_name
    ]


def contact_rows_for(contact: Contact) -> list[Contact]:
    """The rows of this person with every patient of the practice, current or not; the given one among them."""
    others = [each for each in _same_address_rows([contact]).exclude(pk=contact.pk) if is_same_person(contact, each)]
    return [contact, *others]


def is_same_person(one: Contact, other: Contact) -> bool:
    name = names.key(one.name)
    same_email = one.email_key and one.email_key == other.email_key
    same_phone = one.phone_key and one.phone_key == other.phone_key
    return bool(name and name == names.key(other.name) and (same_email or same_phone))


def _same_address_rows(contacts: Iterable[Contact]) -> ContactQuerySet:
    """The practice's contacts with one of these addresses or numbers: two looks into an index."""
    contacts = list(contacts)
    emails = {each.email_key for each in contacts} - {""}
    phones = {each.phone_key for each in contacts} - {""}
    if not contacts or not (emails or phones):
        return Contact.objects.all().none()
    reach = Q(email_key__in=emails) | Q(phone_key__in=phones)
    found = Contact.objects.filter(reach, practice_id=contacts[0].practice_id)
    assert isinstance(found, ContactQuerySet)
    return found
