"""Access that a person took away: it comes back neither by a key that was out, nor without a reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from patients.keys import email_key
from patients.models import Contact, Patient
from registration.access import authority
from registration.models import Association, PortalAccount, Registration


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever is about to get access, by all that is known: any of it is enough to be the one from whom it was taken."""

    recipient_keys: Collection[str] = ()
    contact: Contact | None = None
    account: PortalAccount | None = None
    email: str = ""


def find_removed_access(patients: Sequence[Patient], person: Person) -> list[Association]:
    """The access of this person to these patients that was taken away and not given again, the latest last."""
    ended = Association.objects.filter(patient__in=patients, ended_by__isnull=False)
    rows = ended.select_related("account__user", "registration", "patient__practice").order_by("ended_at", "pk")
    taken = [each for each in rows if not each.is_live and _belongs_to(each, person)]
    if not taken:
        return []
    again = set(
        Association.objects.live()
        .filter(patient__in=patients, account__in={each.account_id for each in taken})
        .values_list("account", "patient")
    )
    return [each for each in taken if (each.account_id, each.patient_id) not in again]


def was_removed_since(registration: Registration, patient: Patient, *, account: PortalAccount) -> bool:
    """Whether access of whoever claims it, or of whom it was issued to, was taken away after it was issued."""
    person = Person(recipient_keys={registration.recipient_key}, contact=registration.contact, account=account)
    ends = [each.ended_at or each.ends_at for each in find_removed_access([patient], person)]
    return any(end > registration.issued_at for end in ends if end)


def _belongs_to(association: Association, person: Person) -> bool:
    whose, given_by = association.account, association.registration
    return (
        (person.account is not None and whose.pk == person.account.pk)
        or (given_by is not None and given_by.recipient_key in person.recipient_keys)
        or (bool(person.email) and email_key(person.email) == email_key(whose.email))
        or (person.contact is not None and authority.is_person(person.contact, whose))
    )
