"""Stand in for the families' mailboxes and phones in the demo: a Maildir next to the database."""

import mailbox
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage as OutgoingMail
from django.core.mail.backends.base import BaseEmailBackend


class Backend(BaseEmailBackend):
    """Store every email, like a mail server that accepts everything."""

    def send_messages(self, email_messages: Sequence[OutgoingMail]) -> int:
        box = _box()
        for mail in email_messages:
            box.add(mail.message().as_bytes())
        return len(email_messages)


@dataclass(frozen=True)
class Received:
    """A message as the family receives it."""

    key: str
    mail: EmailMessage

    @property
    def to(self) -> str:
        return str(self.mail["To"])

    @property
    def sender(self) -> str:
        return str(self.mail["From"])

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"] or "")

    @property
    def at(self) -> datetime:
        sent = parsedate_to_datetime(str(self.mail["Date"]))
        return sent if sent.tzinfo else sent.replace(tzinfo=UTC)  # "-0000" means no known time zone; treat it as UTC

    @property
    def row_id(self) -> str:
        """Return the id of this message's OutgoingMessage, or "" if there is none."""
        try:
            return str(UUID(str(self.mail["Message-ID"]).strip("<>").split("@")[0]))
        except ValueError:
            return ""

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, subtype: str) -> str:
        part = self.mail.get_body(preferencelist=(subtype,))
        return str(part.get_content()) if part else ""


def all_mail() -> Iterator[Received]:
    """Yield every message, newest first."""
    yield from sorted(
        (_parse(key, raw) for key, raw in _raw_messages()), key=lambda message: (message.at, message.key), reverse=True
    )


def get_mail(key: str) -> Received | None:
    raw = _box().get_bytes(key) if key in _box() else None
    return _parse(key, raw) if raw is not None else None


def _raw_messages() -> Iterator[tuple[str, bytes]]:
    box = _box()
    for key in box.keys():  # noqa: SIM118 - iterating a Maildir yields messages, not keys
        yield key, box.get_bytes(key)


def _parse(key: str, raw: bytes) -> Received:
    return Received(key, message_from_bytes(raw, policy=policy.default))


def _box() -> mailbox.Maildir:
    path = Path(str(settings.DEMO_MAILBOX))
    path.parent.mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(path)
