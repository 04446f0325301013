"""Apply the age limit: the 18th birthday, or another minor age limit that the practice sets.

Thirty days before the birthday, `send_advance_notices` notifies everyone whose access will change. On the birthday,
`apply_age_limit` does what `Practice.at_minor_age_limit` says to the access of everyone except the patient: it ends the
access, ends the access until staff renew it, or limits the access. Each person's access is changed only once, and staff
can restore it. Source: 45 CFR 164.502(g)(3). A parent is a minor's personal representative; adults decide for
themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from portal import audit
from portal.audit import Action
from portal.models import Practice
from registration.access import portal_status
from registration.access.associations import record
from registration.communications import account_notices
from registration.models import AccessLevel, Association
from registration.models.access import AssociationQuerySet

AtAgeLimit = Practice.AtAgeLimit

NOTICE_PERIOD: Final = timedelta(days=30)
WORKLIST_PERIOD: Final = timedelta(days=90)
_BATCH_SIZE: Final = 500


@dataclass(frozen=True)
class UpcomingBirthday:
    """A birthday on the worklist, with the access that will change on that day."""

    patient: Patient
    birthday: date
    associations: list[Association]


def birthday(born: date, years: int) -> date:
    """Return the date on which a person reaches an age in years, as `patients.dates.age` counts them.

    >>> birthday(date(2008, 2, 29), 18), birthday(date(2008, 2, 29), 20), birthday(date(2008, 3, 5), 18)
    (datetime.date(2026, 3, 1), datetime.date(2028, 2, 29), datetime.date(2026, 3, 5))
    """
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def latest_birth(on: date, years: int) -> date:
    """Return the latest date of birth at which a person is at least this many years old on a date.

    >>> latest_birth(date(2026, 2, 28), 18), latest_birth(date(2026, 3, 1), 18), latest_birth(date(2028, 2, 29), 18)
    (datetime.date(2008, 2, 28), datetime.date(2008, 3, 1), datetime.date(2010, 2, 28))
    """
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return date(on.year - years, 2, 28)


def send_advance_notices() -> None:
    """Notify each account once, 30 days before its access changes. Skip suppressed addresses."""
    for practice in Practice.objects.all():
        # No batch limit: suppressed addresses stay in this list and would fill every batch.
        for association in _reaching_limit(practice, within=NOTICE_PERIOD).filter(age_limit_notice_sent=False):
            _send_notice(association, practice)


def apply_age_limit() -> None:
    """End or limit access as the practice has set, once for each person other than the patient."""
    for practice in Practice.objects.all():
        for association in _at_limit(practice)[:_BATCH_SIZE]:
            _apply_to(association, practice)


def upcoming_birthdays(practice: Practice) -> Iterator[UpcomingBirthday]:
    """Return the birthdays in the next 90 days on which access changes, soonest first."""
    rows = _reaching_limit(practice, within=WORKLIST_PERIOD)
    for patient, associations in groupby(rows, key=lambda association: association.patient):
        yield UpcomingBirthday(patient, birthday(patient.birth_date, practice.minor_age_limit), list(associations))


def _send_notice(association: Association, practice: Practice) -> None:
    with transaction.atomic():
        portal_status.lock(practice, [association.patient])
        unnotified = Association.objects.filter(
            pk=association.pk, age_limit_notice_sent=False, past_age_limit=False
        ).live()
        on = birthday(association.patient.birth_date, practice.minor_age_limit)
        if unnotified.exists() and account_notices.age_limit_coming(association=association, on=on):
            unnotified.update(age_limit_notice_sent=True)
            record(Action.TOLD_OF_AGE_LIMIT, association, actor=audit.CLOCK, on=on.isoformat())


def _apply_to(association: Association, practice: Practice) -> None:
    ends = practice.at_minor_age_limit != AtAgeLimit.LIMITED
    with transaction.atomic():
        patients = portal_status.lock(practice, [association.patient])
        if not _at_limit(practice).filter(pk=association.pk).update(**_change(practice)):
            return
        association.refresh_from_db()
        portal_status.refresh(patients)
        account_notices.age_limit_reached(association=association)
        action = Action.ACCESS_ENDED if ends else Action.ACCESS_LIMITED
        record(action, association, actor=audit.CLOCK, reason="minor age limit")


def _change(practice: Practice) -> dict[str, Any]:
    if practice.at_minor_age_limit == AtAgeLimit.LIMITED:
        return {"past_age_limit": True, "level": AccessLevel.LIMITED}
    needs_renewal = practice.at_minor_age_limit == AtAgeLimit.RENEWAL
    ending = Association.Ending.RENEWAL if needs_renewal else Association.Ending.AGE
    return {"past_age_limit": True, "ended_at": timezone.now(), "ending": ending, "end_reason": ""}


def _at_limit(practice: Practice) -> AssociationQuerySet:
    latest = latest_birth(practice.today(), practice.minor_age_limit)
    return _parent_associations(practice).filter(patient__birth_date__lte=latest)


def _reaching_limit(practice: Practice, *, within: timedelta) -> AssociationQuerySet:
    """Find access whose patient reaches the age limit within this period, ordered by birthday."""
    now = latest_birth(practice.today(), practice.minor_age_limit)
    then = latest_birth(practice.today() + within, practice.minor_age_limit)
    return _parent_associations(practice).filter(patient__birth_date__gt=now, patient__birth_date__lte=then)


def _parent_associations(practice: Practice) -> AssociationQuerySet:
    """Find live access, except patients' own, to which the age limit has not been applied."""
    rows = Association.objects.for_practice(practice).live().filter(past_age_limit=False)
    rows = rows.exclude(relationship=Association.Relationship.SELF).select_related("account__user", "patient__practice")
    return rows.order_by("patient__birth_date", "patient_id", "since", "pk")
