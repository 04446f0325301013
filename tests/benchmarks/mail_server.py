"""Run an SMTP server that accepts every message. It has its own process so that it does not slow down the benchmark."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.smtp import OK, free_port


class _Accepting:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return OK


@contextmanager
def serving() -> Iterator[int]:
    """Run the server during the block and yield its port."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


if __name__ == "__main__":
    controller = Controller(_Accepting(), hostname="127.0.0.1", port=free_port(), ready_timeout=20)
    controller.start()
    print(controller.port, flush=True)
    threading.Event().wait()
