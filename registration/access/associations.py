"""Access that families have: taken away, given back, ended by its date; and what the desk does about a lost passkey.

Each is one transaction, with the locks in the order that `issuing` takes them in.
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

REMINDER_DAYS: Final = (14, 3)  # days


# Beyond that a day of an end is a slip of the finger; the calendar itself ends with the year 9999.
MAX_SCHEDULED_END: Final = timedelta(days=30 * 366)
_BATCH_SIZE: Final = 500


def midnight_after(day: date, *, practice: Practice) -> datetime:
    """The moment at which access ends whose last day is `day`, in the practice's zone."""
    return datetime.combine(day + timedelta(days=1), time(), practice.zone)


def reminders_due(last: date, *, practice: Practice) -> int:
    """How many reminders are to have gone out by now of access whose last day this is."""
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
    """The access that is there, or a new one; and whether it is new. Within an act that holds the patient.

    Nobody's own access ends by age, nor that which was given when the age had been reached.
    """
    open_row = Association.objects.filter(account=account, patient=patient, ended_at=None).first()
    if open_row and open_row.is_live and authorization and open_row.authorization:
        return _renew(open_row, level, registration, authorization, ends_at), True
    if open_row and open_row.is_live:
        return open_row, False
    if open_row:  # its time has come a moment ago
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
    """A proxy's access goes on under the new paper, until its new day."""
    proxy.level, proxy.registration = level, registration
    proxy.authorization, proxy.ends_at = authorization, ends_at
    proxy.reminded, proxy.ended_by, proxy.end_reason = 0, None, ""
    proxy.save(
        update_fields=["level", "registration", "authorization", "ends_at", "reminded", "ended_by", "end_reason"]
    )
    return proxy


@transaction.atomic
def remove(association: Association, *, reason: str, on: date | None, actor: Actor) -> bool:
    """Ends access at once, or with the end of a day: today, or one to come. False where it had ended already.

    Raises Refused where the day is past, or where access ends before that anyway.
    """
    by = actor.require_user()
    patients = outstanding.lock_affected_patients(association.account, association.patient)
    association.refresh_from_db()
    ending = _scheduled_end(association, on) if on else _immediate_end(association)
    live = Association.objects.filter(pk=association.pk).live()
    if not live.update(**ending, ended_by=by, end_reason=reason):
        return False
    association.refresh_from_db()
    revoked = [] if on else _revoke_keys(association, by=by)
    portal_status.refresh(patients)
    if on:
        account_notices.access_ends_soon(association=association, on=on)
    else:
        account_notices.access_removed(association=association)
    for registration in revoked:
        registration.record(Action.REGISTRATION_REVOKED, actor=actor, reason=reason)
    record(Action.ACCESS_REMOVED, association, actor=actor, reason=reason, on=on.isoformat() if on else "")
    return True


def _revoke_keys(association: Association, *, by: User) -> list[Registration]:
    """Or a key that is out would give back what was taken."""
    out = outstanding.outstanding_for(association.account, association.patient)
    return outstanding.revoke(out, by=by, reason=association.end_reason)


def is_removal_scheduled(association: Association) -> bool:
    """Whether somebody wrote down a later day on which this access ends."""
    return association.is_live and association.ended_by_id is not None


@transaction.atomic
def restore(association: Association, *, reason: str, actor: Actor) -> None:
    """Gives back access that ended, or takes back a removal that is still to come. Raises Refused.

    What the age limit did is not done again: who gives access back knows how old the patient is.
    """
    patients = _lock(association)
    association = Association.objects.select_related("account__user", "patient__practice").get(pk=association.pk)
    if why := restore_refusal(association):
        raise Refused(why)
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
    """A sentence for the desk; None where access can be given back."""
    who, patient = association.account.name, association.patient
    if association.is_live and not is_removal_scheduled(association):
        return f"{who} has access: there is nothing to undo."
    others = Association.objects.filter(account=association.account, patient=patient, ended_at=None)
    if others.exclude(pk=association.pk).exists():
        return f"{who} has access again by a later registration."
    if patient.deceased:
        return "This patient is recorded as deceased. Access cannot be given back."
    if not patient.active:
        return "This patient is inactive. Make the patient active in the record before you give access back."
    own_end = _original_end(association)
    if own_end and own_end <= timezone.now():
        day = patient.practice.last_day(own_end)
        return f"This access was given until {day:%B} {day.day}, {day.year}. To go on, add {who} as a proxy again."
    return None


