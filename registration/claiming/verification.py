"""A key opens a registration: a PIN, a link with a question, or the sign-in to an account; dates of birth confirm the children.

Every reason for which a key does not open is one and the same to the family (Closed); the audit trail has the true one, for
the desk. A try is taken before anything is compared (registration.guessing), in a transaction of its own that locks the
counts first. OWASP ASVS 5.0 6.3.8, 6.5.1.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from patients import names
from patients.models import Patient
from portal import audit
from portal.audit import Action
from registration import pins
from registration.access import portal_status
from registration.claiming import rate_limits
from registration.issuing import lifecycle
from registration.models import EndCode, PinDisplay, PortalAccount, Registration, RegistrationQuerySet
from registration.models.registration import FINISH_WITHIN
from registration.pins import Pin

Method = Registration.Method
State = Registration.State

# A key that ended longer ago is as good as unknown.
_LOOKUP_PERIOD: Final = timedelta(days=60)
_LOCKED: Final = {"state": State.LOCKED, "end_code": EndCode.TOO_MANY_ATTEMPTS}
# What is compared where no key has the selector, so that it takes as long.
_DUMMY_DIGEST: Final = pins.digest("nobody's")


class NotClaimable(Exception):
    """This opens nothing, or nothing any more. One and the same for whatever reason."""


class WrongBirthDate(Exception):
    """This is not the child's date of birth."""


class WrongAnswer(Exception):
    """This is not the answer; there are tries left."""


@dataclass(frozen=True, kw_only=True)
class VerifiedKey:
    """That a key opened a registration, at what time, and whose date of birth was known. It is kept in the session."""

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
    """With the date of birth of one of the children. Raises Closed, TooManyTries."""
    return _verify(Method.PIN, pin.characters, birth_date, address=address)


def verify_link(token: str, birth_date: date, *, address: str | None) -> VerifiedKey:
    """What it gives is not `answered` yet. Raises Closed, TooManyTries."""
    return replace(_verify(Method.QUESTION, token, birth_date, address=address), answered=False)


def verify_offer(
    registration: Registration, birth_date: date, *, account: PortalAccount, address: str | None
) -> VerifiedKey:
    """Opens what the practice offers to this account, which is signed in. Raises NotThisDate, Closed, TooManyTries."""
    if registration.method != Method.ACCOUNT or registration.account_id != account.pk:
        raise NotClaimable
    confirmed_patient_ids = patients_born_on(registration, birth_date)
    if not record_attempt(registration, address=address, is_right=bool(confirmed_patient_ids), why="date of birth"):
        raise WrongBirthDate
    return VerifiedKey(
        registration_id=registration.pk, opened_at=timezone.now(), confirmed_patient_ids=confirmed_patient_ids
    )


def verify_answer(opened: VerifiedKey, typed: str, *, address: str | None) -> VerifiedKey:
    """Raises WrongAnswer, Closed, TooManyTries."""
    registration = get_registration(opened)
    is_right = pins.matches(names.key(typed), registration.answer_digest)
    if not record_attempt(registration, address=address, is_right=is_right, why="answer"):
        raise WrongAnswer
    return replace(opened, answered=True)


def verify_child(opened: VerifiedKey, patient_id: UUID, birth_date: date, *, address: str | None) -> VerifiedKey:
    """Raises NotThisDate, Closed, TooManyTries."""
    registration = get_registration(opened)
    is_right = patient_id in patients_born_on(registration, birth_date)
    if not record_attempt(registration, address=address, is_right=is_right, why="date of birth"):
        raise WrongBirthDate
    return replace(opened, confirmed_patient_ids=opened.confirmed_patient_ids | {patient_id})


def get_registration(opened: VerifiedKey) -> Registration:
    """Raises Closed where it can no longer be claimed."""
    found = claimable(opened).select_related("practice", "message").first()
    if found is None:
        raise NotClaimable
    return found


def claimable(opened: VerifiedKey) -> RegistrationQuerySet:
    """Still live, or run out while the family was at it; and no newer one of the same kind has arrived."""
    now = timezone.now()
    in_time = Q(expires_at__gt=now)
    if opened.opened_at > now - FINISH_WITHIN:
        in_time |= Q(expires_at__gt=opened.opened_at)
    found = Registration.objects.filter(
        in_time, pk=opened.registration_id, state__in=(State.PENDING, State.EXPIRED)
    ).exclude(lifecycle.has_accepted_replacement())
    assert isinstance(found, RegistrationQuerySet)
    return found


# --- Tries ---


def _verify(method: Method, secret: str, birth_date: date, *, address: str | None) -> VerifiedKey:
    lifecycle.expire_due()
    with transaction.atomic():
        rate_limits.consume_attempt(address)
        known = list(
            Registration.objects.filter(
                method=method, selector=secret[:4], issued_at__gt=timezone.now() - _LOOKUP_PERIOD
            )
            .select_related("practice")
            .order_by("practice", "pk")
        )
        allowed = [each for each in known if each.is_live and _reserve(each)]
    right = [each for each in known if pins.matches(secret, each.digest)] if known else []
    if not known:
        pins.matches(secret, _DUMMY_DIGEST)
    for registration in right:
        confirmed_patient_ids = patients_born_on(registration, birth_date)
        if registration in allowed and confirmed_patient_ids:
            _record_success([registration, *(each for each in allowed if each != registration)], address=address)
            return VerifiedKey(
                registration_id=registration.pk, opened_at=timezone.now(), confirmed_patient_ids=confirmed_patient_ids
            )
    _record_failure(known, right=right, allowed=allowed, address=address)
    raise NotClaimable


