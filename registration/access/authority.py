"""Find live access of people who have lost the authority to see the record since they got access."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from patients import similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from patients.similarity import Verdict
from registration.models import Association, PortalAccount, Registration

# The key of the safety warning about a contact without authority (`issuing.safety_checks.QUESTIONS`).
AUTHORITY_WARNING: Final = "authority"


def lost(patient: Patient, live: Sequence[Association]) -> set[UUID]:
    """Return the ids of the associations whose account owner is not authorized to see the record.

    Leave out access that staff granted with an override reason.
    """
    barred = [contact for contact in patient.contacts.all() if not contact.has_authority]
    return {
        association.pk
        for association in live
        if not _has_override(association, patient) and any(_belongs_to(association, contact) for contact in barred)
    }


def is_person(contact: Contact, account: PortalAccount) -> bool:
    """Return True if the email address or name shows that the account belongs to this contact."""
    if contact.email_key and contact.email_key == email_key(account.email):
        return True
    return _compare_names(contact, account) == Verdict.AGREES


def may_be_person(contact: Contact, account: PortalAccount) -> bool:
    """Return True if the phone number or a similar name suggests that the account belongs to this contact."""
    if contact.phone_key and account.phone and contact.phone_key == phone_key(account.phone):
        return True
    return _compare_names(contact, account) in {Verdict.AGREES, Verdict.NEAR}


def _compare_names(contact: Contact, account: PortalAccount) -> Verdict:
    account_name, contact_name = (account.given_names, account.family_name), (contact.given_names, contact.family_name)
    return similarity.compare_people(account_name, contact_name).verdict


def _belongs_to(association: Association, contact: Contact) -> bool:
    if association.relationship == Association.Relationship.SELF:
        return False
    issued_to = association.registration.contact_id if association.registration else None
    return issued_to == contact.pk or is_person(contact, association.account)


def _has_override(association: Association, patient: Patient) -> bool:
    if association.registration:
        return is_overridden(association.registration, patient)
    request = association.self_registration
    return request is not None and AUTHORITY_WARNING in request.override_reasons


def is_overridden(registration: Registration, patient: Patient) -> bool:
    """Return True if staff gave a reason to let the contact see this patient's record. A reason for a sibling does not count."""
    return AUTHORITY_WARNING in registration.override_reasons and str(patient.pk) in registration.authority_override_for
