"""The interface of a transport: a way to send a message."""

from typing import Protocol

from notifications.models import Content, OutgoingMessage


class TransportError(Exception):
    """The message was not accepted.

    `permanent` means that a retry will not help. `address_refused` means that the recipient's address was the cause.
    The error's text is shown to staff. It never contains the mail server's reply, which may quote the message and its
    PIN.
    """

    def __init__(self, text: str, *, permanent: bool, address_refused: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.address_refused = address_refused


class Transport(Protocol):
    def send(self, message: OutgoingMessage, content: Content) -> str:
        """Send the message and return the result for staff. Raises TransportError if the message was not accepted."""

    def close(self) -> None:
        """Close any connection kept open between messages."""
