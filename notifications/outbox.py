"""Add messages to the outbox, and cancel them.

This is the only way to send a message. The message is queued when the caller's transaction commits.
"""

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
    """Add a message to the outbox.

    Raises TransactionManagementError outside a transaction: the message must be committed together with the change that
    it reports. The message is not sent at or after `valid_until`. `about` is a patient id for the audit trail.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "Enqueue a message in the same transaction as the change it reports."
        )
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
    """Cancel a message in the caller's transaction. Return False if it was sent or a worker is sending it now.

    A message that a worker has claimed may still go out, but it will not be retried. The caller records the audit event,
    because only the caller knows the reason.
    """
    unfinished = OutgoingMessage.objects.filter(pk=message.pk, state__in=OutgoingMessage.UNFINISHED)
    queued = unfinished.filter(state=State.QUEUED)
    abandoned = unfinished.filter(state=State.SENDING, due_at__lte=timezone.now())
    canceled = _end(queued.filter(abandoned_count=0), "Canceled before it was sent.") or _end(
        queued | abandoned, f"Canceled. {OutgoingMessage.MAY_HAVE_BEEN_SENT}"
    )
    if canceled:
        Content.objects.filter(message=message).delete()
        DeliveryEvent.objects.create(message=message, kind=Kind.CANCELLED)
    else:
        unfinished.update(cancel_requested=True)
    return canceled


def _end(messages: QuerySet[OutgoingMessage], outcome: str) -> bool:
    ended = messages.update(state=State.CANCELLED, due_at=None, lease=None, finished_at=timezone.now(), outcome=outcome)
    return bool(ended)
