"""Find access that staff removed. An outstanding PIN cannot restore it, and staff need a reason to grant it again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from patients.keys import email_key
from patients.models import Contact, Patient
from registration.access import authority
from registration.models import Association, PortalAccount, Registration


@dataclass(frozen=True, kw_only=True)
class Person:
    """Everything known about the person who is about to get access. If any field matches, it is the same person."""

    recipient_keys: Collection[str] = ()
    contact: Contact | None = None
    account: PortalAccount | None = None
    email: str = ""


def find_removed_access(patients: Sequence[Patient], person: Person) -> list[Association]:
    """Return this person's access to these patients that staff removed and did not grant again, most recent last."""
    ended = Association.objects.filter(patient__in=patients, ended_by__isnull=False)
    rows = ended.select_related("account__user", "registration", "patient__practice").order_by("ended_at", "pk")
    removed = [association for association in rows if not association.is_live and _belongs_to(association, person)]
    if not removed:
        return []
    granted_again = set(
        Association.objects.live()
        .filter(patient__in=patients, account__in={association.account_id for association in removed})
        .values_list("account", "patient")
    )
    return [
        association for association in removed if (association.account_id, association.patient_id) not in granted_again
    ]


def was_removed_since(registration: Registration, patient: Patient, *, account: PortalAccount) -> bool:
    """Return True if staff removed access of the claiming account or the recipient after issuing the registration."""
    person = Person(recipient_keys={registration.recipient_key}, contact=registration.contact, account=account)
    ends = [removed.ended_at or removed.ends_at for removed in find_removed_access([patient], person)]
    return any(end > registration.issued_at for end in ends if end)


def _belongs_to(association: Association, person: Person) -> bool:
    account, registration = association.account, association.registration
    return (
        (person.account is not None and account.pk == person.account.pk)
        or (registration is not None and registration.recipient_key in person.recipient_keys)
        or (bool(person.email) and email_key(person.email) == email_key(account.email))
        or (person.contact is not None and authority.is_person(person.contact, account))
    )
