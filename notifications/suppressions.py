"""Suppressed addresses: a practice sends nothing to an address or phone number that opted out.

Addresses are compared without regard to case, and phone numbers by their digits.
"""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from notifications import outbox
from notifications.models import Channel, OutgoingMessage, SuppressedAddress
from portal import audit, phones
from portal.audit import Action, Actor
from portal.models import Practice

_DIGITS: Final = 10
_LENGTH: Final = 254


def is_suppressed(practice: Practice, channel: str, address: str) -> bool:
    return _rows_for(practice, channel, address).exists()


def find_suppressed(practice: Practice, addresses: list[tuple[str, str]]) -> dict[tuple[str, str], SuppressedAddress]:
    """Return the suppressed ones of these (channel, address) pairs, using one query."""
    keys = {(channel, _key(channel, address)): (channel, address) for channel, address in addresses if address}
    rows = SuppressedAddress.objects.filter(practice=practice, address__in={address for _, address in keys})
    return {keys[row.channel, row.address]: row for row in rows if (row.channel, row.address) in keys}


def last_delivery_refused(practice: Practice, address: str) -> bool:
    """Return True if the last conclusive delivery to this email address was refused because of the address."""
    is_conclusive = Q(state=OutgoingMessage.State.ACCEPTED) | Q(address_refused=True)
    last = _messages_to(practice, address).filter(is_conclusive).order_by("-finished_at").first()
    return last is not None and last.address_refused


@transaction.atomic
def suppress(practice: Practice, *, channel: str, address: str, actor: Actor, patient: UUID | None = None) -> bool:
    """Stop all messages to this address and cancel those queued. Return False if the address was already suppressed.

    `patient` is the patient whose account page was used. Raises ValueError if the address is empty.
    """
    if not _key(channel, address):
        raise ValueError("The address is empty.")
    _, is_new = SuppressedAddress.objects.get_or_create(
        practice=practice,
        channel=channel,
        address=_key(channel, address),
        defaults={"by_name": str(actor.user or actor.name)},
    )
    if is_new:
        canceled_count = _cancel_queued(practice, channel, address)
        details = {**_audit_details(channel, address), "messages_cancelled": canceled_count}
        audit.record(Action.MESSAGES_STOPPED, actor=actor, practice=practice, patient=patient, details=details)
    return is_new


@transaction.atomic
def unsuppress(practice: Practice, *, channel: str, address: str, actor: Actor, patient: UUID | None = None) -> bool:
    """Allow messages to this address again. Return False if the address was not suppressed."""
    deleted, _ = _rows_for(practice, channel, address).delete()
    if deleted:
        details = _audit_details(channel, address)
        audit.record(Action.MESSAGES_ALLOWED, actor=actor, practice=practice, patient=patient, details=details)
    return bool(deleted)


def masked(channel: str, address: str) -> str:
    """Shorten an address for the audit trail, so that it can be recognized but not used.

    >>> masked("email", "Elena@families.example"), masked("text", "(612) 555-0161")
    ('e…@families.example', '…0161')
    """
    key = _key(channel, address)
    if channel == Channel.TEXT:
        return f"…{key[-4:]}"
    name, _, domain = key.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _audit_details(channel: str, address: str) -> dict[str, str | int]:
    return {"channel": channel, "address": masked(channel, address)}


def _rows_for(practice: Practice, channel: str, address: str) -> QuerySet[SuppressedAddress]:
    return SuppressedAddress.objects.filter(practice=practice, channel=channel, address=_key(channel, address))


def _key(channel: str, address: str) -> str:
    """Normalize an address for comparison.

    >>> _key("email", " Elena@Families.example "), _key("text", "+1 612-555-0161"), _key("text", "x")
    ('elena@families.example', '6125550161', '')
    """
    if channel == Channel.EMAIL:
        return address.strip().casefold()[:_LENGTH]
    try:
        return phones.read_national(address)
    except ValueError:  # a number on record with an area code that does not exist
        return "".join(filter(str.isdigit, address))[-_DIGITS:]


def _messages_to(practice: Practice, address: str) -> QuerySet[OutgoingMessage]:
    # Exact matches can use the index. The domain of a recipient is already stored in lowercase.
    spellings = {address.strip(), address.strip().lower()}
    return OutgoingMessage.objects.for_practice(practice).filter(recipient__in=spellings)


def _cancel_queued(practice: Practice, channel: str, address: str) -> int:
    """Cancel the queued messages to this address. Return how many were canceled.

    Compare `shown_recipient`, because the recipient of a text is number@gateway.
    """
    unfinished = OutgoingMessage.objects.for_practice(practice).filter(
        channel=channel, state__in=OutgoingMessage.UNFINISHED
    )
    waiting = unfinished.order_by("pk").only("pk", "recipient", "shown_recipient", "state")
    key = _key(channel, address)
    return sum(outbox.cancel(message) for message in waiting if _key(channel, message.shown_recipient) == key)
