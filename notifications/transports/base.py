"""What a way of sending promises."""

from typing import Protocol

from notifications.models import Content, OutgoingMessage


class TransportError(Exception):
    """The message was not accepted. `permanent`: trying again will not help; `address_refused`: because of the recipient's
    address. The text is for the desk, in our words.

    A mail server's own words are never kept: they may quote the message, and with it a PIN.
    """

    def __init__(self, text: str, *, permanent: bool, address_refused: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.address_refused = address_refused


class Transport(Protocol):
    def send(self, message: OutgoingMessage, content: Content) -> str:
        """Hands the message over; says in words to whom. Raises TransportError where it was not accepted."""

    def close(self) -> None:
        """Lets go of what was kept open between two messages."""
