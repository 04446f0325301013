"""Verify what a family enters: a PIN or a link with a date of birth, an answer, or another child's date of birth.

A family gets the same answer for every reason (NotClaimable). The audit trail has the real reason, for staff. Each
attempt is counted before anything is compared, in a transaction that locks the counters first. OWASP ASVS 5.0 6.3.8,
6.5.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from patients import names
from portal import audit
from portal.audit import Action
from registration import pins
from registration.claiming import attempts, rate_limits
from registration.claiming.failed_attempts import FailureReason
from registration.issuing import lifecycle
from registration.models import PortalAccount, Registration, RegistrationQuerySet
from registration.models.registration import FINISH_WITHIN
from registration.pins import Pin

Method = Registration.Method
State = Registration.State

# A PIN issued longer ago gets the same answer as an unknown one.
_LOOKUP_PERIOD: Final = timedelta(days=60)
# Compared when no registration has the selector, so that the answer takes equally long.
_DUMMY_DIGEST: Final = pins.digest("no registration")


class NotClaimable(Exception):
    """The registration cannot be claimed, either at all or with what was entered. The error does not say which."""


class WrongBirthDate(Exception):
    """The date of birth is wrong, and attempts are left."""


class WrongAnswer(Exception):
    """The answer is wrong, and attempts are left."""


@dataclass(frozen=True, kw_only=True)
class VerifiedKey:
    """Proof that a family opened a registration, kept in the session until the claim.

    `answered` is False until the family has answered the verification question.
    """

    registration_id: UUID
    opened_at: datetime
    confirmed_patient_ids: frozenset[UUID]
    answered: bool = True

    def as_data(self) -> dict[str, Any]:
        return {
            "registration": str(self.registration_id),
            "opened_at": self.opened_at.isoformat(),
            "confirmed": sorted(map(str, self.confirmed_patient_ids)),
            "answered": self.answered,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "VerifiedKey":
        return cls(
            registration_id=UUID(data["registration"]),
            opened_at=datetime.fromisoformat(data["opened_at"]),
            confirmed_patient_ids=frozenset(map(UUID, data["confirmed"])),
            answered=bool(data["answered"]),
        )


def verify_pin(pin: Pin, birth_date: date, *, address: str | None) -> VerifiedKey:
    """Verify a PIN together with the date of birth of any of its children. Raises NotClaimable and TooManyAttempts."""
    return _verify(Method.PIN, pin.characters, birth_date, address=address)


def verify_link(token: str, birth_date: date, *, address: str | None) -> VerifiedKey:
    """Verify a link. The family still has to answer its question. Raises NotClaimable and TooManyAttempts."""
    return replace(_verify(Method.QUESTION, token, birth_date, address=address), answered=False)


def verify_offer(
    registration: Registration, birth_date: date, *, account: PortalAccount, address: str | None
) -> VerifiedKey:
    """Verify the date of birth for an offer to a signed-in account.

    Raises WrongBirthDate, NotClaimable and TooManyAttempts.
    """
    if registration.method != Method.ACCOUNT or registration.account_id != account.pk:
        raise NotClaimable
    confirmed = patients_born_on(registration, birth_date)
    if not record_attempt(registration, FailureReason.WRONG_BIRTH_DATE, is_correct=bool(confirmed), address=address):
        raise WrongBirthDate
    return _verified(registration, confirmed)


def verify_answer(key: VerifiedKey, typed: str, *, address: str | None) -> VerifiedKey:
    """Verify the answer to a link's question. Raises WrongAnswer, NotClaimable and TooManyAttempts."""
    registration = get_registration(key)
    is_correct = pins.matches(names.key(typed), registration.answer_digest)
    if not record_attempt(registration, FailureReason.WRONG_ANSWER, is_correct=is_correct, address=address):
        raise WrongAnswer
    return replace(key, answered=True)


def verify_child(key: VerifiedKey, patient_id: UUID, birth_date: date, *, address: str | None) -> VerifiedKey:
    """Verify the date of birth of another child. Raises WrongBirthDate, NotClaimable and TooManyAttempts."""
    registration = get_registration(key)
    is_correct = patient_id in patients_born_on(registration, birth_date)
    if not record_attempt(registration, FailureReason.WRONG_BIRTH_DATE, is_correct=is_correct, address=address):
        raise WrongBirthDate
    return replace(key, confirmed_patient_ids=key.confirmed_patient_ids | {patient_id})


def get_registration(key: VerifiedKey) -> Registration:
    """Return the registration that the key opened. Raises NotClaimable if it can no longer be claimed."""
    found = claimable(key).select_related("practice", "message").first()
    if found is None:
        raise NotClaimable
    return found


