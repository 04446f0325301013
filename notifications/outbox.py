"""The one way in: a message is owed from the moment that the caller's transaction commits."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from notifications.models import DeliveryEvent, OutgoingMessage
from portal.models import Practice

State = OutgoingMessage.State
Kind = DeliveryEvent.Kind


def enqueue(
    *,
    practice: Practice | None,
    channel: str,
    recipient: str,
    shown_recipient: str,
    sender_name: str,
    subject: str,
    text: str,
    html: str | None = None,
    reply_to: str = "",
    good_until: datetime | None = None,
    about: uuid.UUID | None = None,
) -> OutgoingMessage:
    """Puts a message into the outbox. Only inside a transaction: what it tells of is committed with it, or neither is."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A message is enqueued in the transaction that it tells of.")
    message = OutgoingMessage.objects.create(
        practice=practice,
        about=about,
        channel=channel,
        recipient=recipient,
        shown_recipient=shown_recipient,
        sender_name=sender_name,
        reply_to=reply_to,
        subject=subject,
        text=text,
        html=html,
        good_until=good_until,
        due_at=timezone.now(),
    )
    DeliveryEvent.objects.create(message=message, kind=Kind.QUEUED)
    return message


def cancel(message: OutgoingMessage) -> bool:
    """Takes a message back: True where it will not be sent (any more), False where it is out or just going out.

    One that a worker holds right now may still be accepted; if it is not, it is not tried again. The caller, who knows
    why, writes the line of the audit trail.
    """
    now = timezone.now()
    unfinished = OutgoingMessage.objects.filter(pk=message.pk, state__in=OutgoingMessage.UNFINISHED)
    nobody_sends_it = unfinished.exclude(state=State.SENDING, due_at__gt=now)
    cancelled = nobody_sends_it.update(
        state=State.CANCELLED,
        due_at=None,
        lease=None,
        finished_at=now,
        outcome="Cancelled before it was sent.",
        **WIPED,
    )
    if cancelled:
        DeliveryEvent.objects.create(message=message, kind=Kind.CANCELLED)
    else:
        unfinished.update(cancel_asked=True)
    return bool(cancelled)


# What a finished row no longer holds.
WIPED: dict[str, None] = {"subject": None, "text": None, "html": None}
