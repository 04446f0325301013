from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from registration.demo import seed, staff


class Command(BaseCommand):
    help = "Fill the demo database with two practices and fictitious patients, and print the staff accounts."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo accounts have publicly known passwords. To create them, set DEMO=True.")
        seed.seed()
        accounts = staff.accounts()
        role_width = max(len(role) for role, _, _ in accounts)
        email_width = max(len(email) for _, email, _ in accounts)
        for role, email, password in accounts:
            self.stdout.write(f"{role:{role_width}}  {email:{email_width}}  {password}")
