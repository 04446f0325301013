from collections.abc import Callable
from typing import Any

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = "Registrations"

    def ready(self) -> None:
        from portal.models import User
        from portal.signals import home_url_requested, portal_statuses_needed, worker_idle
        from registration.access import accounts, age_limit, reminders
        from registration.claiming import one_time_codes, rate_limits
        from registration.issuing import lifecycle, pin_display
        from registration.matching import likely_patients

        def end_due_registrations(**_: Any) -> None:
            lifecycle.end_due()

        idle_jobs = (
            lifecycle.expire_due,
            lifecycle.revoke_ineligible,
            pin_display.delete_expired,
            age_limit.send_advance_notices,
            age_limit.apply_age_limit,
            reminders.send_due,
            likely_patients.refresh_likely,
            rate_limits.delete_old,
            one_time_codes.delete_old,
        )

        def family_home(*, user: User, **_: Any) -> str | None:
            return "/family/" if accounts.for_user(user) else None

        portal_statuses_needed.connect(end_due_registrations, weak=False, dispatch_uid="registration")
        home_url_requested.connect(family_home, weak=False, dispatch_uid="registration")
        for job in map(_as_receiver, idle_jobs):
            worker_idle.connect(job, weak=False, dispatch_uid=job.__name__)


def _as_receiver(job: Callable[[], None]) -> Callable[..., None]:
    """Wrap a job so that the `worker_idle` signal can call it."""

    def receive(**_: Any) -> None:
        job()

    receive.__name__ = f"{job.__module__}.{job.__name__}"  # The worker logs this name.
    return receive
