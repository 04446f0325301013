"""Issue registrations and send them again, each in one transaction.

Locks are always taken in the same order: patients, registrations, messages, and the audit trail last. This keeps front
desks and the delivery worker from deadlocking.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications import outbox
from notifications.models import OutgoingMessage
from patients import same_person
from patients.models import Patient
from portal.audit import Action, Actor
from portal.models import User
from registration import pin_policy
from registration.access import portal_status
from registration.communications import welcome
from registration.issuing import credentials, eligibility, pin_display, safety_checks
from registration.issuing.credentials import Credential
from registration.issuing.request import (
    RegistrationRequest,
    audit_details,
    channel,
    delivery_of,
    proxy_columns,
    proxy_of,
    recipient_of,
)
from registration.models import EndCode, Registration
from registration.values import ByPin, ByText, Delivery, Recipient, Refused

State = Registration.State

_FAILED: Final = Q(message__state=OutgoingMessage.State.FAILED)
# What a registration that is sent again has in common with the earlier one.
_COPIED: Final = (
    "practice", "contact", "recipient_key", "recipient_name", "recipient_relationship", "language", "request_digest",
    "level", "access_ends_on", "authorization", "identified_by", "risk_acknowledged",
)  # fmt: skip


def register_patients(request: RegistrationRequest, *, session_key: str, actor: Actor) -> Registration:
    """Issue one registration for the patients in the request, and queue its message to the recipient.

    Submitting the same request twice (a double click, a lost response) returns the first registration. A different
    request with the same form token corrects the first registration and supersedes it. The session that issued the PIN
    can view it with `pin_display.reveal`. Raises Refused and safety_checks.OverrideRequired. In that case, nothing has
    changed.
    """
    credential = credentials.create(request.method)
    with transaction.atomic():
        replaced = _superseded_by(request)
        locked = portal_status.lock(
            request.practice, [*request.patients, *_affected_patients(request.recipient, replaced)]
        )
        if previous := _previous_submission(request):
            return previous
        patients = _still_present(request.patients, locked)
        registration = _checked_registration(request, patients)
        superseded = list(replaced)
        freed = set(portal_status.covered_by(earlier.pk for earlier in superseded))
        _supersede(superseded, at=registration.issued_at, by=actor.require_user())
        _issue(registration, patients, credential, request.delivery, session_key=session_key, actor=actor)
        portal_status.refresh([patient for patient in locked if patient in patients or patient in freed])
        _cancel_messages(superseded)
        _record_issued(registration, superseded, actor=actor)
    return registration


def _still_present(patients: Sequence[Patient], locked: Sequence[Patient]) -> list[Patient]:
    """Return the locked rows of these patients. Raises Refused if a patient has been deleted."""
    present = [patient for patient in locked if patient in patients]
    if len(present) != len(patients):
        raise Refused("This patient is no longer on record. Search again.")
    return present


def _checked_registration(request: RegistrationRequest, patients: list[Patient]) -> Registration:
    """Check the request, and return an unsaved registration that has no credential yet.

    Raises Refused and safety_checks.OverrideRequired.
    """
    practice, recipient, proxy = request.practice, request.recipient, request.proxy
    issued_at = timezone.now()
    today = issued_at.astimezone(practice.zone).date()
    eligibility.check_eligibility(
        practice, patients, recipient, request.method, request.delivery, proxy=proxy, today=today
    )
    warnings = safety_checks.checks_for(practice, patients, recipient, request.delivery, today=today)
    return Registration(
        practice=practice,
        contact=recipient.contact,
        recipient_key=recipient.key,
        recipient_name=recipient.name,
        recipient_relationship=recipient.relationship,
        language=request.language,
        identified_by=request.identified_by,
        risk_acknowledged=request.risk_acknowledged,
        override_reasons=safety_checks.require_reasons(warnings, request.override_reasons, proxy=proxy),
        authority_override_for=safety_checks.patients_needing_override(warnings),
        issued_at=issued_at,
        form_token=request.form_token,
        request_digest=request.digest,
        **proxy_columns(proxy),
    )


def _cancel_messages(registrations: Sequence[Registration]) -> None:
    for registration in registrations:
        if registration.message:
            outbox.cancel(registration.message)


def _record_issued(
    registration: Registration, superseded: Sequence[Registration], *, actor: Actor, **details: bool
) -> None:
    """Write the audit trail last, because its lock comes last in the lock order."""
    for earlier in superseded:
        earlier.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
    registration.record(Action.REGISTRATION_ISSUED, actor=actor, **details, **audit_details(registration))


def can_send_again(registration: Registration) -> bool:
    """Return True if the registration was sent as a message, and is live, has expired or failed to arrive.

    An expired registration cannot be sent again if the recipient has a newer one for any of the same patients.
    """
    if not registration.message or registration.method == Registration.Method.ACCOUNT:
        return False
    if registration.is_live:
        return True
    if registration.state in {State.PENDING, State.EXPIRED}:
        return not _issued_since(registration).exists()
    failed = registration.message.state == OutgoingMessage.State.FAILED
    return failed and registration.state == State.LOCKED


def _issued_since(registration: Registration) -> QuerySet[Registration]:
    """Find the recipient's newer registrations for any of the same patients."""
    return Registration.objects.for_practice(registration.practice).filter(
        recipient_key=registration.recipient_key,
        patients__in=registration.patients.all(),
        issued_at__gt=registration.issued_at,
    )


