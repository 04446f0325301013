"""Access of people of whom the record says by now that they may not see it."""

from collections.abc import Sequence
from uuid import UUID

from patients import similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from patients.similarity import Verdict
from registration.models import Association, PortalAccount, Registration

# The concern of `concerns` about a contact who may not see the record.
CONCERN = "authority"


def lost(patient: Patient, live: Sequence[Association]) -> set[UUID]:
    """Of this access to the patient's record, that of people who may not see it by now.

    Nobody's whose authority the desk was asked about when access was given: it had its reason.
    """
    barred = [each for each in patient.contacts.all() if not each.has_authority]
    asked = {each.pk for each in live if _was_asked(each, patient)}
    return {each.pk for each in live if each.pk not in asked and any(_is_theirs(each, row) for row in barred)}


def is_person(contact: Contact, account: PortalAccount) -> bool:
    """Whether the account is this contact's, by its address or its name."""
    if contact.email_key and contact.email_key == email_key(account.email):
        return True
    return _names_compared(contact, account) == Verdict.AGREES


def may_be_person(contact: Contact, account: PortalAccount) -> bool:
    """Whether it could be: by the phone, or by a name that is spelled or shortened another way."""
    if contact.phone_key and account.phone and contact.phone_key == phone_key(account.phone):
        return True
    return _names_compared(contact, account) in {Verdict.AGREES, Verdict.NEAR}


def _names_compared(contact: Contact, account: PortalAccount) -> Verdict:
    told, on_record = (account.given_names, account.family_name), (contact.given_names, contact.family_name)
    return similarity.compare_people(told, on_record).verdict


def _is_theirs(association: Association, contact: Contact) -> bool:
    if association.relationship == Association.Relationship.SELF:
        return False
    issued_to = association.registration.contact_id if association.registration else None
    return issued_to == contact.pk or is_person(contact, association.account)


def _was_asked(association: Association, patient: Patient) -> bool:
    if association.registration:
        return was_asked(association.registration, patient)
    asked = association.self_registration
    return asked is not None and CONCERN in asked.override_reasons


def was_asked(registration: Registration, patient: Patient) -> bool:
    """Whether the desk had a reason why this contact may see the record of this patient: another's is none."""
    return CONCERN in registration.override_reasons and str(patient.pk) in registration.authority_override_for
