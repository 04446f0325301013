"""Find and end outstanding registrations for a person who already has an account. Call inside a transaction."""

from collections.abc import Sequence

from django.db.models import Q

from notifications import outbox
from patients import same_person
from patients.keys import email_key
from patients.models import Contact, Patient
from portal.models import User
from registration.access import authority, portal_status
from registration.models import EndCode, PortalAccount, Registration, RegistrationQuerySet


def contact_rows_for(account: PortalAccount, patient: Patient) -> list[Contact]:
    """Return the account owner's contact rows: this patient's rows, and siblings' rows that refer to the same person."""
    own = [contact for contact in patient.contacts.all() if authority.is_person(contact, account)]
    return [row for contact in own for row in same_person.contact_rows_for(contact)]


def lock_affected_patients(account: PortalAccount, patient: Patient) -> list[Patient]:
    """Lock the patient and every other patient whose registration may end along with this person's access."""
    rows = contact_rows_for(account, patient)
    found = _outstanding(account, patient, rows)
    children = Patient.objects.filter(pk__in=[row.patient_id for row in rows])
    covered = portal_status.covered_by(found.values_list("pk", flat=True))
    return portal_status.lock(patient.practice, [patient, *children, *covered])


def outstanding_for(account: PortalAccount, patient: Patient) -> list[Registration]:
    """Return registrations of the patient that the owner of this account can still claim."""
    found = _outstanding(account, patient, contact_rows_for(account, patient))
    return list(found.select_related("message").order_by("pk").distinct())


def _outstanding(account: PortalAccount, patient: Patient, rows: Sequence[Contact]) -> RegistrationQuerySet:
    for_owner = (
        Q(account=account)
        | Q(message__recipient__iexact=account.email)
        | Q(contact__email_key=email_key(account.email))
        | Q(contact__in=rows)
        | Q(recipient_key__in=account.claimed.values("recipient_key"))
    )
    found = Registration.objects.for_practice(patient.practice).unfinished().filter(for_owner, patients=patient)
    assert isinstance(found, RegistrationQuerySet)
    return found


def supersede(registrations: Sequence[Registration], *, account: PortalAccount, by: User) -> list[Registration]:
    """Supersede registrations for patients whom the account can already see. A sibling's PIN stays valid."""
    visible = set(account.associations.live().values_list("patient", flat=True))
    redundant = [
        registration
        for registration in registrations
        if visible.issuperset(registration.patients.values_list("pk", flat=True))
    ]
    return _end(redundant, Registration.State.SUPERSEDED, by=by, reason=EndCode.MATCHED)


def revoke(registrations: Sequence[Registration], *, by: User, reason: str) -> list[Registration]:
    """Revoke registrations that can still be claimed, because the recipient's access has ended."""
    return _end(registrations, Registration.State.REVOKED, by=by, reason=reason)


def _end(
    registrations: Sequence[Registration], state: Registration.State, *, by: User, reason: EndCode | str
) -> list[Registration]:
    unfinished = Registration.objects.filter(pk__in=[registration.pk for registration in registrations]).unfinished()
    ended = unfinished.end(state, reason=reason, by=by)
    for registration in ended:
        if registration.message:
            outbox.cancel(registration.message)
    return ended