def send_again(
    registration: Registration,
    *,
    session_key: str,
    actor: Actor,
    override_reasons: Mapping[str, str] = safety_checks.NO_OVERRIDES,
) -> Registration:
    """Issue a new credential of the same kind, on the same terms, to the same people at the same address.

    Sending again twice returns the same new registration. The earlier registration stays valid until the new message is
    accepted. An earlier resend that failed to arrive ends now. Raises Refused and safety_checks.OverrideRequired. In
    that case, nothing has changed.
    """
    credential = credentials.recreate(registration) if can_send_again(registration) else None
    with transaction.atomic():
        patients = portal_status.lock(registration.practice, list(registration.patients.all()))
        registration.refresh_from_db()
        current = _current_registration(registration)
        resends = current.replacements.filter(state=State.PENDING)
        if earlier_resend := resends.filter(~_FAILED, expires_at__gt=timezone.now()).first():
            return earlier_resend
        if credential is None or not can_send_again(registration):
            raise Refused("This registration has ended and cannot be sent again. Start a new registration.")
        delivery = delivery_of(registration)
        new = _checked_copy(registration, patients, delivery, override_reasons, replaces=current)
        superseded = list(resends.filter(_FAILED))
        _supersede(superseded, at=new.issued_at, by=actor.require_user())
        _issue(new, patients, credential, delivery, session_key=session_key, actor=actor)
        Registration.objects.filter(pk=current.pk).update(sent_again=True)
        portal_status.refresh(patients)
        _record_issued(new, superseded, actor=actor, sent_again=True)
    return new


def _current_registration(registration: Registration) -> Registration:
    """Return the registration whose PIN the family may have.

    This is the earlier registration as long as that one is valid and the message of its resend has not been accepted.
    """
    before, message = registration.replaces, registration.message
    arrived = message is not None and message.state == OutgoingMessage.State.ACCEPTED
    return before if not arrived and before is not None and before.is_live else registration


def _checked_copy(
    registration: Registration,
    patients: list[Patient],
    delivery: Delivery,
    override_reasons: Mapping[str, str],
    *,
    replaces: Registration,
) -> Registration:
    """Repeat every check, and return an unsaved copy of the registration that has no credential yet."""
    practice, recipient, proxy = registration.practice, recipient_of(registration), proxy_of(registration)
    issued_at = timezone.now()
    today = issued_at.astimezone(practice.zone).date()
    eligibility.check_eligibility(practice, patients, recipient, ByPin(), delivery, proxy=proxy, today=today)
    warnings = safety_checks.checks_for(practice, patients, recipient, delivery, today=today)
    return Registration(
        replaces=replaces,
        issued_at=issued_at,
        form_token=uuid.uuid4(),
        override_reasons=safety_checks.require_reasons(warnings, override_reasons, proxy=proxy),
        authority_override_for=safety_checks.patients_needing_override(warnings),
        **{name: getattr(registration, name) for name in _COPIED},
    )


def _issue(
    registration: Registration,
    patients: list[Patient],
    credential: Credential,
    delivery: Delivery,
    *,
    session_key: str,
    actor: Actor,
) -> None:
    """Add the credential, queue the message, save the registration, and keep the PIN for display."""
    for name, value in credential.columns.items():
        setattr(registration, name, value)
    registration.delivery = channel(delivery)
    registration.carrier = delivery.carrier if isinstance(delivery, ByText) else None
    registration.issued_by = actor.require_user()
    registration.expires_at = (
        registration.issued_at + pin_policy.pin_validity(registration.practice)[registration.delivery]
    )
    registration.message = welcome.enqueue_welcome(_welcome(registration, patients, credential), delivery)
    registration.save(force_insert=True)
    registration.patients.set(patients)
    if credential.pin:
        pin_display.store(registration, credential.pin, session_key=session_key)


def _previous_submission(request: RegistrationRequest) -> Registration | None:
    """Return the registration that the same window submitted last, if the request was the same.

    The query filters by form token alone, because that column has an index.
    """
    submitted = Registration.objects.filter(form_token=request.form_token).order_by("-issued_at")
    latest = next((earlier for earlier in submitted if earlier.practice_id == request.practice.pk), None)
    return latest if latest and latest.request_digest == request.digest else None


def _superseded_by(request: RegistrationRequest) -> QuerySet[Registration]:
    """Find the recipient's earlier registrations, and the registration that the same window submitted before."""
    same = Q(recipient_key__in=request.recipient.keys) | Q(form_token=request.form_token)
    earlier = Registration.objects.for_practice(request.practice).filter(same, patients__in=request.patients)
    return (earlier.filter(state=State.PENDING) | earlier.unfinished()).distinct()


def _affected_patients(recipient: Recipient, replaced: QuerySet[Registration]) -> list[Patient]:
    """Return all of the recipient's children, and the patients of the registrations to be superseded.

    All are locked, because staff at another desk may be issuing a registration for the recipient's other children.
    """
    rows = same_person.contact_rows_for(recipient.contact) if recipient.contact else []
    children = Patient.objects.filter(pk__in=[row.patient_id for row in rows])
    return [*children, *portal_status.covered_by(replaced.values_list("pk", flat=True))]


def _supersede(registrations: list[Registration], *, at: datetime, by: User) -> None:
    superseded = Registration.objects.filter(pk__in=[registration.pk for registration in registrations])
    superseded.end(State.SUPERSEDED, reason=EndCode.REISSUED, by=by, at=at)


def _welcome(registration: Registration, patients: list[Patient], credential: Credential) -> welcome.Welcome:
    return welcome.Welcome(
        practice=registration.practice,
        patients=patients,
        recipient_name=registration.recipient_name,
        pin=credential.pin,
        token=credential.token,
        question=registration.question,
        expires_at=registration.expires_at,
        language=registration.language,
    )
