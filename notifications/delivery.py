"""The delivery worker: claim the messages that are due, send them and record the results.

A worker claims BATCH messages at a time by writing a lease to their rows. If the worker dies, another one takes over
its messages when the lease expires. Delivery is at least once: if a worker is killed after the server's "250" and
before the result is recorded, at most BATCH messages are sent twice, with the same Message-ID. After each batch, the
worker records results and checks for cancellations. It also does this between two messages of a batch once
RECHECK_EVERY has passed.
"""

import math
import random
import threading
import time
import traceback
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import Case, F, When
from django.utils import timezone

from notifications import worker_heartbeat
from notifications.models import Content, DeliveryEvent, OutgoingMessage
from notifications.transports.base import Transport, TransportError
from notifications.transports.mail import MailTransport
from portal import audit, database_errors
from portal.signals import worker_idle

State = OutgoingMessage.State
Kind = DeliveryEvent.Kind

BATCH: Final = 10
RECHECK_EVERY: Final = timedelta(seconds=0.5)
MAX_ATTEMPTS: Final = 12  # about five hours in total
MAX_ABANDONED: Final = 4  # limits the copies a family gets if results cannot be recorded
FIRST_DELAY: Final = timedelta(seconds=15)
LONGEST_DELAY: Final = timedelta(minutes=40)
POLL_EVERY: Final = timedelta(seconds=1)
TIDY_EVERY: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


def run(*, stop: threading.Event, once: bool = False, transport: Transport | None = None) -> int:
    """Deliver messages until `stop` is set; with `once`, only those due now. Return the number of messages claimed."""
    transport = transport or MailTransport()
    claimed = 0
    tidy_at = beat_at = time.monotonic()  # unlike the wall clock, it never goes back
    while not stop.is_set():
        try:
            if time.monotonic() >= beat_at:
                worker_heartbeat.beat()
                beat_at = time.monotonic() + worker_heartbeat.EVERY.total_seconds()
            batch = claim()
            if batch:
                claimed += len(batch)
                deliver(batch, transport=transport, stop=stop)
                continue
            if time.monotonic() >= tidy_at:
                _tidy_up()
                tidy_at = time.monotonic() + TIDY_EVERY.total_seconds()
        except database_errors.UNAVAILABLE as error:
            log.exception("database unavailable")
            database_errors.close_broken_connection(error)
            close_old_connections()
            if once:
                raise
        if once:
            break
        transport.close()
        stop.wait(POLL_EVERY.total_seconds())
    transport.close()
    return claimed


def _tidy_up() -> None:
    """Run the tidy-up jobs. A job that fails does not stop the others.

    Log the type and place of an error, but not its text, which may contain personal data.
    """
    for job, error in worker_idle.send_robust(sender=None):
        if isinstance(error, Exception):
            if isinstance(error, database_errors.UNAVAILABLE):
                database_errors.close_broken_connection(error)
            *_, (frame, line) = traceback.walk_tb(error.__traceback__)
            where = f"{frame.f_code.co_filename}:{line}"
            log.error("cleanup failed", job=job.__name__, fault=type(error).__name__, where=where)


def claim() -> list[OutgoingMessage]:
    """Lease up to BATCH due messages to the caller, starting with the most overdue."""
    now = timezone.now()
    skip_locked = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        due = OutgoingMessage.objects.filter(due_at__lte=now).order_by("due_at", "id").prefetch_related("practice")
        batch = list(due.select_for_update(skip_locked=skip_locked)[:BATCH])
        if batch:
            lease, until = uuid.uuid4(), now + settings.DELIVERY_LEASE
            OutgoingMessage.objects.filter(pk__in=[message.pk for message in batch]).update(
                state=State.SENDING,
                lease=lease,
                due_at=until,
                attempts=F("attempts") + 1,
                abandoned_count=F("abandoned_count") + Case(When(state=State.SENDING, then=1), default=0),
            )
            for message in batch:
                message.lease, message.due_at, message.attempts = lease, until, message.attempts + 1
                message.abandoned_count += message.state == State.SENDING
    return batch


