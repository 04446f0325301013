"""The desk's main use case: issue a registration, in one transaction.

Locks are taken in one order, patients, registrations, messages, and the audit trail last, so that two desks and a worker
never wait for each other in a ring.
"""

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications import outbox
from patients import names
from patients.models import Patient
from portal.audit import Action, Actor
from portal.models import Practice, User
from registration import messages, pins, reveals, rules, statuses
from registration.models import Registration, Reveal
from registration.pins import Pin
from registration.rules import ByEmail, ByPin, ByQuestion, ByText, Delivery, InPerson, Method, Recipient, Refused

State = Registration.State


def register_patients(
    *,
    practice: Practice,
    patients: Sequence[Patient],
    recipient: Recipient,
    method: Method,
    delivery: Delivery,
    window: uuid.UUID,
    session_key: str,
    actor: Actor,
) -> Registration:
    """Issues one registration for these patients and owes the recipient the message that goes with it.

    `window` names the window that completed it: the same wish from the same window again (a second click, an answer that
    was lost) gives back the same registration; another wish from it is a correction and supersedes the first. The PIN may
    be seen with `reveals.show` by the session that issued it. Raises Refused, and then nothing has happened.
    """
    credential = _credential(method)
    wish = _wish(patients, recipient, method, delivery)
    with transaction.atomic():
        replaced = _replaced_by(practice, patients, recipient, window)
        siblings = Patient.objects.of(practice).filter(registrations__in=replaced)  # they lose theirs, too
        everybody = statuses.lock(practice, [*patients, *siblings])
        locked = [each for each in everybody if each in patients]
        last = Registration.objects.of(practice).filter(window=window).order_by("-issued_at").first()
        if last and last.wish == wish:
            return last
        if len(locked) != len(patients):
            raise Refused("This patient is no longer there. Search again.")
        issued_at = timezone.now()
        rules.check(practice, locked, recipient, method, delivery, today=issued_at.astimezone(practice.zone).date())
        registration = Registration(
            practice=practice,
            contact=recipient.contact,
            recipient_key=recipient.key,
            recipient_name=recipient.name,
            recipient_relationship=recipient.relationship,
            issued_at=issued_at,
            issued_by=_person(actor),
            expires_at=issued_at + practice.pin_validity[_channel(delivery)],
            delivery=_channel(delivery),
            window=window,
            wish=wish,
            **credential.columns,
        )
        superseded = list(replaced)
        _supersede(superseded, at=issued_at, by=registration.issued_by)
        registration.message = messages.owe(_welcome(registration, locked, credential), delivery)
        registration.save(force_insert=True)
        registration.patients.set(locked)
        statuses.refresh(everybody)
        if credential.pin:
            reveals.keep(registration, credential.pin, session_key=session_key)
        for earlier in superseded:
            if earlier.message:
                outbox.cancel(earlier.message)
        for earlier in superseded:
            earlier.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
        registration.record(Action.REGISTRATION_ISSUED, actor=actor)
    return registration


@dataclass(frozen=True, repr=False)
class _Credential:
    columns: dict[str, str]
    pin: Pin | None = None
    token: str | None = None


def _credential(method: Method) -> _Credential:
    """The new key. Made before the transaction: hashing takes milliseconds in which nobody should wait for a lock."""
    match method:
        case ByPin():
            pin = pins.new()
            columns = {"selector": pin.selector, "digest": pins.digest(pin.characters)}
            return _Credential({"method": Registration.Method.PIN, **columns}, pin=pin)
        case ByQuestion(question, answer):
            token = secrets.token_urlsafe(16)  # 128 bits
            columns = {
                "selector": token[:4],
                "digest": pins.digest(token),
                "answer_digest": pins.digest(names.key(answer)),
            }
            return _Credential({"method": Registration.Method.QUESTION, "question": question, **columns}, token=token)
        case _:
            assert_never(method)


def _replaced_by(
    practice: Practice, patients: Sequence[Patient], recipient: Recipient, window: uuid.UUID
) -> QuerySet[Registration]:
    """What a new registration of these supersedes: the recipient's earlier one, and what the same window asked for before."""
    same = Q(recipient_key=recipient.key) | Q(window=window)
    return Registration.objects.of(practice).filter(same, state=State.PENDING, patients__in=patients).distinct()


def _supersede(registrations: list[Registration], *, at: datetime, by: User) -> None:
    Reveal.objects.filter(registration__in=registrations).delete()
    Registration.objects.filter(pk__in=[each.pk for each in registrations]).update(
        state=State.SUPERSEDED, ended_at=at, ended_by=by, end_reason="A new registration was issued."
    )


def _wish(patients: Sequence[Patient], recipient: Recipient, method: Method, delivery: Delivery) -> str:
    """The same for the same wish. Peppered, because an answer could be guessed from a bare digest."""
    match delivery:
        case ByEmail(address):
            to = address
        case ByText(number, carrier):
            to = carrier.address_of(number)
        case InPerson():
            to = ""
    asked = (method.question, names.key(method.answer)) if isinstance(method, ByQuestion) else ()
    who = (recipient.key, recipient.name, recipient.relationship)
    patient_keys = sorted(str(patient.pk) for patient in patients)
    return pins.fingerprint(json.dumps([patient_keys, *who, asked, _channel(delivery), to]))


def _channel(delivery: Delivery) -> Registration.Delivery:
    match delivery:
        case ByEmail():
            return Registration.Delivery.EMAIL
        case ByText():
            return Registration.Delivery.TEXT
        case InPerson():
            return Registration.Delivery.NONE
        case _:
            assert_never(delivery)


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise PermissionError("A registration is issued and revoked by a person.")
    return actor.user


def _welcome(registration: Registration, patients: list[Patient], credential: _Credential) -> messages.Welcome:
    return messages.Welcome(
        practice=registration.practice,
        patients=patients,
        recipient_name=registration.recipient_name,
        pin=credential.pin,
        token=credential.token,
        question=registration.question,
        expires_at=registration.expires_at,
    )
