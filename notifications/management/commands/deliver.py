import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications import delivery


class Command(BaseCommand):
    help = (
        "Delivers what is in the outbox, until it is told to stop (SIGTERM, Ctrl-C). Any number may run side by side."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="deliver what is due now, then end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        taken = delivery.run(stop=stop, once=once)
        if once:
            self.stdout.write(f"{taken} message{'' if taken == 1 else 's'} taken up.")
