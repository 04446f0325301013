from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Practices and people"

    def ready(self) -> None:
        from portal import checks, database_maintenance, sessions, sign_in
        from portal.signals import worker_idle

        checks.listen()
        sign_in.listen()
        worker_idle.connect(sessions.delete_expired, dispatch_uid="sessions")
        worker_idle.connect(database_maintenance.optimize, dispatch_uid="database_maintenance")
