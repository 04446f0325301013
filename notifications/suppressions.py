"""Addresses to which a practice sends nothing, because whoever has them asked for that; and those that nobody has.

An e-mail address counts in any case. A number is read as people write it.
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
    """Of these (channel, address) the stopped ones, in one query."""
    keys = {(channel, _key(channel, address)): (channel, address) for channel, address in addresses if address}
    rows = SuppressedAddress.objects.filter(practice=practice, address__in={address for _, address in keys})
    return {keys[row.channel, row.address]: row for row in rows if (row.channel, row.address) in keys}


def last_delivery_refused(practice: Practice, address: str) -> bool:
    """Whether the last that is known of this mail address is that nobody has it."""
    told = Q(state=OutgoingMessage.State.ACCEPTED) | Q(address_refused=True)
    last = _messages_to(practice, address).filter(told).order_by("-finished_at").first()
    return last is not None and last.address_refused


@transaction.atomic
def suppress(practice: Practice, *, channel: str, address: str, actor: Actor, patient: UUID | None = None) -> bool:
    """From now on the practice sends nothing there, and what is queued is taken back. False where it was stopped already.

    Raises ValueError where there is no address. `patient`: on whose account it was written down.
    """
    if not _key(channel, address):
        raise ValueError("There is no address to stop.")
    _, is_new = SuppressedAddress.objects.get_or_create(
        practice=practice,
        channel=channel,
        address=_key(channel, address),
        defaults={"by_name": str(actor.user or actor.name)},
    )
    if is_new:
        taken_back = _cancel_queued(practice, channel, address)
        details = {**_audit_details(channel, address), "messages_cancelled": taken_back}
        audit.record(Action.MESSAGES_STOPPED, actor=actor, practice=practice, patient=patient, details=details)
    return is_new


@transaction.atomic
def unsuppress(practice: Practice, *, channel: str, address: str, actor: Actor, patient: UUID | None = None) -> bool:
    """Messages may go there again. False where they were not stopped."""
    deleted, _ = _rows_for(practice, channel, address).delete()
    if deleted:
        details = _audit_details(channel, address)
        audit.record(Action.MESSAGES_ALLOWED, actor=actor, practice=practice, patient=patient, details=details)
    return bool(deleted)


def masked(channel: str, address: str) -> str:
    """As the audit trail names it: enough to know it again, not enough to write to it.

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
    """
    >>> _key("email", " Elena@Families.example "), _key("text", "+1 612-555-0161"), _key("text", "x")
    ('elena@families.example', '6125550161', '')
    """
    if channel == Channel.EMAIL:
        return address.strip().casefold()[:_LENGTH]
    try:
        return phones.read_national(address)
    except ValueError:  # a number of no area code that exists, as on record
        return "".join(filter(str.isdigit, address))[-_DIGITS:]


def _messages_to(practice: Practice, address: str) -> QuerySet[OutgoingMessage]:
    written = {
        address.strip(),
        address.strip().lower(),
    }  # an index reads both; a mail's domain is in lower case already
    return OutgoingMessage.objects.for_practice(practice).filter(recipient__in=written)


def _cancel_queued(practice: Practice, channel: str, address: str) -> int:
    """How many queued messages will not go out. Texts go to a gateway, which stands behind the number."""
    unfinished = OutgoingMessage.objects.for_practice(practice).filter(
        channel=channel, state__in=OutgoingMessage.UNFINISHED
    )
    waiting = unfinished.order_by("pk").only("pk", "recipient", "shown_recipient", "state")
    return sum(outbox.cancel(each) for each in waiting if _key(channel, each.shown_recipient) == _key(channel, address))
