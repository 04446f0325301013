"""Record who did what to which patient, when (UTC) and from where, and detect tampering.

45 CFR 170.315(d)(2) and (d)(10) require this. Each event's digest is an HMAC over its content and the previous digest,
so changing, removing or inserting an event breaks the chain. Each practice has its own chain, and one more chain holds
events that belong to no practice. Recording locks the head of the chain until the transaction ends, so record last,
after all other rows are locked.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from portal.models import AuditChain, AuditEvent, Practice, User

Action = AuditEvent.Action


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a person at a network address, or a part of the program."""

    user: User | None
    name: str
    address: str | None = None

    @classmethod
    def from_request(cls, request: HttpRequest) -> "Actor":
        user = request.user
        if not isinstance(user, User):
            raise PermissionError("No one is signed in.")
        return cls.for_user(request, user=user)

    @classmethod
    def for_user(cls, request: HttpRequest, *, user: User) -> "Actor":
        """Return an actor for this user at the address that the request came from."""
        return cls(user=user, name=user.email, address=client_address(request))

    def require_user(self) -> User:
        """Return the user. Raises PermissionError if a part of the program is acting."""
        if self.user is None:
            raise PermissionError(f"Only a signed-in user may do this, not the {self.name}.")
        return self.user


# These names are stored in events, so they never change. `ACTOR_LABELS` has the words that people read.
WORKER: Final = Actor(user=None, name="delivery worker")
CLOCK: Final = Actor(user=None, name="clock")
COMMAND_LINE: Final = Actor(user=None, name="command line")
ANONYMOUS_FAMILY: Final = "family at the door"
ACTOR_LABELS: Final[Mapping[str, str]] = {
    WORKER.name: "Delivery worker",
    CLOCK.name: "Scheduled task",
    COMMAND_LINE.name: "Command line",
    ANONYMOUS_FAMILY: "Family, not signed in",
}


def anonymous_family(address: str | None) -> Actor:
    """Return an actor for a family member who has not signed in."""
    return Actor(user=None, name=ANONYMOUS_FAMILY, address=address)


_WITH_PORT: Final = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+")


def client_address(request: HttpRequest) -> str | None:
    """Return the IP address that sent the request to us or to our own proxy."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    return _normalize_address(forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR") or "")


def _normalize_address(address: str) -> str | None:
    """Remove the port and zone from an IP address, and turn IPv4-mapped IPv6 into IPv4. Return None for anything else.

    Every database gives this form back unchanged, so the digest stays valid.
    """
    if match := _WITH_PORT.fullmatch(address):
        address = match[1] or match[2]
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed))
    return str(parsed)


Details = Mapping[str, str | int | bool | None]


def record(
    action: AuditEvent.Action,
    *,
    actor: Actor,
    practice: Practice | None,
    patient: UUID | None = None,
    details: Details | None = None,
) -> None:
    """Append an event to the practice's chain, inside the caller's transaction if there is one."""
    record_all(action, actor=actor, practice=practice, entries=[(patient, details or {})])


def record_all(
    action: AuditEvent.Action,
    *,
    actor: Actor,
    practice: Practice | None,
    entries: Iterable[tuple[UUID | None, Details]],
) -> None:
    """Append one event for each (patient, details) entry, locking the chain only once."""
    name = str(practice.pk) if practice else "installation"
    events: list[AuditEvent] = []
    with transaction.atomic():
        number, digest = _lock_head(name)
        for patient, details in entries:
            number += 1
            event = AuditEvent(
                chain=name,
                number=number,
                at=timezone.now(),
                actor=actor.user,
                actor_name=actor.name,
                address=_normalize_address(actor.address or ""),
                action=action,
                practice=practice,
                patient_id=patient,
                details=dict(details),
            )
            event.digest = digest = _digest(event, previous=digest)
            events.append(event)
        AuditEvent.objects.bulk_create(events)
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE_HEAD, {"length": number, "digest": digest, "name": name})


# Raw SQL because every page view runs these, and building them with the ORM took several times as long as running them.
_CHAINS: Final = AuditChain._meta.db_table
_SELECT_HEAD: Final = f"SELECT length, digest FROM {_CHAINS} WHERE name = %(name)s"  # noqa: S608
_UPDATE_HEAD: Final = f"UPDATE {_CHAINS} SET length = %(length)s, digest = %(digest)s WHERE name = %(name)s"  # noqa: S608


def _lock_head(name: str) -> tuple[int, str]:
    """Lock the chain until the transaction ends, and return the number and digest of its last event."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite allows one writer at a time
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_HEAD + lock, {"name": name})
        if not (head := cursor.fetchone()):
            AuditChain.objects.get_or_create(name=name)
            cursor.execute(_SELECT_HEAD + lock, {"name": name})
            head = cursor.fetchone()
    length, digest = head
    return length, digest


@dataclass(frozen=True)
class Break:
    """A place where a chain is broken."""

    chain: str
    number: int
    reason: str


def verify() -> list[Break]:
    """Return every place where the audit trail was changed."""
    breaks: list[Break] = []
    chains = set(AuditChain.objects.values_list("name", flat=True))
    chains |= set(AuditEvent.objects.order_by().values_list("chain", flat=True).distinct())
    for name in sorted(chains):
        breaks += _verify_chain(name)
    return breaks


def _verify_chain(chain: str) -> Iterator[Break]:
    # Read the head first. Events recorded while we verify come after it and only need a valid digest.
    head = AuditChain.objects.filter(name=chain).first()
    previous, number, digest_at_head = "", 0, ""
    for event in AuditEvent.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        if event.number != number:
            yield Break(chain, number, "is missing")
            number = event.number
        elif not hmac.compare_digest(event.digest, _digest(event, previous=previous)):
            yield Break(chain, number, "was changed")
        previous = event.digest
        if head and number == head.length:
            digest_at_head = previous
    if head is None or head.digest != digest_at_head:
        yield Break(chain, number, "does not end where the chain ends")


def _digest(event: AuditEvent, *, previous: str) -> str:
    content = json.dumps(
        [
            previous,
            event.chain,
            event.number,
            _instant(event.at),
            event.actor_id,
            event.actor_name,
            event.address
            and (_normalize_address(event.address) or event.address),  # PostgreSQL writes ::a00:1 as ::10.0.0.1
            event.action,
            str(event.practice_id or ""),
            str(event.patient_id or ""),
            event.details,
        ],
        sort_keys=True,
    )
    return hmac.new(settings.AUDIT_KEY.encode(), content.encode(), "sha256").hexdigest()


def _instant(at: datetime) -> int:
    """Return the microseconds since 1970. This number is the same before saving and after loading."""
    return round(at.timestamp() * 1_000_000)
