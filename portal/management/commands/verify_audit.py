from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from portal import audit


class Command(BaseCommand):
    help = "Check whether any event in the audit trail was changed or removed. Exits with code 1 if so."

    def handle(self, *args: Any, **options: Any) -> None:
        breaks = audit.verify()
        for found in breaks:
            self.stderr.write(f"{found.chain}: event {found.number} {found.reason}")
        if breaks:
            raise CommandError(f"The audit trail was tampered with in {len(breaks)} place{pluralize(len(breaks))}.")
        self.stdout.write("The audit trail is intact.")
