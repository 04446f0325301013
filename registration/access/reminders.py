"""Who has access until a day is reminded 14 and 3 days before it, once each."""

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

_BATCH: Final = 500


def send_due() -> None:
    for practice in Practice.objects.all():
        for association in ending_soon(practice).filter(reminded__lt=len(REMINDER_DAYS))[:_BATCH]:
            _send(association, practice)


def ending_soon(practice: Practice) -> AssociationQuerySet:
    """Access that ends in the next 14 days, what ends first first."""
    until = midnight_after(practice.today() + timedelta(days=REMINDER_DAYS[0]), practice=practice)
    rows = Association.objects.for_practice(practice).live().filter(ends_at__lte=until)
    return rows.select_related("account__user", "patient__practice").order_by("ends_at")


def _send(association: Association, practice: Practice) -> None:
    """Whoever got access after the moment of a reminder knows the day: only the count moves then."""
    assert association.ends_at is not None, "only what ends is listed"
    last = practice.last_day(association.ends_at)
    due = reminders_due(last, practice=practice)
    if association.reminded >= due:
        return
    with transaction.atomic():
        portal_status.lock(practice, [association.patient])
        unchanged = Association.objects.filter(pk=association.pk, reminded=association.reminded)
        if not unchanged.filter(ends_at=association.ends_at).live().update(reminded=due):
            return
        told_from = last - timedelta(days=REMINDER_DAYS[due - 1])
        is_news = association.since.astimezone(practice.zone).date() <= told_from
        if is_news and account_notices.access_ends_soon(association=association, on=last):
            record(Action.REMINDED, association, actor=audit.CLOCK, on=last.isoformat())
