"""Access of people of whom the record says by now that they may not see it."""

from collections.abc import Sequence
from uuid import UUID

from patients.keys import email_key
from patients.models import Contact, Patient
from registration import resemblance
from registration.models import Association, PortalAccount
from registration.resemblance import Verdict

# The concern of `concerns` about a contact who may not see the record.
CONCERN = "authority"


def lost(patient: Patient, live: Sequence[Association]) -> set[UUID]:
    """Of this access to the patient's record, that of people who may not see it by now.

    Nobody's whose authority the desk was asked about when access was given: it had its reason.
    """
    barred = [each for each in patient.contacts.all() if not each.has_authority]
    return {each.pk for each in live if not _was_asked(each) and any(_is_theirs(each, row) for row in barred)}


def is_person(contact: Contact, account: PortalAccount) -> bool:
    """Whether the account is this contact's, by its address or its name."""
    if contact.email_key and contact.email_key == email_key(account.email):
        return True
    me, contact_name = (account.given_names, account.family_name), (contact.given_names, contact.family_name)
    return resemblance.of_people(me, contact_name).verdict == Verdict.AGREES


def _is_theirs(association: Association, contact: Contact) -> bool:
    if association.relationship == Association.Relationship.SELF:
        return False
    issued_to = association.registration.contact_id if association.registration else None
    return issued_to == contact.pk or is_person(contact, association.account)


def _was_asked(association: Association) -> bool:
    given_by = association.registration or association.self_registration
    return given_by is not None and CONCERN in given_by.confirmed
