"""Claim an opened registration for an account, in one transaction and only once. OWASP ASVS 5.0 2.3.4.

Locks are taken in this order: patients, registrations, messages, the practice's audit trail, the installation's audit
trail.
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
from registration.claiming.failed_attempts import FailureReason
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
def claim(key: VerifiedKey, *, account: PortalAccount, relationship: str, actor: Actor) -> list[Association]:
    """Give the account access to the confirmed children. If it raises NotClaimable, nothing has changed."""
    registration = _get_registration_for(account, key)
    locked = portal_status.lock(registration.practice, list(registration.patients.all()))
    now = timezone.now()
    confirmed = _confirmed_and_eligible(locked, key, registration, account)
    _mark_claimed(registration, key, account=account, at=now)
    resends = _supersede_resends(registration, at=now)
    granted, new = _grant_access(registration, confirmed, account=account, relationship=relationship)
    _end_declines(confirmed, actor=actor, at=now)
    portal_status.refresh(locked)
    _cancel_messages([registration, *resends])
    if new:
        account_notices.access_given(association=new[0])
    _record_claim(registration, new, account=account, actor=actor)
    return granted


@transaction.atomic
def claim_with_new_account(
    key: VerifiedKey, details: accounts.Details, *, relationship: str, address: str | None
) -> PortalAccount:
    """Create the account and claim the registration for it, or do neither. Raises NotClaimable and accounts.EmailTaken."""
    get_registration(key)
    account = accounts.make(details)
    claim(key, account=account, relationship=relationship, actor=accounts.actor_for(account, address))
    accounts.record_created(account, address=address)
    return account


def confirm_later(
    registration: Registration, patient_id: UUID, birth_date: date, *, account: PortalAccount, address: str | None
) -> Association:
    """Add a child that the family left for later when it claimed the registration.

    This is possible until the date on which the registration would have expired. Raises WrongBirthDate, NotClaimable
    and TooManyAttempts.
    """
    is_claimed_by_account = registration.state == State.CLAIMED and registration.claimed_by_id == account.pk
    if not is_claimed_by_account or registration.expires_at <= timezone.now():
        raise NotClaimable
    is_correct = patient_id in patients_born_on(registration, birth_date)
    if not record_attempt(registration, FailureReason.WRONG_BIRTH_DATE, is_correct=is_correct, address=address):
        raise WrongBirthDate
    return _add_patient(registration, patient_id, account=account, address=address)


# --- The steps of a claim ---


def _get_registration_for(account: PortalAccount, key: VerifiedKey) -> Registration:
    """Return the registration that the key opened, unless it was offered to a different account."""
    registration = get_registration(key)
    if registration.account_id and registration.account_id != account.pk:
        raise NotClaimable
    return registration


def _confirmed_and_eligible(
    patients: Sequence[Patient], key: VerifiedKey, registration: Registration, account: PortalAccount
) -> list[Patient]:
    confirmed = [
        patient
        for patient in patients
        if patient.pk in key.confirmed_patient_ids and _is_still_eligible(patient, registration, account)
    ]
    if not confirmed:
        raise NotClaimable
    return confirmed


def _mark_claimed(registration: Registration, key: VerifiedKey, *, account: PortalAccount, at: datetime) -> None:
    """Mark the registration as claimed with a conditional update, so that only one of two simultaneous claims succeeds."""
    if not key.answered or not claimable(key).update(state=State.CLAIMED, ended_at=at, claimed_by=account):
        raise NotClaimable
    PinDisplay.objects.filter(registration=registration).delete()


def _supersede_resends(registration: Registration, *, at: datetime) -> list[Registration]:
    """Supersede the registration that this one replaces, and any resends of this one."""
    resends = Registration.objects.unfinished().filter(Q(pk=registration.replaces_id) | Q(replaces=registration))
    return resends.end(State.SUPERSEDED, reason=EndCode.RESEND_CLAIMED, at=at)


def _grant_access(
    registration: Registration, patients: Sequence[Patient], *, account: PortalAccount, relationship: str
) -> tuple[list[Association], list[Association]]:
    """Return the account's associations with the patients, and which of the associations are new."""
    granted = [_associate(registration, patient, account=account, relationship=relationship) for patient in patients]
    return [association for association, _ in granted], [association for association, is_new in granted if is_new]


def _end_declines(patients: Sequence[Patient], *, actor: Actor, at: datetime) -> None:
    """End open declines, because the family now has an account."""
    for patient in patients:
        patient.declines.live().update(ended_at=at, ended_by=actor.user)


def _cancel_messages(registrations: Sequence[Registration]) -> None:
    for registration in registrations:
        if registration.message:
            outbox.cancel(registration.message)


def _record_claim(
    registration: Registration, new: Sequence[Association], *, account: PortalAccount, actor: Actor
) -> None:
    registration.record(Action.REGISTRATION_CLAIMED, actor=actor, account=account.name)
    for association in new:
        _record_access(association, actor=actor)


# --- Shared with children that are added later ---


@transaction.atomic
def _add_patient(
    registration: Registration, patient_id: UUID, *, account: PortalAccount, address: str | None
) -> Association:
    actor = accounts.actor_for(account, address)
    locked = portal_status.lock(registration.practice, list(registration.patients.filter(pk=patient_id)))
    eligible = [patient for patient in locked if _is_still_eligible(patient, registration, account)]
    # Access that ended, for example because staff removed it, does not come back without the practice.
    if not eligible or account.associations.filter(patient__in=eligible).exists():
        raise NotClaimable
    earlier = registration.associations.filter(account=account).order_by("since").first()
    relationship = earlier.relationship if earlier else Association.Relationship.OTHER
    association, _ = _associate(registration, eligible[0], account=account, relationship=relationship)
    _end_declines(eligible, actor=actor, at=timezone.now())
    portal_status.refresh(eligible)
    account_notices.access_given(association=association)
    _record_access(association, actor=actor)
    return association


def _is_still_eligible(patient: Patient, registration: Registration, account: PortalAccount) -> bool:
    """Return False if something that happened after the registration was issued rules out the claim.

    The patient may have died, become inactive or reached the age limit. The family may have declined, the contact may
    have lost authority, or staff may have removed the access.
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
