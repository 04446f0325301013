from collections.abc import Callable
from typing import Any

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = "Registrations"

    def ready(self) -> None:
        from portal.models import User
        from portal.signals import home_wanted, statuses_wanted, worker_idle
        from registration import accounts, coming_of_age, ending, guessing, matching, proofs, reminding, reveals

        def keep_statuses_true(**_: Any) -> None:
            ending.end_what_is_due()

        tidy_ups = (
            ending.expire_due,
            ending.revoke_unfit,
            reveals.wipe_ended,
            coming_of_age.warn,
            coming_of_age.apply,
            reminding.remind,
            matching.refresh_likely,
            guessing.forget_old,
            proofs.forget_old,
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
