"""The audit trail: who did what, when (UTC), from where, to which patient; and whether it was tampered with.

45 CFR 170.315(d)(2) and (d)(10). Each event's digest is an HMAC over its content and the digest before it, so an event
that was changed, removed or slipped in breaks the chain from there on. There is a chain a practice, and one for what
belongs to none. The head of a chain is locked until the transaction ends: record last, after every other row is locked.
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
    """Who acts: a person at an address, or a part of the program."""

    user: User | None
    name: str
    address: str | None = None

    @classmethod
    def from_request(cls, request: HttpRequest) -> "Actor":
        user = request.user
        if not isinstance(user, User):
            raise PermissionError("Nobody is signed in, so nobody can have done this.")
        return cls.for_user(request, user=user)

    @classmethod
    def for_user(cls, request: HttpRequest, *, user: User) -> "Actor":
        """This person, at the address that the request came from."""
        return cls(user=user, name=user.email, address=client_address(request))

    def require_user(self) -> User:
        """Return the person who acts. Raise PermissionError for a part of the program."""
        if self.user is None:
            raise PermissionError(f"Only a person may do this, not the {self.name}.")
        return self.user


WORKER: Final = Actor(user=None, name="delivery worker")
CLOCK: Final = Actor(user=None, name="clock")
COMMAND_LINE: Final = Actor(user=None, name="command line")
ANONYMOUS_FAMILY: Final = "family at the door"  # nobody knows yet who it is


def anonymous_family(address: str | None) -> Actor:
    """Somebody who has not signed in, at this address."""
    return Actor(user=None, name=ANONYMOUS_FAMILY, address=address)


_WITH_PORT: Final = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+")


def client_address(request: HttpRequest) -> str | None:
    """The address that the request came from: behind our own proxy, the one that the proxy saw."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    return _in_one_form(forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR") or "")


def _in_one_form(address: str) -> str | None:
    """As every database gives it back: without port and zone, IPv4 as IPv4; None where it is no address."""
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
    """Appends an event to its practice's chain, within the caller's transaction where there is one."""
    record_all(action, actor=actor, practice=practice, happened=[(patient, details or {})])


def record_all(
    action: AuditEvent.Action,
    *,
    actor: Actor,
    practice: Practice | None,
    happened: Iterable[tuple[UUID | None, Details]],
) -> None:
    """Appends an event for each patient and details, the chain locked once for all of them."""
    name = str(practice.pk) if practice else "installation"
    events: list[AuditEvent] = []
    with transaction.atomic():
        number, digest = _locked_head(name)
        for patient, details in happened:
            number += 1
            event = AuditEvent(
                chain=name,
                number=number,
                at=timezone.now(),
                actor=actor.user,
                actor_name=actor.name,
                address=_in_one_form(actor.address or ""),
                action=action,
                practice=practice,
                patient_id=patient,
                details=dict(details),
            )
            event.digest = digest = _digest(event, previous=digest)
            events.append(event)
        AuditEvent.objects.bulk_create(events)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_HEAD, [number, digest, name])


# Written by hand: with each page that anybody opens, Django took several times as long to write these as to carry them out.
_HEAD: Final = "SELECT length, digest FROM portal_auditchain WHERE name = %s"
_MOVE_HEAD: Final = "UPDATE portal_auditchain SET length = %s, digest = %s WHERE name = %s"


def _locked_head(name: str) -> tuple[int, str]:
    """The number and the digest of a chain's last event, in a transaction that nobody else may chain on to meanwhile."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite's transaction is alone as it is
    with connection.cursor() as cursor:
        cursor.execute(_HEAD + lock, [name])
        if not (head := cursor.fetchone()):
            AuditChain.objects.get_or_create(name=name)
            cursor.execute(_HEAD + lock, [name])
            head = cursor.fetchone()
    length, digest = head
    return length, digest


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold."""

    chain: str
    number: int
    reason: str


def verify() -> list[Break]:
    """Every place where the trail was changed; an empty list where it holds."""
    breaks: list[Break] = []
    chains = set(AuditChain.objects.values_list("name", flat=True))
    chains |= set(AuditEvent.objects.order_by().values_list("chain", flat=True).distinct())
    for name in sorted(chains):
        breaks += _verify_chain(name)
    return breaks


def _verify_chain(chain: str) -> Iterator[Break]:
    # The head first: what is recorded meanwhile stands after it, and only has to chain on.
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
            event.address and (_in_one_form(event.address) or event.address),  # PostgreSQL writes ::a00:1 as ::10.0.0.1
            event.action,
            str(event.practice_id or ""),
            str(event.patient_id or ""),
            event.details,
        ],
        sort_keys=True,
    )
    return hmac.new(settings.AUDIT_KEY.encode(), content.encode(), "sha256").hexdigest()


def _instant(at: datetime) -> int:
    """Microseconds since 1970: the same before the database and after it."""
    return round(at.timestamp() * 1_000_000)
