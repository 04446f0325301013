"""What is on its way to somebody whose account is there, and its end. Called within the transaction of an act."""

from collections.abc import Sequence

from django.db.models import Q

from notifications import outbox
from patients import same_person
from patients.keys import email_key
from patients.models import Contact, Patient
from portal.models import User
from registration.access import authority, portal_status
from registration.models import PortalAccount, Registration, RegistrationQuerySet


def contact_rows_for(account: PortalAccount, patient: Patient) -> list[Contact]:
    """The family contacts that are the person whose account this is: those of the patient, and the siblings' of the same."""
    own = [each for each in patient.contacts.all() if authority.is_person(each, account)]
    return [row for each in own for row in same_person.contact_rows_for(each)]


def lock_affected_patients(account: PortalAccount, patient: Patient) -> list[Patient]:
    """Locks the patient and whoever else may lose a registration with this person's, before that is looked up."""
    rows = contact_rows_for(account, patient)
    out = _outstanding(account, patient, rows)
    siblings_of_theirs = Patient.objects.filter(pk__in=[row.patient_id for row in rows])
    covered = portal_status.covered_by(out.values_list("pk", flat=True))
    return portal_status.lock(patient.practice, [patient, *siblings_of_theirs, *covered])


def outstanding_for(account: PortalAccount, patient: Patient) -> list[Registration]:
    """Registrations of the patient for the person whose account this is, who may still claim them."""
    found = _outstanding(account, patient, contact_rows_for(account, patient))
    return list(found.select_related("message").order_by("pk").distinct())


def _outstanding(account: PortalAccount, patient: Patient, rows: Sequence[Contact]) -> RegistrationQuerySet:
    theirs = (
        Q(account=account)
        | Q(message__recipient__iexact=account.email)
        | Q(contact__email_key=email_key(account.email))
        | Q(contact__in=rows)
        | Q(recipient_key__in=account.claimed.values("recipient_key"))
    )
    found = Registration.objects.for_practice(patient.practice).unfinished().filter(theirs, patients=patient)
    assert isinstance(found, RegistrationQuerySet)
    return found


def supersede(registrations: Sequence[Registration], *, account: PortalAccount, by: User) -> list[Registration]:
    """Ends those that open nothing which the account has not by now: a sibling's PIN stays good."""
    has = set(account.associations.live().values_list("patient", flat=True))
    needless = [each for each in registrations if has.issuperset(each.patients.values_list("pk", flat=True))]
    why = "The family registered without it, and the match was made."
    return _end(needless, Registration.State.SUPERSEDED, by=by, reason=why)


def revoke(registrations: Sequence[Registration], *, by: User, reason: str) -> list[Registration]:
    """Ends those that may still be claimed, as the access of the same person has ended."""
    return _end(registrations, Registration.State.REVOKED, by=by, reason=reason)


def _end(
    registrations: Sequence[Registration], state: Registration.State, *, by: User, reason: str
) -> list[Registration]:
    unfinished = Registration.objects.filter(pk__in=[each.pk for each in registrations]).unfinished()
    ended = unfinished.end(state, reason=reason, by=by)
    for registration in ended:
        if registration.message:
            outbox.cancel(registration.message)
    return ended
