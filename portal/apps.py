from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Practices and people"

    def ready(self) -> None:
        from portal import checks, sessions, sign_in, statistics
        from portal.signals import worker_idle

        checks.listen()
        sign_in.listen()
        worker_idle.connect(sessions.delete_expired, dispatch_uid="sessions")
        worker_idle.connect(statistics.keep, dispatch_uid="statistics")
