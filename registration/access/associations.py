"""Grant, remove, restore and end families' access, and reset the sign-in of a family that lost a passkey.

Each function is one transaction. It takes locks in the order that `issuing.registrations` describes.
"""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import Membership, Practice, User
from registration.access import outstanding, portal_status
from registration.communications import account_notices
from registration.models import Association, Identification, PortalAccount, Registration, SelfRegistration
from registration.values import Refused

Ending = Association.Ending

REMINDER_DAYS: Final = (14, 3)  # days before the last day of access

# A later end date must be a typing mistake. Dates near the year 9999 would also overflow.
MAX_SCHEDULED_END: Final = timedelta(days=30 * 366)
_BATCH_SIZE: Final = 500


def midnight_after(day: date, *, practice: Practice) -> datetime:
    """Return when access with this last day ends: at the following midnight, in the practice's time zone."""
    return datetime.combine(day + timedelta(days=1), time(), practice.zone)


def reminders_due(last: date, *, practice: Practice) -> int:
    """Return how many reminders should have been sent by today for access that ends on this day."""
    return sum((last - practice.today()).days <= days for days in REMINDER_DAYS)


def grant(
    account: PortalAccount,
    patient: Patient,
    *,
    relationship: str,
    level: str,
    registration: Registration | None = None,
    self_registration: SelfRegistration | None = None,
    authorization: str = "",
    ends_at: datetime | None = None,
) -> tuple[Association, bool]:
    """Return the account's access to the patient, and whether that access is new. Call in a transaction that locked the patient.

    The age limit never ends a patient's own access, or access granted after the patient reached the limit.
    """
    open_row = Association.objects.filter(account=account, patient=patient, ended_at=None).first()
    if open_row and open_row.is_live and authorization and open_row.authorization:
        return _renew(open_row, level, registration, authorization, ends_at), True
    if open_row and open_row.is_live:
        return open_row, False
    if open_row:  # It reached its end date, and `end_due` has not run since.
        Association.objects.filter(pk=open_row.pk).update(ended_at=open_row.ends_at, ending=Association.Ending.DATE)
    practice = patient.practice
    is_own = relationship == Association.Relationship.SELF
    association = Association.objects.create(
        account=account,
        patient=patient,
        relationship=relationship,
        level=level,
        registration=registration,
        self_registration=self_registration,
        authorization=authorization,
        ends_at=ends_at,
        past_age_limit=is_own or patient.age(on=practice.today()) >= practice.minor_age_limit,
    )
    return association, True


def _renew(
    proxy: Association, level: str, registration: Registration | None, authorization: str, ends_at: datetime | None
) -> Association:
    """Extend a proxy's access under the new authorization, until the new end date."""
    proxy.level, proxy.registration = level, registration
    proxy.authorization, proxy.ends_at = authorization, ends_at
    proxy.reminded, proxy.ended_by, proxy.end_reason = 0, None, ""
    proxy.save(
        update_fields=["level", "registration", "authorization", "ends_at", "reminded", "ended_by", "end_reason"]
    )
    return proxy


@transaction.atomic
def remove(association: Association, *, reason: str, on: date | None, actor: Actor) -> bool:
    """End access now, or at the end of the day `on`. Return False if the access had already ended.

    Raises Refused if that day has passed, or if the access ends before that day anyway.
    """
    by = actor.require_user()
    patients = outstanding.lock_affected_patients(association.account, association.patient)
    association.refresh_from_db()
    ending = _scheduled_end(association, on) if on else _immediate_end(association)
    live = Association.objects.filter(pk=association.pk).live()
    if not live.update(**ending, ended_by=by, end_reason=reason):
        return False
    association.refresh_from_db()
    revoked = [] if on else _revoke_outstanding(association, by=by)
    portal_status.refresh(patients)
    if on:
        account_notices.access_ends_soon(association=association, on=on)
    else:
        account_notices.access_removed(association=association)
    for registration in revoked:
        registration.record(Action.REGISTRATION_REVOKED, actor=actor, reason=reason)
    record(Action.ACCESS_REMOVED, association, actor=actor, reason=reason, on=on.isoformat() if on else "")
    return True


def _revoke_outstanding(association: Association, *, by: User) -> list[Registration]:
    """Revoke the person's unclaimed registrations, because claiming one would restore the access."""
    registrations = outstanding.outstanding_for(association.account, association.patient)
    return outstanding.revoke(registrations, by=by, reason=association.end_reason)


def is_removal_scheduled(association: Association) -> bool:
    """Return True if staff set a future day on which this access ends."""
    return association.is_live and association.ended_by_id is not None


@transaction.atomic
def restore(association: Association, *, reason: str, actor: Actor) -> None:
    """Restore access that ended, or cancel a scheduled removal. Raises Refused.

    This does not reapply the age limit. The staff who restore access can see the patient's age.
    """
    patients = _lock(association)
    association = Association.objects.select_related("account__user", "patient__practice").get(pk=association.pk)
    if refusal := restore_refusal(association):
        raise Refused(refusal)
    Association.objects.filter(pk=association.pk).update(
        ended_at=None,
        ended_by=None,
        ending="",
        end_reason="",
        reminded=0,
        ends_at=_original_end(association),
        past_age_limit=is_past_age_limit(association) or association.relationship == Association.Relationship.SELF,
    )
    association.refresh_from_db()
    portal_status.refresh(patients)
    account_notices.access_restored(association=association)
    record(Action.ACCESS_RESTORED, association, actor=actor, reason=reason)


