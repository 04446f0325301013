"""Detect that no delivery worker is running, so that staff are warned before they send a message.

Workers update a row as they run. So does `migrate`, which `manage.py serve` runs first, because a worker starts right
after an install or update. Staff therefore see no warning while that worker is starting.
"""

from datetime import timedelta
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from notifications.models import WorkerHeartbeat

EVERY: Final = timedelta(seconds=15)
MISSED_AFTER: Final = timedelta(minutes=2)
_ROW: Final = 1


def beat() -> None:
    """Record that a worker is running. Call this every `EVERY`."""
    now = timezone.now()
    if not WorkerHeartbeat.objects.filter(pk=_ROW).update(at=now):
        WorkerHeartbeat.objects.bulk_create([WorkerHeartbeat(pk=_ROW, at=now)], ignore_conflicts=True)


def is_missed() -> bool:
    """Return True if no worker has run for `MISSED_AFTER`. If no worker was ever recorded, return False."""
    return WorkerHeartbeat.objects.filter(pk=_ROW, at__lt=timezone.now() - MISSED_AFTER).exists()


def seed_after_migrate(sender: AppConfig, *, using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_: Any) -> None:
    """Count a migration as a running worker (a `post_migrate` receiver)."""
    try:
        rows = apps.get_model("notifications", "WorkerHeartbeat").objects.using(using)
    except LookupError:  # the migration that creates the table was reversed
        return
    rows.update_or_create(pk=_ROW, defaults={"at": timezone.now()})
