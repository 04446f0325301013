from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import audit


class Command(BaseCommand):
    help = "Checks that nobody changed or removed a line of the audit trail; exit code 1 where somebody did."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = audit.verify()
        for each in broken:
            self.stderr.write(f"{each.chain}: event {each.number} {each.reason}")
        if broken:
            raise CommandError(f"The audit trail was tampered with in {len(broken)} place{'s'[: len(broken) != 1]}.")
        self.stdout.write("The audit trail holds.")
