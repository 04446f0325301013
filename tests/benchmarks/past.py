"""Fill a practice with years of registrations, their messages, and declines.

The records of each patient match the portal status. The number of items that need attention today is the same at every
size, so that the dashboards of a small and a large practice show the same number of rows.
"""

import itertools
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.utils import timezone

from notifications.models import Channel, OutgoingMessage
from patients.intake import bulk_insert
from patients.models import Patient, PortalStatus
from portal.models import Practice, User
from registration.models import Decline, Registration
from tests.benchmarks import population

State = Registration.State
ATTENTION: Final = 15  # messages that failed, PINs that are locked, families to ask again
_YEARS: Final = 3
_Row = tuple[type[models.Model], models.Model]


def populate(practice: Practice, desk: User) -> int:
    """Create the records. Return the number of registrations."""
    created = 0
    with transaction.atomic():
        for batch in population.in_batches(_Past(practice, desk).rows()):
            by_model: dict[type[models.Model], list[models.Model]] = {}
            for model, row in batch:
                by_model.setdefault(model, []).append(row)
            for model in (OutgoingMessage, Registration, Registration.patients.through, Decline):
                bulk_insert.insert(model, by_model.get(model, []))
            created += len(by_model.get(Registration, []))
    population.gather_statistics()
    return created


class _Past:
    def __init__(self, practice: Practice, desk: User) -> None:
        self._practice, self._desk = practice, desk
        self._now, self._chance = timezone.now(), random.Random(population.SEED)

    def rows(self) -> Iterator[_Row]:
        patients = Patient.objects.for_practice(self._practice).order_by("pk").values_list("pk", "portal_status")
        unregistered = itertools.count()
        for number, (patient, status) in enumerate(patients.iterator()):
            if status == PortalStatus.PENDING:
                yield from self._pending(patient, number)
            elif status == PortalStatus.REGISTERED:
                issued = self._long_ago()
                yield from self._registration(patient, State.CLAIMED, issued=issued, ended=issued + timedelta(hours=3))
            elif status == PortalStatus.DECLINED:
                yield Decline, self._decline(patient, self._chance.randrange(1, 400))
            elif status == PortalStatus.UNREGISTERED:
                yield from self._unregistered(patient, next(unregistered))

    def _pending(self, patient: uuid.UUID, number: int) -> Iterator[_Row]:
        issued = self._now - timedelta(days=self._chance.randrange(1, 8))
        if number % 10 == 0:  # sent again and delivered
            yield from self._registration(patient, State.SUPERSEDED, issued=issued, ended=issued, sent_again=True)
        yield from self._registration(patient, State.PENDING, issued=issued)

    def _unregistered(self, patient: uuid.UUID, number: int) -> Iterator[_Row]:
        today = self._now - timedelta(hours=5)
        if number < ATTENTION:
            yield from self._registration(patient, State.EXPIRED, issued=today, message=OutgoingMessage.State.FAILED)
        elif number < 2 * ATTENTION:
            yield from self._registration(patient, State.LOCKED, issued=today, ended=today)
        elif number < 3 * ATTENTION:
            yield Decline, self._decline(patient, -3)
        elif number % 10 == 0:
            issued = self._long_ago()
            message = OutgoingMessage.State.FAILED if number % 100 == 0 else OutgoingMessage.State.ACCEPTED
            state = State.LOCKED if number % 200 == 10 else State.EXPIRED
            yield from self._registration(patient, state, issued=issued, ended=issued, message=message)

    def _registration(
        self,
        patient: uuid.UUID,
        state: State,
        *,
        issued: datetime,
        ended: datetime | None = None,
        message: OutgoingMessage.State = OutgoingMessage.State.ACCEPTED,
        sent_again: bool = False,
    ) -> Iterator[_Row]:
        address = f"parent-{patient.hex[:12]}@families.example"
        mail = OutgoingMessage(
            practice=self._practice,
            about=patient,
            channel=Channel.EMAIL,
            recipient=address,
            shown_recipient=address,
            state=message,
            created_at=issued,
            finished_at=issued,
        )
        registration = Registration(
            practice=self._practice,
            recipient_key=f"email:{address}",
            recipient_name="Rosa Prado",
            recipient_relationship="Aunt",
            method=Registration.Method.PIN,
            selector=f"{self._chance.getrandbits(16):04X}",
            digest="-",
            delivery=Registration.Delivery.EMAIL,
            message=mail,
            state=state,
            issued_at=issued,
            issued_by=self._desk,
            expires_at=issued + timedelta(days=14) if state == State.PENDING else issued + timedelta(minutes=10),
            ended_at=ended,
            form_token=uuid.uuid4(),
            request_digest=patient.hex,
            sent_again=sent_again,
        )
        yield OutgoingMessage, mail
        yield Registration, registration
        through = Registration.patients.through
        yield through, through(registration_id=registration.pk, patient_id=patient)

    def _decline(self, patient: uuid.UUID, days: int) -> Decline:
        day = (self._now + timedelta(days=days)).date()
        return Decline(patient_id=patient, reason="Prefers the phone", ask_again_on=day, at=self._now, by=self._desk)

    def _long_ago(self) -> datetime:
        return self._now - timedelta(minutes=self._chance.randrange(21 * 24 * 60, _YEARS * 365 * 24 * 60))
