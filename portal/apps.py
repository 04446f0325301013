from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Practices and people"

    def ready(self) -> None:
        from portal import checks, sign_in

        checks.listen()
        sign_in.listen()
