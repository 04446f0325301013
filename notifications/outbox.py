"""The one way in: a message is owed from the moment that the caller's transaction commits."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications.models import Content, DeliveryEvent, OutgoingMessage
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
    valid_until: datetime | None = None,
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
        valid_until=valid_until,
        due_at=timezone.now(),
    )
    Content.objects.create(message=message, subject=subject, text=text, html=html)
    DeliveryEvent.objects.create(message=message, kind=Kind.QUEUED)
    return message


def cancel(message: OutgoingMessage) -> bool:
    """Takes a message back, in the caller's transaction. False where it is out, or just going out.

    One that a worker holds right now may still be accepted; if it is not, it is not tried again. The caller, who knows
    why, writes the line of the audit trail.
    """
    unfinished = OutgoingMessage.objects.filter(pk=message.pk, state__in=OutgoingMessage.UNFINISHED)
    queued = unfinished.filter(state=State.QUEUED)
    abandoned_count = unfinished.filter(state=State.SENDING, due_at__lte=timezone.now())
    cancelled = _end(queued.filter(abandoned_count=0), "Cancelled before it was sent.") or _end(
        queued | abandoned_count, f"Cancelled. {OutgoingMessage.MAY_BE_OUT}"
    )
    if cancelled:
        Content.objects.filter(message=message).delete()
        DeliveryEvent.objects.create(message=message, kind=Kind.CANCELLED)
    else:
        unfinished.update(cancel_requested=True)
    return cancelled


def _end(messages: QuerySet[OutgoingMessage], outcome: str) -> bool:
    ended = messages.update(state=State.CANCELLED, due_at=None, lease=None, finished_at=timezone.now(), outcome=outcome)
    return bool(ended)
