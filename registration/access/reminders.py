"""Remind people that their access will end: once 14 days before the end, and once 3 days before."""

from datetime import timedelta
from typing import Final

from django.db import transaction

from portal import audit
from portal.audit import Action
from portal.models import Practice
from registration.access import portal_status
from registration.access.associations import REMINDER_DAYS, midnight_after, record, reminders_due
from registration.communications import account_notices
from registration.models import Association
from registration.models.access import AssociationQuerySet

_BATCH_SIZE: Final = 500


def send_due() -> None:
    for practice in Practice.objects.all():
        for association in ending_soon(practice).filter(reminded__lt=len(REMINDER_DAYS))[:_BATCH_SIZE]:
            _send(association, practice)


def ending_soon(practice: Practice) -> AssociationQuerySet:
    """Find access that ends in the next 14 days, soonest first."""
    until = midnight_after(practice.today() + timedelta(days=REMINDER_DAYS[0]), practice=practice)
    rows = Association.objects.for_practice(practice).live().filter(ends_at__lte=until)
    return rows.select_related("account__user", "patient__practice").order_by("ends_at")


def _send(association: Association, practice: Practice) -> None:
    """Send the reminder that is due, if any.

    People who got access after the reminder's date already know the end date, so for them only the count is updated.
    """
    assert association.ends_at is not None, "ending_soon returns only access with an end"
    last = practice.last_day(association.ends_at)
    due = reminders_due(last, practice=practice)
    if association.reminded >= due:
        return
    with transaction.atomic():
        portal_status.lock(practice, [association.patient])
        unchanged = Association.objects.filter(pk=association.pk, reminded=association.reminded)
        if not unchanged.filter(ends_at=association.ends_at).live().update(reminded=due):
            return
        reminder_date = last - timedelta(days=REMINDER_DAYS[due - 1])
        is_new_to_them = association.since.astimezone(practice.zone).date() <= reminder_date
        if is_new_to_them and account_notices.access_ends_soon(association=association, on=last):
            record(Action.REMINDED, association, actor=audit.CLOCK, on=last.isoformat())
