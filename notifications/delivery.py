"""What the worker does: claim a message that is due, send it, record what became of it.

A message is claimed by stamping its row with a lease. A worker that dies leaves its one message to the next worker, once
the lease has run out. Delivery is at least once: a worker killed after the server's "250" and before the record was
written leads to a second copy, with the same Message-ID.
"""

import random
import threading
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import F
from django.utils import timezone

from notifications import heartbeat
from notifications.models import Content, DeliveryEvent, OutgoingMessage
from notifications.transports.base import Transport, TransportError
from notifications.transports.mail import MailTransport
from portal import audit
from portal.signals import worker_idle

State = OutgoingMessage.State
Kind = DeliveryEvent.Kind

MAX_ATTEMPTS: Final = 12  # about five hours, all in all
FIRST_DELAY: Final = timedelta(seconds=15)
LONGEST_DELAY: Final = timedelta(minutes=40)
POLL_EVERY: Final = timedelta(seconds=1)
TIDY_EVERY: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


def run(*, stop: threading.Event, once: bool = False, transport: Transport | None = None) -> int:
    """Delivers until `stop` is set, or with `once` until nothing is due. Returns how many messages it took up."""
    transport = transport or MailTransport()
    taken = 0
    tidy_at = beat_at = timezone.now()
    while not stop.is_set():
        try:
            if timezone.now() >= beat_at:
                heartbeat.beat()
                beat_at = timezone.now() + heartbeat.EVERY
            message = claim()
            if message is not None:
                taken += 1
                _deliver_whatever_happens(message, transport=transport)
                continue
            if timezone.now() >= tidy_at:
                _tidy_up()
                tidy_at = timezone.now() + TIDY_EVERY
        except (OperationalError, InterfaceError):
            log.exception("database not reached")
            close_old_connections()
            if once:
                raise
        if once:
            break
        transport.close()
        stop.wait(POLL_EVERY.total_seconds())
    transport.close()
    return taken


def _tidy_up() -> None:
    """Each job by itself: one that fails keeps no other from its turn. What failed is named, not what it had at hand."""
    for job, fault in worker_idle.send_robust(sender=None):
        if isinstance(fault, Exception):
            *_, (frame, line) = traceback.walk_tb(fault.__traceback__)
            where = f"{frame.f_code.co_filename}:{line}"
            log.error("tidy-up failed", job=job.__name__, fault=type(fault).__name__, where=where)


def claim() -> OutgoingMessage | None:
    """The message that has been due the longest, leased to the caller; None where nothing is due."""
    now = timezone.now()
    skip_locked = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        due = OutgoingMessage.objects.filter(due_at__lte=now).order_by("due_at", "id")
        pk = due.select_for_update(skip_locked=skip_locked).values_list("pk", flat=True).first()
        if pk is None:
            return None
        OutgoingMessage.objects.filter(pk=pk).update(
            state=State.SENDING, lease=uuid.uuid4(), due_at=now + settings.DELIVERY_LEASE, attempts=F("attempts") + 1
        )
        return OutgoingMessage.objects.select_related("practice").get(pk=pk)


def deliver(message: OutgoingMessage, *, transport: Transport) -> None:
    """Sends a claimed message and records the outcome."""
    if message.cancel_asked:  # while a worker held it that died since
        _finish(message, State.CANCELLED, "Cancelled; a worker that died with it may have sent it.")
        return
    if message.good_until and message.good_until <= timezone.now():
        _finish(message, State.FAILED, "Not sent: what it says is no longer valid.")
        return
    try:
        content = _opened(message)
        if content is None:  # another worker took it over and is done with it
            log.warning("lease lost", message=str(message.pk))
            return
        outcome = transport.send(message, content)
    except TransportError as error:
        if error.permanent:
            _finish(message, State.FAILED, str(error), address_refused=error.address_refused)
        else:
            _try_again(message, str(error))
    else:
        _finish(message, State.ACCEPTED, outcome)


def retry_at(attempts: int, *, now: datetime, jitter: Callable[[], float] = random.random) -> datetime:
    """When to try again after so many attempts: twice as late each time, up to LONGEST_DELAY, and a tenth of chance."""
    delay: timedelta = min(FIRST_DELAY * 2**attempts, LONGEST_DELAY)
    return now + delay * (1 + jitter() / 10)


def _deliver_whatever_happens(message: OutgoingMessage, *, transport: Transport) -> None:
    """One message that nobody foresaw must not keep the others from going out."""
    try:
        deliver(message, transport=transport)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - logged by its kind alone: its text may quote the message
        log.error("message not sendable", message=str(message.pk), error=type(error).__name__)
        transport.close()
        _try_again(message, "Something unforeseen went wrong here; the log names it.")


def _opened(message: OutgoingMessage) -> Content | None:
    try:
        return Content.objects.filter(message=message).first()
    except ValueError as error:  # this worker lacks the key; another one may have it
        raise TransportError(
            "The message could not be opened: SEALING_KEYS has to be checked.", permanent=False
        ) from error


_ACTIONS: Final = {
    State.ACCEPTED: audit.Action.MESSAGE_ACCEPTED,
    State.FAILED: audit.Action.MESSAGE_FAILED,
    State.CANCELLED: audit.Action.MESSAGE_CANCELLED,
}


def _finish(message: OutgoingMessage, state: State, outcome: str, *, address_refused: bool = False) -> None:
    with transaction.atomic():
        held = OutgoingMessage.objects.filter(pk=message.pk, lease=message.lease).update(
            state=state,
            due_at=None,
            lease=None,
            finished_at=timezone.now(),
            outcome=outcome,
            address_refused=address_refused,
        )
        if not held:  # another worker took it over; what became of it is for that one to say
            log.warning("lease lost", message=str(message.pk))
            return
        Content.objects.filter(message_id=message.pk).delete()
        DeliveryEvent.objects.create(message_id=message.pk, kind=Kind(state.value), detail=outcome)
        audit.record(
            _ACTIONS[state],
            actor=audit.WORKER,
            practice=message.practice,
            patient=message.about,
            details={"message": str(message.pk), "channel": message.channel, "outcome": outcome},
        )
    log.info("message finished", message=str(message.pk), state=state.value, attempts=message.attempts)


def _try_again(message: OutgoingMessage, outcome: str) -> None:
    if message.attempts >= MAX_ATTEMPTS:
        _finish(message, State.FAILED, outcome)
        return
    with transaction.atomic():
        held = OutgoingMessage.objects.filter(pk=message.pk, lease=message.lease, cancel_asked=False).update(
            state=State.QUEUED, due_at=retry_at(message.attempts, now=timezone.now()), lease=None, outcome=outcome
        )
        if held:
            DeliveryEvent.objects.create(message_id=message.pk, kind=Kind.RETRY, detail=outcome)
    if held:
        log.info("message not accepted", message=str(message.pk), attempts=message.attempts)
    else:
        _finish(message, State.CANCELLED, "Cancelled after a try that was not accepted.")
