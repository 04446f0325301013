from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from portal import second_factor


class Command(BaseCommand):
    help = "Encrypt second factors with the newest key in SEALING_KEYS. Safe to run again at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        resealed, lost = 0, 0
        for pk, email in Authenticator.objects.order_by("pk").values_list("pk", "user__email"):
            try:
                resealed += second_factor.reseal(pk)
            except ValueError as error:
                lost += 1
                self.stderr.write(f"{email}: {error}")
        self.stdout.write(f"Re-encrypted {resealed} second factor{pluralize(resealed)}.")
        if lost:
            raise CommandError(
                f"{lost} second factor{pluralize(lost)} could not be decrypted. "
                "Add the old key to SEALING_KEYS, or remove them on the administration pages."
            )
