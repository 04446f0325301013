"""Send email over SMTP, and text messages as email to number@gateway."""

import contextlib
import re
import smtplib
from email.utils import formataddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notifications.models import Channel, Content, OutgoingMessage
from notifications.transports.base import TransportError

# RFC 3463: what the last two parts of an enhanced status code mean, for the codes that staff can act on.
_MEANING: Final = {
    "1.1": "the mailbox does not exist",
    "1.2": "the domain does not exist",
    "1.3": "the address is not valid",
    "1.6": "the mailbox has moved",
    "1.10": "the domain does not accept email",
    "2.1": "the mailbox is disabled",
    "2.2": "the mailbox is full",
    "4.1": "the receiving server is not responding",
    "4.4": "the receiving server was not found",
    "7.1": "the receiving server blocked our email",
}
_ENHANCED: Final = re.compile(r"\b[245]\.(\d{1,3}\.\d{1,3})\b")


class MailTransport:
    """Sends many messages over one SMTP connection. After an error the next message opens a new connection."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def send(self, message: OutgoingMessage, content: Content) -> str:
        try:
            mail = compose(message, content)
            if self._connection is None:
                self._connection = get_connection()
                self._connection.open()
            mail.connection = self._connection
            mail.send()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise _explained(error) from error
        except (ValueError, UnicodeError) as error:  # an invalid header or address
            raise TransportError("The message could not be built as an email.", permanent=True) from error
        return (
            "Accepted by the carrier’s gateway." if message.channel == Channel.TEXT else "Accepted by the mail server."
        )

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):  # it may already be closed
                self._connection.close()
            self._connection = None


def compose(message: OutgoingMessage, content: Content) -> EmailMultiAlternatives:
    """Build the email. Its Message-ID comes from the database row, so the receiving server can recognize a repeat."""
    mail = EmailMultiAlternatives(
        subject=content.subject,
        body=content.text,
        from_email=formataddr((message.sender_name, settings.DEFAULT_FROM_EMAIL)),
        to=[message.recipient],
        reply_to=[message.reply_to] if message.reply_to else None,
        headers={
            "Message-ID": message_id(message),
            "Auto-Submitted": "auto-generated",  # RFC 3834: asks for no automatic replies
        },
    )
    if content.html:
        mail.attach_alternative(content.html, "text/html")
    return mail


def message_id(message: OutgoingMessage) -> str:
    return f"<{message.pk}@{settings.DEFAULT_FROM_EMAIL.rsplit('@', 1)[-1].strip('>')}>"


def _explained(error: smtplib.SMTPException | OSError) -> TransportError:
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return TransportError("The mail server refused the connection. Check EMAIL_URL.", permanent=False)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        refused = _refused("The address was refused", code, reply)
        return TransportError(str(refused), permanent=refused.permanent, address_refused=refused.permanent)
    if isinstance(error, smtplib.SMTPSenderRefused):
        refused = _refused("Our sender address was refused", error.smtp_code, error.smtp_error)
        return TransportError(str(refused), permanent=False)  # the cause is FROM_EMAIL, not the message
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused("The message was refused", error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TransportError("The mail server does not support this type of message.", permanent=True)
    return TransportError("The mail server could not be reached, or it closed the connection.", permanent=False)


def _refused(what: str, code: int, reply: bytes | str) -> TransportError:
    text = reply.decode("ascii", "replace") if isinstance(reply, bytes) else reply
    enhanced = _ENHANCED.search(text)
    meaning = _MEANING.get(enhanced[1]) if enhanced else None
    figures = f"{code} {enhanced[0]}" if enhanced else str(code)
    reason = f": {meaning}" if meaning else ""
    return TransportError(f"{what}{reason} ({figures}).", permanent=500 <= code < 600)