def claimable(key: VerifiedKey) -> RegistrationQuerySet:
    """Return a query for the registration that the key opened. The query is empty if the registration can't be claimed.

    A family that opened the registration before it expired has FINISH_WITHIN to finish, even if the registration
    expires during that time. Once the message of a resend has been accepted, the registration can no longer be claimed.
    """
    now = timezone.now()
    in_time = Q(expires_at__gt=now)
    if key.opened_at > now - FINISH_WITHIN:
        in_time |= Q(expires_at__gt=key.opened_at)
    found = Registration.objects.filter(
        in_time, pk=key.registration_id, state__in=(State.PENDING, State.EXPIRED)
    ).exclude(lifecycle.has_accepted_replacement())
    assert isinstance(found, RegistrationQuerySet)
    return found


def patients_born_on(registration: Registration, birth_date: date) -> frozenset[UUID]:
    """Return the ids of the registration's patients with this date of birth. For twins, one date confirms both."""
    return frozenset(registration.patients.filter(birth_date=birth_date).values_list("pk", flat=True))


def record_attempt(
    registration: Registration, failure: FailureReason, *, is_correct: bool, address: str | None
) -> bool:
    """Count another attempt on a registration that is already open, and return True if the attempt succeeded.

    `failure` is the reason that staff read if the attempt failed. Raises TooManyAttempts, or NotClaimable if no
    attempts are left.
    """
    with transaction.atomic():
        rate_limits.consume_attempt(address)
        is_reserved = attempts.reserve(registration)
    if is_reserved and is_correct:
        attempts.refund([registration], address=address)
        return True
    with transaction.atomic():
        locked = attempts.lock_exhausted([registration]) if is_reserved else []
        reason = failure if is_reserved else FailureReason.NO_ATTEMPTS_LEFT
        attempts.record_failure(registration, reason, address=address)
        attempts.record_locked(locked)
    if locked or not is_reserved or attempts.is_exhausted(registration):
        raise NotClaimable
    return False


def _verify(method: Method, secret: str, birth_date: date, *, address: str | None) -> VerifiedKey:
    lifecycle.expire_due()
    with transaction.atomic():
        rate_limits.consume_attempt(address)
        same_selector = _with_selector(method, secret[:4])
        reserved = [found for found in same_selector if found.is_live and attempts.reserve(found)]
    same_secret = _with_secret(same_selector, secret)
    for registration in same_secret:
        confirmed = patients_born_on(registration, birth_date)
        if registration in reserved and confirmed:
            others = [other for other in reserved if other != registration]
            attempts.refund([registration, *others], address=address)
            return _verified(registration, confirmed)
    _record_failure(same_selector, same_secret=same_secret, reserved=reserved, address=address)
    raise NotClaimable


def _with_selector(method: Method, selector: str) -> list[Registration]:
    issued_after = timezone.now() - _LOOKUP_PERIOD
    found = Registration.objects.filter(method=method, selector=selector, issued_at__gt=issued_after)
    return list(found.select_related("practice").order_by("practice", "pk"))


def _with_secret(registrations: Sequence[Registration], secret: str) -> list[Registration]:
    if not registrations:
        pins.matches(secret, _DUMMY_DIGEST)
    return [registration for registration in registrations if pins.matches(secret, registration.digest)]


def _verified(registration: Registration, confirmed: frozenset[UUID]) -> VerifiedKey:
    return VerifiedKey(registration_id=registration.pk, opened_at=timezone.now(), confirmed_patient_ids=confirmed)


def _record_failure(
    same_selector: Sequence[Registration],
    *,
    same_secret: Sequence[Registration],
    reserved: Sequence[Registration],
    address: str | None,
) -> None:
    """Record the reasons for staff, and lock the registrations that have no attempts left."""
    failures = [
        (
            registration,
            _failure(registration, is_same_secret=registration in same_secret, is_reserved=registration in reserved),
        )
        for registration in same_selector
    ]
    with transaction.atomic():
        locked = attempts.lock_exhausted(reserved)
        for registration, failure in failures:
            if failure:
                attempts.record_failure(registration, failure, address=address)
        attempts.record_locked(locked)
        if not any(failure for _, failure in failures):
            attempts.record_unknown(address=address)
        if rate_limits.is_exhausted(address):
            audit.record(Action.TRIES_LIMITED, actor=audit.anonymous_family(address), practice=None)


def _failure(registration: Registration, *, is_same_secret: bool, is_reserved: bool) -> FailureReason | None:
    """Return why the registration did not open, or None if the attempt was meant for another registration."""
    if registration.state != State.PENDING or registration.expires_at <= timezone.now():
        ended = State.EXPIRED if registration.state == State.PENDING else registration.state
        return FailureReason(ended) if is_same_secret else None
    if not is_reserved:
        return FailureReason.NO_ATTEMPTS_LEFT
    return FailureReason.WRONG_BIRTH_DATE if is_same_secret else FailureReason.WRONG_PIN
