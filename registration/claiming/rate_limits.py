"""Limit attempts to open a registration, and codes sent by email. docs/guessing.md explains the numbers.

Each attempt is counted before anything is compared, and refunded if it was correct, so a hundred simultaneous attempts
count as a hundred. The counters are database rows: all web servers share them, and a restart does not reset them. NIST
SP 800-63B-4 3.2.2: consecutive failures are limited, and a new code does not reset the count. OWASP ASVS 5.0 6.3.1.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from registration import pins
from registration.models import AttemptCounter

# Wrong attempts on one PIN or link, after which it is locked for good.
MAX_PIN_ATTEMPTS: Final = 5
MAX_QUESTION_ATTEMPTS: Final = 3


class TooManyAttempts(Exception):
    """For a while, no more attempts are allowed from this address, or from any address. Reveals nothing about any PIN."""


@dataclass(frozen=True)
class Limit:
    """A maximum number of attempts within a period."""

    maximum: int
    within: timedelta

    @property
    def name(self) -> str:
        return f"{self.maximum}/{int(self.within.total_seconds())}"


# This assumes that a whole waiting room shares one address, and that each family mistypes twice.
PER_NETWORK: Final = (Limit(20, timedelta(hours=1)), Limit(60, timedelta(days=1)))
# An IPv6 /48 can be one site, one cheap tunnel, or many phones of a carrier. It gets a twentieth of the hourly GLOBAL limit.
PER_SITE: Final = (Limit(100, timedelta(hours=1)), Limit(300, timedelta(days=1)))
GLOBAL: Final = (Limit(2_000, timedelta(hours=1)), Limit(10_000, timedelta(days=1)))
# For all PINs issued for the patient in that time together. NIST allows 100 consecutive failures.
PER_PATIENT: Final = (Limit(10, timedelta(days=1)), Limit(40, timedelta(days=30)))

# Codes sent by email. The docstring of `one_time_codes` explains the two pools.
CODES_PER_REQUESTER: Final = (Limit(3, timedelta(hours=1)), Limit(6, timedelta(days=1)))
CODES_TO_ADDRESS_BY_STRANGERS: Final = (Limit(9, timedelta(hours=1)), Limit(18, timedelta(days=1)))
CODES_TO_ADDRESS_BY_PIN_HOLDERS: Final = (Limit(6, timedelta(hours=1)), Limit(12, timedelta(days=1)))
CODES_PER_NETWORK: Final = (Limit(30, timedelta(hours=1)),)


def consume_code(*, to: str, requester_address: str | None, opened_with: str = "") -> None:
    """Count a code that is about to be sent. Call inside a transaction. Raises TooManyAttempts.

    `opened_with` identifies a caller who has opened a registration. Everyone else is counted by network, even when signed
    in, because anyone can create an account.
    """
    requester = opened_with or _site(requester_address) or _network(requester_address)
    pool, pool_limits = (
        ("known", CODES_TO_ADDRESS_BY_PIN_HOLDERS) if opened_with else ("strangers", CODES_TO_ADDRESS_BY_STRANGERS)
    )
    counters = [
        *_counters("code from", _network(requester_address), CODES_PER_NETWORK),
        *_counters("code of", pins.fingerprint(f"{to} {requester}")[:32], CODES_PER_REQUESTER),
        *_counters(f"code {pool}", pins.fingerprint(to)[:32], pool_limits),
    ]
    if not all(_consume(key, limit) for key, limit in counters):
        raise TooManyAttempts


def consume_attempt(address: str | None) -> None:
    """Count an attempt from this address and in the overall total. Call inside a transaction. Raises TooManyAttempts."""
    counters = [*_counters("all", "", GLOBAL), *_address_counters(address)]
    if not all(_consume(key, limit) for key, limit in counters):
        raise TooManyAttempts


def consume_patient_attempts(patients: Iterable[UUID]) -> bool:
    """Count an attempt on each patient. If any patient has no attempts left, count nothing and return False.

    Call inside a transaction.
    """
    with transaction.atomic():
        is_allowed = all(
            _consume(key, limit) for patient in sorted(patients) for key, limit in _patient_counters(patient)
        )
        if not is_allowed:
            transaction.set_rollback(True)
    return is_allowed


def refund_attempt(address: str | None, patients: Iterable[UUID]) -> None:
    """Refund a successful attempt. Call inside a transaction, before any other row is locked."""
    counters = [*_counters("all", "", GLOBAL), *_address_counters(address)]
    for patient in sorted(patients):
        counters += _patient_counters(patient)
    for key, _ in counters:
        AttemptCounter.objects.filter(key=key, count__gt=0).update(count=F("count") - 1)


def is_exhausted(address: str | None) -> bool:
    """Return True if the address or its site has no attempts left for a while."""
    counters = _address_counters(address)
    return any(AttemptCounter.objects.filter(key=key, count__gte=limit.maximum).exists() for key, limit in counters)


def delete_old() -> None:
    """Delete the counters of periods that are over under every limit."""
    AttemptCounter.objects.filter(since__lt=timezone.now() - timedelta(days=31)).delete()


def _address_counters(address: str | None) -> list[tuple[str, Limit]]:
    site = _site(address)
    return [
        *_counters("address", _network(address), PER_NETWORK),
        *(_counters("site", site, PER_SITE) if site else []),
    ]


def _patient_counters(patient: UUID) -> list[tuple[str, Limit]]:
    return _counters("patient", str(patient), PER_PATIENT)


def _counters(scope: str, owner: str, limits: Sequence[Limit]) -> list[tuple[str, Limit]]:
    """Return the key of the stored counter for each limit."""
    return [(f"{scope}:{owner}:{limit.name}", limit) for limit in limits]


def _consume(key: str, limit: Limit) -> bool:
    now = timezone.now()
    AttemptCounter.objects.get_or_create(key=key, defaults={"since": now})
    _reset_if_elapsed(key, limit, now=now)
    return bool(AttemptCounter.objects.filter(key=key, count__lt=limit.maximum).update(count=F("count") + 1))


def _reset_if_elapsed(key: str, limit: Limit, *, now: datetime) -> None:
    AttemptCounter.objects.filter(key=key, since__lte=now - limit.within).update(since=now, count=0)


def _network(address: str | None) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 address, because one customer has all the addresses in a /64."""
    return "unknown" if address is None else _prefix(address, 64)


def _site(address: str | None) -> str:
    """Return the /48 of an IPv6 address, or "" for IPv4. One customer may have all 65,536 of the /64s in a /48."""
    return _prefix(address, 48) if address and ":" in address else ""


def _prefix(address: str, length: int) -> str:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, length), strict=False))
    return str(parsed)
