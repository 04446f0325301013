"""Put messages into the outbox."""

import uuid
from typing import Final

from django.db import transaction

from notifications import outbox
from notifications.models import Channel, OutgoingMessage
from portal.models import Practice

# A PIN in the content of every message from `enqueue`.
SECRET: Final = "K7QF-2M9T-XB4C"


def enqueue(
    practice: Practice | None = None, recipient: str = "elena@families.example", **fields: object
) -> OutgoingMessage:
    with transaction.atomic():
        return outbox.enqueue(
            practice=practice,
            channel=Channel.EMAIL,
            recipient=recipient,
            shown_recipient=recipient,
            sender_name="Maple Grove Pediatrics",
            reply_to="hello@maplegrove.example",
            subject="Set up your access",
            text=f"Your PIN: {SECRET}",
            html=f"<p>{SECRET}</p>",
            about=uuid.UUID(int=7),
            **fields,  # type: ignore[arg-type]
        )
