"""A real SMTP server for tests. It can accept a message, refuse it temporarily or permanently, or drop the connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.test import override_settings

OK = "250 2.0.0 accepted"


class MailServer:
    """Answer each message with `answer(recipient)`; None drops the connection. `received` lists the accepted messages."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.attempts: list[str] = []
        self.answer: Callable[[str], str | None] = lambda recipient: OK
        self.answer_recipient: Callable[[str], str] = lambda recipient: OK
        self.answer_sender = OK
        self.port = free_port()
        self._lock = threading.Lock()
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server. After a stop, it listens on the same port again."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=20)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    @contextmanager
    def in_settings(self) -> Iterator[None]:
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=self.port,
            EMAIL_TIMEOUT=5,
        ):
            yield

    @property
    def message_ids(self) -> list[str]:
        return [str(message["Message-ID"]) for message in self.received]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd asks for this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self.answer_sender.startswith("250"):
            envelope.mail_from = address
        return self.answer_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd asks for this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        answer = self.answer_recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        recipient = envelope.rcpt_tos[0]
        answer = self.answer(recipient)
        with self._lock:
            self.attempts.append(recipient)
            if answer is not None and answer.startswith("250"):
                assert isinstance(envelope.content, bytes)
                self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        if answer is None:
            assert server.transport is not None
            server.transport.close()
            return "421 closing"
        return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