@transaction.atomic
def reset_sign_in(account: PortalAccount, *, identified_by: str, practice: Practice, actor: Actor) -> int:
    """Takes every passkey off an account whose device is lost, and signs it out everywhere. How many passkeys there were.

    Recovery codes and the passphrase stay, and a new passphrase can be had by e-mail. `identified_by`: an Identification,
    how the desk knew who rang. Raises Refused where this practice may not.
    """
    actor.require_user()
    account = PortalAccount.objects.select_for_update(of=("self",)).select_related("user").get(pk=account.pk)
    if why := reset_refusal(account, practice=practice):
        raise Refused(why)
    passkeys = Authenticator.objects.filter(user=account.user, type=Authenticator.Type.WEBAUTHN)
    number = int(passkeys.delete()[0])
    for session in UserSession.objects.filter(user=account.user):
        session.end()
    account_notices.sign_in_reset(account=account, practice=practice)
    for association in account.associations.for_practice(practice).live().order_by("patient_id"):
        how = Identification(identified_by).label
        record(Action.SIGN_IN_RESET, association, actor=actor, identified_by=how, passkeys=number)
    return number


def reset_refusal(account: PortalAccount, *, practice: Practice) -> str | None:
    if not account.associations.for_practice(practice).live().exists():
        return f"{account.name} has no access to a patient of this practice."
    if account.user.is_staff or Membership.objects.filter(user=account.user).exists():
        return f"{account.name} works for a practice. The administrator takes lost passkeys off staff accounts."
    return None


def end_due() -> None:
    """Ends access whose date has come. One look into an index where there is none."""
    past = Association.objects.filter(ended_at=None, ends_at__lte=timezone.now())
    rows = past.select_related("patient__practice", "account__user", "ended_by").order_by("ends_at")
    while some := list(rows[:_BATCH_SIZE]):  # as in ending.expire_due: by the index
        for association in some:
            _end_by_date(association)


def _end_by_date(association: Association) -> None:
    with transaction.atomic():
        patients = outstanding.lock_affected_patients(association.account, association.patient)
        still = Association.objects.filter(pk=association.pk, ended_at=None, ends_at__lte=timezone.now())
        if still.update(ended_at=F("ends_at"), ending=Ending.DATE):
            revoked = _revoke_keys(association, by=association.ended_by) if association.ended_by else []
            portal_status.refresh(patients)
            for registration in revoked:
                registration.record(Action.REGISTRATION_REVOKED, actor=audit.CLOCK, reason=association.end_reason)
            record(Action.ACCESS_ENDED, association, actor=audit.CLOCK, reason=association.end_reason)


def record(action: Action, association: Association, *, actor: Actor, **details: str | int) -> None:
    """A line of the audit trail of the patient, that says whose access it is."""
    patient = association.patient
    facts = {"association": str(association.pk), "whose": association.account.name, **details}
    audit.record(action, actor=actor, practice=patient.practice, patient=patient.pk, details=facts)


def _lock(association: Association) -> list[Patient]:
    return portal_status.lock(association.patient.practice, [association.patient])


def _immediate_end(association: Association) -> dict[str, Any]:
    return {"ended_at": timezone.now(), "ending": Ending.REMOVED, "ends_at": _original_end(association)}


def _scheduled_end(association: Association, on: date) -> dict[str, Any]:
    practice = association.patient.practice
    if on > practice.today() + MAX_SCHEDULED_END:
        raise Refused("This day is more than thirty years away. Check the year.", field="on")
    if on < practice.today():
        raise Refused("This day is past. Leave it empty to end access at once.", field="on")
    ends_at = midnight_after(on, practice=practice)
    own_end = _original_end(association)
    if own_end and own_end <= ends_at:
        day = practice.last_day(own_end)
        raise Refused(f"Access ends on {day:%B} {day.day}, {day.year} anyway. Choose an earlier day.", field="on")
    return {"ends_at": ends_at, "reminded": reminders_due(on, practice=practice)}  # the letter of today is one, too


def _original_end(association: Association) -> datetime | None:
    """When access ends if nobody removes it: a later removal writes its own moment over `ends_at`."""
    given_until = association.registration and association.registration.access_ends_on
    if given_until:
        return midnight_after(given_until, practice=association.patient.practice)
    was_planned = association.ended_by_id is not None and association.ending != Ending.REMOVED
    return None if was_planned else association.ends_at