def record_attempt(registration: Registration, *, address: str | None, is_right: bool, why: str) -> bool:
    """One more thing tried on a registration that is known already. Raises Closed where no try is left, TooManyTries."""
    with transaction.atomic():
        rate_limits.consume_attempt(address)
        allowed = _reserve(registration)
    if allowed and is_right:
        _record_success([registration], address=address)
        return True
    with transaction.atomic():
        locked = _lock_exhausted([registration]) if allowed else []
        _audit_failure(registration, why=why if allowed else "too many tries", address=address)
        _audit_locked(locked)
    if locked or not allowed or _has_no_attempts_left(registration):
        raise NotClaimable
    return False


def _reserve(registration: Registration) -> bool:
    """Takes a try of the registration and of its patients; False where there is none."""
    patients = list(registration.patients.values_list("pk", flat=True))
    if not rate_limits.consume_patient_attempts(patients):
        return False
    mine = Registration.objects.filter(pk=registration.pk, wrong_attempts__lt=_max_attempts(registration))
    may_be_tried = Q(state=State.PENDING) | Q(state=State.EXPIRED) | Q(state=State.CLAIMED)
    return bool(mine.filter(may_be_tried).update(wrong_attempts=F("wrong_attempts") + 1))


def _max_attempts(registration: Registration) -> int:
    return rate_limits.MAX_QUESTION_ATTEMPTS if registration.method == Method.QUESTION else rate_limits.MAX_PIN_ATTEMPTS


def _record_success(registrations: list[Registration], *, address: str | None) -> None:
    patients = Patient.objects.filter(registrations__in=registrations).values_list("pk", flat=True).distinct()
    with transaction.atomic():
        rate_limits.refund_attempt(address, list(patients))
        for each in registrations:
            Registration.objects.filter(pk=each.pk, wrong_attempts__gt=0).update(wrong_attempts=F("wrong_attempts") - 1)


def _record_failure(
    known: list[Registration], *, right: list[Registration], allowed: list[Registration], address: str | None
) -> None:
    """Writes down why, for the desk, and locks what has been tried too often."""
    with transaction.atomic():
        noted = [(each, _reason(each, right=each in right, allowed=each in allowed)) for each in known]
        locked = _lock_exhausted(allowed)
        for registration, why in noted:
            if why:
                _audit_failure(registration, why=why, address=address)
        _audit_locked(locked)
        if not any(why for _, why in noted):
            actor = audit.anonymous_family(address)
            audit.record(Action.CLAIM_FAILED, actor=actor, practice=None, details={"why": "nobody's"})
        if rate_limits.is_exhausted(address):
            audit.record(Action.TRIES_LIMITED, actor=audit.anonymous_family(address), practice=None)


def _reason(registration: Registration, *, right: bool, allowed: bool) -> str:
    """Why it did not open, in the desk's words; "" where the try was not about this one."""
    if registration.state != State.PENDING or registration.expires_at <= timezone.now():
        ended = State.EXPIRED if registration.state == State.PENDING else registration.state
        return str(ended) if right else ""
    if not allowed:
        return "too many tries"
    return "date of birth" if right else "PIN"


def _lock_exhausted(registrations: list[Registration]) -> list[Registration]:
    """Ends those that were tried too often. All their patients are held first, in one order; the trail comes after."""
    patients = list(
        Patient.objects.filter(registrations__in=registrations).select_for_update(of=("self",)).order_by("pk")
    )
    patients = list({each.pk: each for each in patients}.values())
    locked = [each for each in registrations if _with_no_attempts_left(each).update(**_LOCKED, ended_at=timezone.now())]
    PinDisplay.objects.filter(registration__in=locked).delete()
    if locked:
        portal_status.refresh(patients)
    return locked


def _with_no_attempts_left(registration: Registration) -> QuerySet[Registration]:
    open_ones = Registration.objects.filter(pk=registration.pk, state__in=(State.PENDING, State.EXPIRED))
    return open_ones.filter(wrong_attempts__gte=_max_attempts(registration))


def _has_no_attempts_left(registration: Registration) -> bool:
    return Registration.objects.filter(pk=registration.pk, wrong_attempts__gte=_max_attempts(registration)).exists()


def _audit_locked(registrations: list[Registration]) -> None:
    for registration in registrations:
        registration.record(Action.REGISTRATION_LOCKED, actor=audit.CLOCK)


def _audit_failure(registration: Registration, *, why: str, address: str | None) -> None:
    registration.record(Action.CLAIM_FAILED, actor=audit.anonymous_family(address), why=why)


def patients_born_on(registration: Registration, birth_date: date) -> frozenset[UUID]:
    """The patients of the registration who were born on that day: twins are confirmed by one date."""
    return frozenset(registration.patients.filter(birth_date=birth_date).values_list("pk", flat=True))
