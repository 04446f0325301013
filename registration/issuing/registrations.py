"""The desk's main use case: issue a registration, in one transaction; and send one again.

Locks are taken in one order, patients, registrations, messages, and the audit trail last, so that two desks and a worker
never wait for each other in a ring.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications import outbox
from notifications.models import OutgoingMessage
from patients import same_person
from patients.models import Patient
from portal.audit import Action, Actor
from portal.models import Practice, User
from registration import pin_policy
from registration.access import portal_status
from registration.communications import welcome
from registration.issuing import credentials, eligibility, pin_display, request, safety_checks
from registration.issuing.credentials import Credential
from registration.issuing.safety_checks import SafetyWarning
from registration.models import Registration
from registration.values import ByPin, ByText, Delivery, Method, Proxy, Recipient, Refused

State = Registration.State


def register_patients(
    *,
    practice: Practice,
    patients: Sequence[Patient],
    recipient: Recipient,
    method: Method,
    delivery: Delivery,
    form_token: uuid.UUID,
    session_key: str,
    actor: Actor,
    language: str = "en",
    proxy: Proxy | None = None,
    identified_by: str = "",
    risk_acknowledged: bool = False,
    override_reasons: Mapping[str, str] = safety_checks.NO_OVERRIDES,
) -> Registration:
    """Issues one registration for these patients and owes the recipient the message that goes with it.

    `window` names the window that completed it: the same wish from the same window again (a second click, an answer that
    was lost) gives back the same registration; another wish from it is a correction and supersedes the first. The PIN may
    be seen with `reveals.show` by the session that issued it. `confirmed` has a reason for each concern, by its key.
    Raises Refused and concerns.NeedsConfirmation, and then nothing has happened.
    """
    credential = credentials.create(method)
    request_digest = request.digest(patients, recipient, method, delivery, language=language, proxy=proxy)
    with transaction.atomic():
        replaced = _superseded_by(practice, patients, recipient, form_token)
        everybody = portal_status.lock(practice, [*patients, *_affected_patients(recipient, replaced)])
        locked = [each for each in everybody if each in patients]
        if (last := _previous_submission(form_token, practice)) and last.request_digest == request_digest:
            return last
        if len(locked) != len(patients):
            raise Refused("This patient is no longer there. Search again.")
        issued_at = timezone.now()
        today = issued_at.astimezone(practice.zone).date()
        eligibility.check_eligibility(practice, locked, recipient, method, delivery, proxy=proxy, today=today)
        found = safety_checks.checks_for(practice, locked, recipient, delivery, today=today)
        registration = Registration(
            practice=practice,
            contact=recipient.contact,
            recipient_key=recipient.key,
            recipient_name=recipient.name,
            recipient_relationship=recipient.relationship,
            language=language,
            identified_by=identified_by,
            risk_acknowledged=risk_acknowledged,
            override_reasons=safety_checks.require_reasons(found, override_reasons, proxy=proxy),
            authority_override_for=safety_checks.patients_needing_override(found),
            issued_at=issued_at,
            form_token=form_token,
            request_digest=request_digest,
            **request.terms(proxy),
        )
        superseded = list(replaced)
        lost = set(portal_status.covered_by(each.pk for each in superseded))
        _supersede(superseded, at=issued_at, by=actor.require_user())
        _issue(registration, locked, credential, delivery, session_key=session_key, actor=actor)
        portal_status.refresh([each for each in everybody if each in locked or each in lost])
        for earlier in superseded:
            if earlier.message:
                outbox.cancel(earlier.message)
        for earlier in superseded:
            earlier.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
        registration.record(Action.REGISTRATION_ISSUED, actor=actor, **request.audit_details(registration))
    return registration


def can_send_again(registration: Registration) -> bool:
    """What went out as a message and is still good, has run out, or never arrived; unless another was issued since."""
    if not registration.message or registration.method == Registration.Method.ACCOUNT:
        return False
    if registration.is_live:
        return True
    if registration.state in {State.PENDING, State.EXPIRED}:
        return not _issued_since(registration).exists()
    failed = registration.message.state == OutgoingMessage.State.FAILED
    return failed and registration.state == State.LOCKED


def _issued_since(registration: Registration) -> QuerySet[Registration]:
    """What the same person was given afterwards for one of the same patients."""
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
    """A new key of the same kind, on the same terms, for the same people, to the same address; twice gives back the same.

    The earlier one works until the message of the new one is accepted (`ending` sees to that); one that was sent in its
    place and failed ends now. Raises Refused and concerns.NeedsConfirmation, and then nothing has happened.
    """
    credential = credentials.recreate(registration) if can_send_again(registration) else None
    with transaction.atomic():
        patients = portal_status.lock(registration.practice, list(registration.patients.all()))
        registration.refresh_from_db()
        works = _current_registration(registration)
        in_its_place = works.replacements.filter(state=State.PENDING)
        failed = Q(message__state=OutgoingMessage.State.FAILED)
        if again := in_its_place.filter(~failed, expires_at__gt=timezone.now()).first():
            return again
        if credential is None or not can_send_again(registration):
            raise Refused("This registration cannot be sent again: it has ended. Register the family anew.")
        new = _copy(registration, replaces=works)
        delivery = request.delivery_of(registration)
        found = _recheck(registration, patients, delivery, on=new.issued_at)
        new.override_reasons = safety_checks.require_reasons(
            found, override_reasons, proxy=request.proxy_of(registration)
        )
        new.authority_override_for = safety_checks.patients_needing_override(found)
        superseded = list(in_its_place.filter(failed))
        _supersede(superseded, at=new.issued_at, by=actor.require_user())
        _issue(new, patients, credential, delivery, session_key=session_key, actor=actor)
        Registration.objects.filter(pk=works.pk).update(sent_again=True)
        portal_status.refresh(patients)
        for earlier in superseded:
            earlier.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
        new.record(Action.REGISTRATION_ISSUED, actor=actor, sent_again=True, **request.audit_details(new))
    return new


def _current_registration(registration: Registration) -> Registration:
    """What the family may have in its hands: the one before, as long as what was sent in its place has not arrived."""
    before, message = registration.replaces, registration.message
    arrived = message is not None and message.state == OutgoingMessage.State.ACCEPTED
    return before if not arrived and before is not None and before.is_live else registration


def _copy(registration: Registration, *, replaces: Registration) -> Registration:
    same = (
        "practice",
        "contact",
        "recipient_key",
        "recipient_name",
        "recipient_relationship",
        "language",
        "request_digest",
    )
    terms = ("level", "access_ends_on", "authorization", "identified_by", "risk_acknowledged")
    return Registration(
        replaces=replaces,
        issued_at=timezone.now(),
        form_token=uuid.uuid4(),
        **{name: getattr(registration, name) for name in (*same, *terms)},
    )


def _recheck(
    registration: Registration,
    patients: list[Patient],
    delivery: Delivery,
    *,
    on: datetime,
) -> list[SafetyWarning]:
    practice, recipient = registration.practice, request.recipient_of(registration)
    today = on.astimezone(practice.zone).date()
    proxy = request.proxy_of(registration)
    eligibility.check_eligibility(practice, patients, recipient, ByPin(), delivery, proxy=proxy, today=today)
    return safety_checks.checks_for(practice, patients, recipient, delivery, today=today)


def _issue(
    registration: Registration,
    patients: list[Patient],
    credential: Credential,
    delivery: Delivery,
    *,
    session_key: str,
    actor: Actor,
) -> None:
    """Gives the registration its key, owes its message, keeps its PIN to be seen, and saves it."""
    for name, value in credential.columns.items():
        setattr(registration, name, value)
    registration.delivery = request.channel(delivery)
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


def _previous_submission(form_token: uuid.UUID, practice: Practice) -> Registration | None:
    """Looked up by the window alone, which is in an index; another practice's is nobody's."""
    found = Registration.objects.filter(form_token=form_token).order_by("issued_at")
    return next((each for each in reversed(found) if each.practice_id == practice.pk), None)


def _superseded_by(
    practice: Practice, patients: Sequence[Patient], recipient: Recipient, form_token: uuid.UUID
) -> QuerySet[Registration]:
    """What a new registration of these supersedes: the recipient's earlier one, and what the same window asked for before."""
    same = Q(recipient_key__in=recipient.keys) | Q(form_token=form_token)
    of_these = Registration.objects.for_practice(practice).filter(same, patients__in=patients)
    return (of_these.filter(state=State.PENDING) | of_these.unfinished()).distinct()


def _affected_patients(recipient: Recipient, replaced: QuerySet[Registration]) -> list[Patient]:
    """All children of the recipient: while one waits for the lock, a registration for others of them may be issued."""
    rows = same_person.contact_rows_for(recipient.contact) if recipient.contact else []
    theirs = Patient.objects.filter(pk__in=[row.patient_id for row in rows])
    return [*theirs, *portal_status.covered_by(replaced.values_list("pk", flat=True))]


def _supersede(registrations: list[Registration], *, at: datetime, by: User) -> None:
    these = Registration.objects.filter(pk__in=[each.pk for each in registrations])
    these.end(State.SUPERSEDED, reason="A new registration was issued.", by=by, at=at)


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
