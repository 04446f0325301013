from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from registration.demo import seed, staff


class Command(BaseCommand):
    help = "Fills the demo with two practices of people who do not exist, and says who may sign in."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo: its accounts have passwords that everybody knows. Set DEMO=True.")
        seed.seed()
        accounts = staff.accounts()
        role_width = max(len(role) for role, _, _ in accounts)
        email_width = max(len(email) for _, email, _ in accounts)
        for role, email, password in accounts:
            self.stdout.write(f"{role:{role_width}}  {email:{email_width}}  {password}")
