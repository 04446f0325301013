"""Whether anything is being sent: workers stamp a row, and the desk is told before it promises a message.

To install or update (`migrate`, with which `manage.py serve` begins, too) counts as a worker that was seen: whoever does
it starts one next. So nothing is said while the first worker is still starting.
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
    """A worker is at work. To be said every `EVERY`."""
    now = timezone.now()
    if not WorkerHeartbeat.objects.filter(pk=_ROW).update(at=now):
        WorkerHeartbeat.objects.bulk_create([WorkerHeartbeat(pk=_ROW, at=now)], ignore_conflicts=True)


def is_missed() -> bool:
    """Whether no worker was seen for so long that messages wait."""
    return WorkerHeartbeat.objects.filter(pk=_ROW, at__lt=timezone.now() - MISSED_AFTER).exists()


def seed_after_migrate(sender: AppConfig, *, using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_: Any) -> None:
    """After `migrate`."""
    try:
        rows = apps.get_model("notifications", "WorkerHeartbeat").objects.using(using)
    except LookupError:  # migrated back to before there was one
        return
    rows.update_or_create(pk=_ROW, defaults={"at": timezone.now()})