def is_past_age_limit(association: Association) -> bool:
    practice = association.patient.practice
    return association.patient.age(on=practice.today()) >= practice.minor_age_limit


def restore_refusal(association: Association) -> str | None:
    """Return the reason, worded for staff, that this access cannot be restored, or None if it can be."""
    name, patient = association.account.name, association.patient
    if association.is_live and not is_removal_scheduled(association):
        return f"{name} has access. There is nothing to restore."
    others = Association.objects.filter(account=association.account, patient=patient, ended_at=None)
    if others.exclude(pk=association.pk).exists():
        return f"{name} already has access from a later registration."
    if patient.deceased:
        return "This patient is recorded as deceased, so access cannot be restored."
    if not patient.active:
        return "This patient is inactive. Mark the patient active in the record before you restore access."
    own_end = _original_end(association)
    if own_end and own_end <= timezone.now():
        day = patient.practice.last_day(own_end)
        return f"This access was granted until {day:%m/%d/%Y}. To extend it, add {name} as a proxy again."
    return None


@transaction.atomic
def reset_sign_in(account: PortalAccount, *, identified_by: str, practice: Practice, actor: Actor) -> int:
    """Remove all passkeys from an account whose owner lost a device, and sign the account out everywhere.

    Return the number of passkeys removed. Recovery codes and the password still work, and the password can be reset by
    email. `identified_by` is an Identification: how staff verified the caller's identity. Raises Refused if this
    practice may not reset the account.
    """
    actor.require_user()
    account = PortalAccount.objects.select_for_update(of=("self",)).select_related("user").get(pk=account.pk)
    if refusal := reset_refusal(account, practice=practice):
        raise Refused(refusal)
    passkeys = Authenticator.objects.filter(user=account.user, type=Authenticator.Type.WEBAUTHN)
    passkey_count = int(passkeys.delete()[0])
    for session in UserSession.objects.filter(user=account.user):
        session.end()
    account_notices.sign_in_reset(account=account, practice=practice)
    for association in account.associations.for_practice(practice).live().order_by("patient_id"):
        label = Identification(identified_by).label
        record(Action.SIGN_IN_RESET, association, actor=actor, identified_by=label, passkeys=passkey_count)
    return passkey_count


def reset_refusal(account: PortalAccount, *, practice: Practice) -> str | None:
    if not account.associations.for_practice(practice).live().exists():
        return f"{account.name} has no access to a patient of this practice."
    if account.user.is_staff or Membership.objects.filter(user=account.user).exists():
        return (
            f"{account.name} works for a practice. Ask the administrator to remove lost passkeys from staff accounts."
        )
    return None


def end_due() -> None:
    """End access that has reached its end date. If no access has, this costs one index lookup."""
    past = Association.objects.filter(ended_at=None, ends_at__lte=timezone.now())
    rows = past.select_related("patient__practice", "account__user", "ended_by").order_by("ends_at")
    while batch := list(rows[:_BATCH_SIZE]):
        for association in batch:
            _end_by_date(association)


def _end_by_date(association: Association) -> None:
    with transaction.atomic():
        patients = outstanding.lock_affected_patients(association.account, association.patient)
        due = Association.objects.filter(pk=association.pk, ended_at=None, ends_at__lte=timezone.now())
        if due.update(ended_at=F("ends_at"), ending=Ending.DATE):
            revoked = _revoke_outstanding(association, by=association.ended_by) if association.ended_by else []
            portal_status.refresh(patients)
            for registration in revoked:
                registration.record(Action.REGISTRATION_REVOKED, actor=audit.CLOCK, reason=association.end_reason)
            record(Action.ACCESS_ENDED, association, actor=audit.CLOCK, reason=association.end_reason)


def record(action: Action, association: Association, *, actor: Actor, **details: str | int) -> None:
    """Write an audit event for the patient that includes the account's name."""
    patient = association.patient
    all_details = {"association": str(association.pk), "account": association.account.name, **details}
    audit.record(action, actor=actor, practice=patient.practice, patient=patient.pk, details=all_details)


def _lock(association: Association) -> list[Patient]:
    return portal_status.lock(association.patient.practice, [association.patient])


def _immediate_end(association: Association) -> dict[str, Any]:
    return {"ended_at": timezone.now(), "ending": Ending.REMOVED, "ends_at": _original_end(association)}


def _scheduled_end(association: Association, on: date) -> dict[str, Any]:
    practice = association.patient.practice
    if on > practice.today() + MAX_SCHEDULED_END:
        raise Refused("This date is more than 30 years away. Check the year.", field="on")
    if on < practice.today():
        raise Refused("This date is in the past. To end access now, leave it blank.", field="on")
    ends_at = midnight_after(on, practice=practice)
    own_end = _original_end(association)
    if own_end and own_end <= ends_at:
        day = practice.last_day(own_end)
        raise Refused(f"Access already ends on {day:%m/%d/%Y}. Choose an earlier date.", field="on")
    # Today's notice replaces the reminders that are already due.
    return {"ends_at": ends_at, "reminded": reminders_due(on, practice=practice)}


def _original_end(association: Association) -> datetime | None:
    """Return when access would end if staff had not scheduled a removal, which overwrites `ends_at`."""
    granted_until = association.registration and association.registration.access_ends_on
    if granted_until:
        return midnight_after(granted_until, practice=association.patient.practice)
    was_scheduled = association.ended_by_id is not None and association.ending != Ending.REMOVED
    return None if was_scheduled else association.ends_at
