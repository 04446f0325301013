import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications import delivery


class Command(BaseCommand):
    help = (
        "Send the messages in the outbox until stopped (SIGTERM or Ctrl-C). Several workers can run at the same time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send the messages due now, then exit")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        count = delivery.run(stop=stop, once=once)
        if once:
            self.stdout.write(f"{count} message{'' if count == 1 else 's'} processed.")
