from typing import Any

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = "Registrations"

    def ready(self) -> None:
        from portal.signals import statuses_wanted, worker_idle
        from registration import ending, reveals

        def keep_statuses_true(**_: Any) -> None:
            ending.expire_due()

        def tidy_up(**_: Any) -> None:
            ending.expire_due()
            ending.revoke_unfit()
            reveals.wipe_ended()

        statuses_wanted.connect(keep_statuses_true, weak=False, dispatch_uid="registration")
        worker_idle.connect(tidy_up, weak=False, dispatch_uid="registration")
