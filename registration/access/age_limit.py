"""The minor age limit: on a birthday that the practice sets, what parents may see changes, once, and they are told before.

45 CFR 164.502(g)(3): a parent speaks for a minor; who is of age speaks for themselves.
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
NEEDS_RENEWAL: Final = "Needs renewal: the patient has come of age."
_BATCH: Final = 500


@dataclass(frozen=True)
class UpcomingBirthday:
    """A birthday of the worklist, and whose access it changes."""

    patient: Patient
    birthday: date
    associations: list[Association]


def birthday(born: date, years: int) -> date:
    """The day on which somebody is so many years old (`patients.dates.age`).

    >>> birthday(date(2008, 2, 29), 18), birthday(date(2008, 2, 29), 20), birthday(date(2008, 3, 5), 18)
    (datetime.date(2026, 3, 1), datetime.date(2028, 2, 29), datetime.date(2026, 3, 5))
    """
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def latest_birth(on: date, years: int) -> date:
    """The latest date of birth with which somebody is so many years old on that day.

    >>> latest_birth(date(2026, 2, 28), 18), latest_birth(date(2026, 3, 1), 18), latest_birth(date(2028, 2, 29), 18)
    (datetime.date(2008, 2, 28), datetime.date(2008, 3, 1), datetime.date(2010, 2, 28))
    """
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return date(on.year - years, 2, 28)


def send_advance_notices() -> None:
    """Tells everybody, once, whose access changes in the next 30 days; who asked for nothing more stays untold."""
    for practice in Practice.objects.all():
        # All of them: those who asked for nothing more stay, and would leave no room for the others.
        for association in _reaching_limit(practice, within=NOTICE_PERIOD).filter(age_limit_notice_sent=False):
            _send_notice(association, practice)


def apply_age_limit() -> None:
    """Does to parents' access what the practice set for the birthday; to each association once, whatever the clock does."""
    for practice in Practice.objects.all():
        for association in _at_limit(practice)[:_BATCH]:
            _apply_to(association, practice)


def upcoming_birthdays(practice: Practice) -> Iterator[UpcomingBirthday]:
    """The birthdays of the next 90 days that change somebody's access, the next one first."""
    rows = _reaching_limit(practice, within=WORKLIST_PERIOD)
    for patient, associations in groupby(rows, key=lambda each: each.patient):
        yield UpcomingBirthday(patient, birthday(patient.birth_date, practice.minor_age_limit), list(associations))


def _send_notice(association: Association, practice: Practice) -> None:
    with transaction.atomic():
        portal_status.lock(practice, [association.patient])
        untold = Association.objects.filter(pk=association.pk, age_limit_notice_sent=False, past_age_limit=False).live()
        on = birthday(association.patient.birth_date, practice.minor_age_limit)
        if untold.exists() and account_notices.age_limit_coming(association=association, on=on):
            untold.update(age_limit_notice_sent=True)
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
    why = NEEDS_RENEWAL if practice.at_minor_age_limit == AtAgeLimit.RENEWAL else ""
    ended = {"ended_at": timezone.now(), "ending": Association.Ending.AGE, "end_reason": why}
    return {"past_age_limit": True, **ended}


def _at_limit(practice: Practice) -> AssociationQuerySet:
    latest = latest_birth(practice.today(), practice.minor_age_limit)
    return _parent_associations(practice).filter(patient__birth_date__lte=latest)


def _reaching_limit(practice: Practice, *, within: timedelta) -> AssociationQuerySet:
    """Those whose patient is not yet so old, and will be; in the order of birthdays."""
    now = latest_birth(practice.today(), practice.minor_age_limit)
    then = latest_birth(practice.today() + within, practice.minor_age_limit)
    return _parent_associations(practice).filter(patient__birth_date__gt=now, patient__birth_date__lte=then)


def _parent_associations(practice: Practice) -> AssociationQuerySet:
    """Everybody's access but the patients' own, to which the age limit has still to be applied."""
    rows = Association.objects.for_practice(practice).live().filter(past_age_limit=False)
    rows = rows.exclude(relationship=Association.Relationship.SELF).select_related("account__user", "patient__practice")
    return rows.order_by("patient__birth_date", "patient_id", "since", "pk")
