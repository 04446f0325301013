from collections.abc import Callable
from typing import Any

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = "Registrations"

    def ready(self) -> None:
        from portal.models import User
        from portal.signals import home_wanted, statuses_wanted, worker_idle
        from registration.access import accounts, age_limit, reminders
        from registration.claiming import one_time_codes, rate_limits
        from registration.issuing import lifecycle, pin_display
        from registration.matching import self_registrations

        def keep_statuses_true(**_: Any) -> None:
            lifecycle.end_what_is_due()

        tidy_ups = (
            lifecycle.expire_due,
            lifecycle.revoke_unfit,
            pin_display.wipe_ended,
            age_limit.warn,
            age_limit.apply,
            reminders.remind,
            self_registrations.refresh_likely,
            rate_limits.forget_old,
            one_time_codes.forget_old,
        )

        def family_home(*, user: User, **_: Any) -> str | None:
            return "/family/" if accounts.of(user) else None

        statuses_wanted.connect(keep_statuses_true, weak=False, dispatch_uid="registration")
        home_wanted.connect(family_home, weak=False, dispatch_uid="registration")
        for job in map(_when_idle, tidy_ups):
            worker_idle.connect(job, weak=False, dispatch_uid=job.__name__)


def _when_idle(job: Callable[[], None]) -> Callable[..., None]:
    def listen(**_: Any) -> None:
        job()

    listen.__name__ = f"{job.__module__}.{job.__name__}"  # by which the worker names it
    return listen
