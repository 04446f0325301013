from django.apps import AppConfig
from django.db.models.signals import post_migrate


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Messages and carriers"

    def ready(self) -> None:
        from notifications import carrier_seed, worker_heartbeat

        post_migrate.connect(carrier_seed.seed, sender=self, dispatch_uid="carriers")
        post_migrate.connect(worker_heartbeat.seed_after_migrate, sender=self, dispatch_uid="heartbeat")
