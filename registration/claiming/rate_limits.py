"""How often a key may be tried. docs/guessing.md has the arithmetic behind the figures.

A try is taken before anything is compared and given back where it was right, so that a hundred tries at the same moment
are a hundred tries. The counts are rows of the database: every machine counts the same, and no restart forgets.

NIST SP 800-63B-4 3.2.2: consecutive failures are limited, and a new code does not reset the count. OWASP ASVS 5.0 6.3.1.
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

# Wrong tries of one key, until it is locked for good.
MAX_PIN_ATTEMPTS: Final = 5
MAX_QUESTION_ATTEMPTS: Final = 3


class TooManyAttempts(Exception):
    """No further try from this address, or from anywhere, for a while. It says nothing about any key."""


@dataclass(frozen=True)
class Limit:
    """At most so many wrong tries in such a time."""

    maximum: int
    within: timedelta

    @property
    def name(self) -> str:
        return f"{self.maximum}/{int(self.within.total_seconds())}"


# A waiting room has one address, so it is not narrow; a family mistypes twice.
PER_NETWORK: Final = (Limit(20, timedelta(hours=1)), Limit(60, timedelta(days=1)))
# The /48 of an IPv6 address: a site's or a cheap tunnel's, but also many phones of a carrier. A twentieth of the limit over all.
PER_SITE: Final = (Limit(100, timedelta(hours=1)), Limit(300, timedelta(days=1)))
GLOBAL: Final = (Limit(2_000, timedelta(hours=1)), Limit(10_000, timedelta(days=1)))
# Whatever PINs are issued meanwhile. NIST allows 100 failures in a row.
PER_PATIENT: Final = (Limit(10, timedelta(days=1)), Limit(40, timedelta(days=30)))


# How many codes one asker has sent to one address, and how many all askers of a kind: registration.proofs says why.
CODES_PER_REQUESTER: Final = (Limit(3, timedelta(hours=1)), Limit(6, timedelta(days=1)))
CODES_TO_ADDRESS_BY_STRANGERS: Final = (Limit(9, timedelta(hours=1)), Limit(18, timedelta(days=1)))
CODES_TO_ADDRESS_BY_PIN_HOLDERS: Final = (Limit(6, timedelta(hours=1)), Limit(12, timedelta(days=1)))
CODES_PER_NETWORK: Final = (Limit(30, timedelta(hours=1)),)


def consume_code(*, to: str, asked_from: str | None, known_as: str = "") -> None:
    """Takes a code from those that may be sent. Inside a transaction; raises TooManyTries.

    `known_as`: whose key opened; a stranger is the network that asks, signed in or not, as anybody gets an account.
    """
    asker = known_as or _site(asked_from) or _network(asked_from)
    of_a_kind = ("known", CODES_TO_ADDRESS_BY_PIN_HOLDERS) if known_as else ("strangers", CODES_TO_ADDRESS_BY_STRANGERS)
    wanted = [
        *_keys("code from", _network(asked_from), CODES_PER_NETWORK),
        *_keys("code of", pins.fingerprint(f"{to} {asker}")[:32], CODES_PER_REQUESTER),
        *_keys(f"code {of_a_kind[0]}", pins.fingerprint(to)[:32], of_a_kind[1]),
    ]
    if not all(_consume(key, limit) for key, limit in wanted):
        raise TooManyAttempts


def consume_attempt(address: str | None) -> None:
    """Takes a try from an address and over all. Inside a transaction; raises TooManyTries."""
    wanted = [*_keys("all", "", GLOBAL), *_of_address(address)]
    if not all(_consume(key, limit) for key, limit in wanted):
        raise TooManyAttempts


def consume_patient_attempts(patients: Iterable[UUID]) -> bool:
    """Takes a try from each patient; False, and none taken, where one of them has none left. Inside a transaction."""
    with transaction.atomic():
        taken = all(_consume(key, limit) for patient in sorted(patients) for key, limit in _of_patient(patient))
        if not taken:
            transaction.set_rollback(True)
    return taken


def refund_attempt(address: str | None, patients: Iterable[UUID]) -> None:
    """The try was right. Inside a transaction, before any other row is locked."""
    keys: list[tuple[str, Limit]] = [*_keys("all", "", GLOBAL), *_of_address(address)]
    for patient in sorted(patients):
        keys += _of_patient(patient)
    for key, _ in keys:
        AttemptCounter.objects.filter(key=key, count__gt=0).update(count=F("count") - 1)


def is_exhausted(address: str | None) -> bool:
    """Whether the try that was just taken was the last one of this address, or of its site, for a while."""
    keys = _of_address(address)
    return any(AttemptCounter.objects.filter(key=key, count__gte=limit.maximum).exists() for key, limit in keys)


def delete_old() -> None:
    """Deletes counts that no limit looks at any more."""
    AttemptCounter.objects.filter(since__lt=timezone.now() - timedelta(days=31)).delete()


def _of_address(address: str | None) -> list[tuple[str, Limit]]:
    site = _site(address)
    return [*_keys("address", _network(address), PER_NETWORK), *(_keys("site", site, PER_SITE) if site else [])]


def _of_patient(patient: UUID) -> list[tuple[str, Limit]]:
    return _keys("patient", str(patient), PER_PATIENT)


def _keys(scope: str, whose: str, limits: Sequence[Limit]) -> list[tuple[str, Limit]]:
    return [(f"{scope}:{whose}:{limit.name}", limit) for limit in limits]


def _consume(key: str, limit: Limit) -> bool:
    now = timezone.now()
    AttemptCounter.objects.get_or_create(key=key, defaults={"since": now})
    _reset_if_elapsed(key, limit, now=now)
    return bool(AttemptCounter.objects.filter(key=key, count__lt=limit.maximum).update(count=F("count") + 1))


def _reset_if_elapsed(key: str, limit: Limit, *, now: datetime) -> None:
    AttemptCounter.objects.filter(key=key, since__lte=now - limit.within).update(since=now, count=0)


def _network(address: str | None) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, of which one customer has them all."""
    return "unknown" if address is None else _prefix(address, 64)


def _site(address: str | None) -> str:
    """The /48 of an IPv6 address, of which one customer may have all 65,536 networks; "" for IPv4."""
    return _prefix(address, 48) if address and ":" in address else ""


def _prefix(address: str, length: int) -> str:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, length), strict=False))
    return str(parsed)
