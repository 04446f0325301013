"""An account claims what a key has opened: one transaction, one account, once. OWASP ASVS 5.0 2.3.4.

Locks: patients, registrations, messages, the audit trail; the installation's chain of it last.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notifications import outbox
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from registration.access import accounts, associations, portal_status, removals
from registration.claiming.verification import (
    NotClaimable,
    VerifiedKey,
    WrongBirthDate,
    claimable,
    get_registration,
    patients_born_on,
    record_attempt,
)
from registration.communications import account_notices
from registration.issuing import lifecycle
from registration.models import Association, EndCode, PinDisplay, PortalAccount, Registration

State = Registration.State


@transaction.atomic
def claim(opened: VerifiedKey, *, account: PortalAccount, relationship: str, actor: Actor) -> list[Association]:
    """Gives the account access to the children that were confirmed. Raises Closed; then nothing has happened."""
    registration = get_registration(opened)
    if registration.account_id and registration.account_id != account.pk:
        raise NotClaimable
    patients = portal_status.lock(registration.practice, list(registration.patients.all()))
    confirmed = [
        each
        for each in patients
        if each.pk in opened.confirmed_patient_ids and _is_still_eligible(each, registration, account)
    ]
    now = timezone.now()
    claimed = {"state": State.CLAIMED, "ended_at": now, "claimed_by": account}
    if not confirmed or not opened.answered or not claimable(opened).update(**claimed):
        raise NotClaimable
    PinDisplay.objects.filter(registration=registration).delete()
    twins = _supersede_resends(registration, at=now)
    given = [_associate(registration, each, account=account, relationship=relationship) for each in confirmed]
    new = [association for association, is_new in given if is_new]
    _end_declines(confirmed, actor=actor, at=now)
    portal_status.refresh(patients)
    for message in [each.message for each in (registration, *twins) if each.message]:
        outbox.cancel(message)
    if new:
        account_notices.access_given(association=new[0])
    registration.record(Action.REGISTRATION_CLAIMED, actor=actor, account=account.name)
    for association in new:
        _record_access(association, actor=actor)
    return [association for association, _ in given]


@transaction.atomic
def claim_with_new_account(
    opened: VerifiedKey, details: accounts.Details, *, relationship: str, address: str | None
) -> PortalAccount:
    """The account and its access, or neither. Raises Closed, accounts.EmailTaken."""
    get_registration(opened)
    account = accounts.make(details)
    claim(opened, account=account, relationship=relationship, actor=accounts.actor_for(account, address))
    accounts.record_created(account, address=address)
    return account


def confirm_later(
    registration: Registration, patient_id: UUID, birth_date: date, *, account: PortalAccount, address: str | None
) -> Association:
    """A child of a claimed registration whose date of birth was not known then, as long as the PIN would have been good.

    Raises NotThisDate, Closed, TooManyTries.
    """
    is_theirs = registration.state == State.CLAIMED and registration.claimed_by_id == account.pk
    if not is_theirs or registration.expires_at <= timezone.now():
        raise NotClaimable
    is_right = patient_id in patients_born_on(registration, birth_date)
    if not record_attempt(registration, address=address, is_right=is_right, why="date of birth"):
        raise WrongBirthDate
    return _add_patient(registration, patient_id, account=account, address=address)


@transaction.atomic
def _add_patient(
    registration: Registration, patient_id: UUID, *, account: PortalAccount, address: str | None
) -> Association:
    actor = accounts.actor_for(account, address)
    patients = portal_status.lock(registration.practice, list(registration.patients.filter(pk=patient_id)))
    fit = [each for each in patients if _is_still_eligible(each, registration, account)]
    if not fit or account.associations.filter(patient__in=fit).exists():
        raise NotClaimable  # what was removed comes back by the practice alone
    earlier = registration.associations.filter(account=account).order_by("since").first()
    relationship = earlier.relationship if earlier else Association.Relationship.OTHER
    association, _ = _associate(registration, fit[0], account=account, relationship=relationship)
    _end_declines(fit, actor=actor, at=timezone.now())
    portal_status.refresh(fit)
    account_notices.access_given(association=association)
    _record_access(association, actor=actor)
    return association


def _is_still_eligible(patient: Patient, registration: Registration, account: PortalAccount) -> bool:
    """Not somebody who has died or left since, nor who has come of the age at which a parent has to be asked about.

    And what the desk has written down since holds: that the family declines, that the contact may not see the record,
    that access was taken away.
    """
    practice = registration.practice
    if lifecycle.contact_lost_authority(registration, patient) or removals.was_removed_since(
        registration, patient, account=account
    ):
        return False
    if patient.declines.live().filter(at__gt=registration.issued_at).exists():
        return False
    issued_on = registration.issued_at.astimezone(practice.zone).date()
    limit = practice.minor_age_limit
    came_of_age = patient.age(on=issued_on) < limit <= patient.age(on=practice.today())
    return patient.active and not patient.deceased and not came_of_age


def _supersede_resends(registration: Registration, *, at: datetime) -> list[Registration]:
    """What was sent to the same person again, or before: the key that was used ends the others."""
    twins = Registration.objects.unfinished().filter(Q(pk=registration.replaces_id) | Q(replaces=registration))
    return twins.end(State.SUPERSEDED, reason=EndCode.RESEND_CLAIMED, at=at)


def _associate(
    registration: Registration, patient: Patient, *, account: PortalAccount, relationship: str
) -> tuple[Association, bool]:
    last_day = registration.access_ends_on
    return associations.grant(
        account,
        patient,
        relationship=relationship,
        level=registration.level,
        registration=registration,
        authorization=registration.authorization,
        ends_at=associations.midnight_after(last_day, practice=registration.practice) if last_day else None,
    )


def _end_declines(patients: Sequence[Patient], *, actor: Actor, at: datetime) -> None:
    """Who has an account now does not decline any more."""
    for patient in patients:
        patient.declines.live().update(ended_at=at, ended_by=actor.user)


def _record_access(association: Association, *, actor: Actor) -> None:
    audit.record(
        Action.ACCESS_GIVEN,
        actor=actor,
        practice=association.patient.practice,
        patient=association.patient_id,
        details={
            "to": association.account.name,
            "relationship": association.get_relationship_display(),
            "level": association.level,
        },
    )