def deliver(batch: Sequence[OutgoingMessage], *, transport: Transport, stop: threading.Event) -> None:
    """Send claimed messages and record the results. Release the rest if the worker is stopped or too slow."""
    # After that the lease could expire in the middle of a send, and the heartbeat would be late.
    begin_by = timezone.now() + min(settings.DELIVERY_LEASE / 2, worker_heartbeat.EVERY)
    accepted: list[tuple[OutgoingMessage, str]] = []
    held: dict[uuid.UUID, _Held] = {}
    recheck_at = -math.inf
    try:
        for position, message in enumerate(batch):
            if stop.is_set() or timezone.now() > begin_by:
                _release(batch[position:])
                break
            if time.monotonic() >= recheck_at:
                _accept(accepted)
                accepted = []
                held = _open(batch[position:])
                recheck_at = time.monotonic() + RECHECK_EVERY.total_seconds()
            outcome = _deliver_safely(message, held.get(message.pk), transport=transport)
            if outcome:
                accepted.append((message, outcome))
    finally:
        _accept(accepted)


def _deliver(message: OutgoingMessage, held: "_Held | None", *, transport: Transport) -> str | None:
    """Send one message. If it is accepted, return the result. Otherwise record the result here and return None."""
    if held is None:  # another worker took it over
        log.warning("lease lost", message=str(message.pk))
    elif held.is_canceled:
        _finish([message], State.CANCELLED, "Canceled." if message.abandoned_count else "Canceled before it was sent.")
    elif message.valid_until and message.valid_until <= timezone.now():
        again = " again" if message.abandoned_count else ""
        _finish([message], State.FAILED, f"Not sent{again}: it was no longer valid.")
    elif message.abandoned_count > MAX_ABANDONED:
        _finish([message], State.FAILED, "Stopped: sending was interrupted too many times.")
    elif held.content is None:  # this worker does not have the key, but another one may
        _try_again(message, "The message could not be decrypted. Check SEALING_KEYS.")
    else:
        try:
            return transport.send(message, held.content)
        except TransportError as error:
            if error.permanent:
                _finish([message], State.FAILED, str(error), address_refused=error.address_refused)
            else:
                _try_again(message, str(error))
    return None


def _release(messages: Sequence[OutgoingMessage]) -> None:
    """Return claimed messages to the queue if they were never started. The next worker ends any that were canceled."""
    held = OutgoingMessage.objects.filter(pk__in=[message.pk for message in messages], lease=messages[0].lease)
    held.update(state=State.QUEUED, due_at=timezone.now(), lease=None, attempts=F("attempts") - 1)


def retry_at(attempts: int, *, now: datetime, jitter: Callable[[], float] = random.random) -> datetime:
    """Return the time of the next attempt. The delay doubles each time, up to LONGEST_DELAY, plus up to 10% at random."""
    delay: timedelta = min(FIRST_DELAY * 2**attempts, LONGEST_DELAY)
    return now + delay * (1 + jitter() / 10)


def _deliver_safely(message: OutgoingMessage, held: "_Held | None", *, transport: Transport) -> str | None:
    """Deliver one message, without letting an unexpected error stop the others."""
    try:
        return _deliver(message, held, transport=transport)
    except database_errors.UNAVAILABLE:
        raise
    except Exception as error:  # noqa: BLE001 - only its type is logged, because its text may quote the message
        log.error("message could not be prepared", message=str(message.pk), error=type(error).__name__)
        transport.close()
        _try_again(message, "Unexpected error. See the delivery worker’s log.")
        return None


@dataclass(frozen=True)
class _Held:
    """A message that this worker still holds. `content` is None if it cannot be decrypted."""

    content: Content | None
    is_canceled: bool


