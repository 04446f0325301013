"""The patient accounts that a staff member opened most recently in each practice."""

from typing import Final

from django.utils import timezone

from patients.models import Patient, RecentlyOpened
from portal.models import Practice, User

MAX_KEPT: Final = 10


def record(patient: Patient, *, user: User) -> None:
    """Record that `user` opened this account now. Keep only the ten accounts opened last."""
    opened = RecentlyOpened.objects.filter(user=user, practice=patient.practice_id)
    # One statement inserts or updates, so that two tabs that open the same account do not conflict.
    RecentlyOpened.objects.bulk_create(
        [RecentlyOpened(user=user, practice_id=patient.practice_id, patient=patient, at=timezone.now())],
        update_conflicts=True,
        unique_fields=["user", "practice", "patient"],
        update_fields=["at"],
    )
    kept = list(opened.order_by("-at", "-pk").values_list("pk", flat=True)[: MAX_KEPT + 1])
    if len(kept) > MAX_KEPT:
        opened.exclude(pk__in=kept[:MAX_KEPT]).delete()


def recently_opened(practice: Practice, *, user: User) -> list[Patient]:
    """Return at most ten patients, most recently opened first."""
    rows = RecentlyOpened.objects.filter(user=user, practice=practice).select_related("patient")
    return [row.patient for row in rows.order_by("-at", "-pk")[:MAX_KEPT]]
