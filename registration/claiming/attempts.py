"""Count attempts to open a registration: reserve one before comparing, refund it on success, and lock when none are left.

The limits are in `rate_limits`. Everything here runs inside the caller's transaction unless its docstring says
otherwise.
"""

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from patients.models import Patient
from portal import audit
from portal.audit import Action
from registration.access import portal_status
from registration.claiming import rate_limits
from registration.claiming.failed_attempts import FailureReason
from registration.models import EndCode, PinDisplay, Registration, RegistrationQuerySet

Method = Registration.Method
State = Registration.State

_LOCKED: Final = {"state": State.LOCKED, "end_code": EndCode.TOO_MANY_ATTEMPTS}


def reserve(registration: Registration) -> bool:
    """Count an attempt on the registration and on each of its patients. Return False if no attempts are left."""
    patients = list(registration.patients.values_list("pk", flat=True))
    if not rate_limits.consume_patient_attempts(patients):
        return False
    with_attempts_left = Registration.objects.filter(pk=registration.pk, wrong_attempts__lt=_maximum(registration))
    is_open = Q(state=State.PENDING) | Q(state=State.EXPIRED) | Q(state=State.CLAIMED)
    return bool(with_attempts_left.filter(is_open).update(wrong_attempts=F("wrong_attempts") + 1))


def refund(registrations: Sequence[Registration], *, address: str | None) -> None:
    """Refund a successful attempt on every counter, in its own transaction."""
    patients = Patient.objects.filter(registrations__in=registrations).values_list("pk", flat=True).distinct()
    with transaction.atomic():
        rate_limits.refund_attempt(address, list(patients))
        for registration in registrations:
            Registration.objects.filter(pk=registration.pk, wrong_attempts__gt=0).update(
                wrong_attempts=F("wrong_attempts") - 1
            )


def is_exhausted(registration: Registration) -> bool:
    return _exhausted(registration).exists()


def lock_exhausted(registrations: Sequence[Registration]) -> list[Registration]:
    """Lock the registrations that have no attempts left, and return them.

    All their patients are locked first, in a fixed order. Record the events afterward, because the audit trail is
    locked last.
    """
    rows = Patient.objects.filter(registrations__in=registrations).select_for_update(of=("self",)).order_by("pk")
    patients = list({patient.pk: patient for patient in rows}.values())
    unclaimed = Q(state__in=(State.PENDING, State.EXPIRED))
    locked = [
        registration
        for registration in registrations
        if _exhausted(registration).filter(unclaimed).update(**_LOCKED, ended_at=timezone.now())
    ]
    PinDisplay.objects.filter(registration__in=locked).delete()
    if locked:
        portal_status.refresh(patients)
    return locked


def record_failure(registration: Registration, failure: FailureReason, *, address: str | None) -> None:
    registration.record(Action.CLAIM_FAILED, actor=audit.anonymous_family(address), failure=failure.value)


def record_unknown(*, address: str | None) -> None:
    """Record an attempt that matches no registration at any practice."""
    details = {"failure": FailureReason.UNKNOWN_PIN.value}
    audit.record(Action.CLAIM_FAILED, actor=audit.anonymous_family(address), practice=None, details=details)


def record_locked(registrations: Sequence[Registration]) -> None:
    for registration in registrations:
        registration.record(Action.REGISTRATION_LOCKED, actor=audit.CLOCK)


def _exhausted(registration: Registration) -> RegistrationQuerySet:
    found = Registration.objects.filter(pk=registration.pk, wrong_attempts__gte=_maximum(registration))
    assert isinstance(found, RegistrationQuerySet)
    return found


def _maximum(registration: Registration) -> int:
    return rate_limits.MAX_QUESTION_ATTEMPTS if registration.method == Method.QUESTION else rate_limits.MAX_PIN_ATTEMPTS