def _open(messages: Sequence[OutgoingMessage]) -> dict[uuid.UUID, _Held]:
    """Decrypt the messages that this worker still holds. If one cannot be decrypted, decrypt each separately."""
    contents = Content.objects.filter(
        message__in=[message.pk for message in messages], message__lease=messages[0].lease
    )
    try:
        return {
            content.pk: _Held(content, content.message.cancel_requested)
            for content in contents.select_related("message")
        }
    except ValueError:
        if len(messages) > 1:
            return {pk: held for message in messages for pk, held in _open([message]).items()}
        rows = contents.values_list("message", "message__cancel_requested")
        return {pk: _Held(None, is_canceled) for pk, is_canceled in rows}


_ACTIONS: Final = {
    State.ACCEPTED: audit.Action.MESSAGE_ACCEPTED,
    State.FAILED: audit.Action.MESSAGE_FAILED,
    State.CANCELLED: audit.Action.MESSAGE_CANCELLED,
}


def _accept(accepted: Iterable[tuple[OutgoingMessage, str]]) -> None:
    groups: defaultdict[tuple[uuid.UUID | None, str], list[OutgoingMessage]] = defaultdict(list)
    for message, outcome in accepted:
        groups[message.practice_id, outcome].append(message)
    for (_, outcome), messages in groups.items():
        _finish(messages, State.ACCEPTED, outcome)


def _finish(messages: Sequence[OutgoingMessage], state: State, outcome: str, *, address_refused: bool = False) -> None:
    """Record the same result for messages of one practice that were leased together.

    Locked rows are skipped at first and then waited for one at a time, while no other row is locked. Otherwise this
    worker and another transaction that locks several rows could deadlock.
    """
    if state != State.ACCEPTED and any(message.abandoned_count for message in messages):
        outcome = f"{outcome} {OutgoingMessage.MAY_HAVE_BEEN_SENT}"
    finished: set[uuid.UUID] = set()
    if len(messages) > 1:
        finished = _end(messages, state, outcome, address_refused=address_refused, waits=False)
    for message in messages:
        if message.pk not in finished and not _end([message], state, outcome, address_refused=address_refused):
            log.warning("lease lost", message=str(message.pk))  # the worker that took it over records the result
        else:
            log.info("message finished", message=str(message.pk), state=state.value, attempts=message.attempts)


def _end(
    messages: Sequence[OutgoingMessage], state: State, outcome: str, *, address_refused: bool, waits: bool = True
) -> set[uuid.UUID]:
    """End the messages that this worker still holds, and return their ids."""
    skip_locked = connection.features.has_select_for_update_skip_locked and not waits
    with transaction.atomic():
        rows = OutgoingMessage.objects.filter(pk__in=[message.pk for message in messages], lease=messages[0].lease)
        held = set(rows.order_by().select_for_update(skip_locked=skip_locked).values_list("pk", flat=True))
        if not held:
            return held
        OutgoingMessage.objects.filter(pk__in=held).update(
            state=state,
            due_at=None,
            lease=None,
            finished_at=timezone.now(),
            outcome=outcome,
            address_refused=address_refused,
        )
        Content.objects.filter(message__in=held).delete()
        DeliveryEvent.objects.bulk_create(
            DeliveryEvent(message_id=pk, kind=Kind(state.value), detail=outcome) for pk in held
        )
        audit.record_all(
            _ACTIONS[state],
            actor=audit.WORKER,
            practice=messages[0].practice,
            entries=[
                (message.about, {"message": str(message.pk), "channel": message.channel, "outcome": outcome})
                for message in messages
                if message.pk in held
            ],
        )
    return held


def _try_again(message: OutgoingMessage, outcome: str) -> None:
    if message.attempts >= MAX_ATTEMPTS:
        _finish([message], State.FAILED, outcome)
        return
    with transaction.atomic():
        held = OutgoingMessage.objects.filter(pk=message.pk, lease=message.lease, cancel_requested=False).update(
            state=State.QUEUED, due_at=retry_at(message.attempts, now=timezone.now()), lease=None, outcome=outcome
        )
        if held:
            DeliveryEvent.objects.create(message_id=message.pk, kind=Kind.RETRY, detail=outcome)
    if held:
        log.info("message not accepted", message=str(message.pk), attempts=message.attempts)
    else:
        _finish([message], State.CANCELLED, "Canceled after a failed attempt.")
