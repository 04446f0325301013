"""What the worker does: claim the messages that are due, send them, record what became of them.

Messages are claimed by stamping their rows with a lease, BATCH at a time. A worker that dies leaves them to the next
worker, once the lease has run out. Delivery is at least once: a worker killed after the server's "250" and before the
record was written leads to a second copy, with the same Message-ID, of at most BATCH messages. Outcomes are recorded,
and whether the others were taken back is asked, after each batch and between two messages where LOOK_EVERY has passed.
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
MAX_ATTEMPTS: Final = 12  # about five hours, all in all
MAX_ABANDONED: Final = 4  # copies that a family may get where each is accepted and none can be recorded
FIRST_DELAY: Final = timedelta(seconds=15)
LONGEST_DELAY: Final = timedelta(minutes=40)
POLL_EVERY: Final = timedelta(seconds=1)
TIDY_EVERY: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


def run(*, stop: threading.Event, once: bool = False, transport: Transport | None = None) -> int:
    """Delivers until `stop` is set, or with `once` until nothing is due. Returns how many messages it took up."""
    transport = transport or MailTransport()
    taken = 0
    tidy_at = beat_at = time.monotonic()  # which nobody sets back
    while not stop.is_set():
        try:
            if time.monotonic() >= beat_at:
                worker_heartbeat.beat()
                beat_at = time.monotonic() + worker_heartbeat.EVERY.total_seconds()
            batch = claim()
            if batch:
                taken += len(batch)
                deliver(batch, transport=transport, stop=stop)
                continue
            if time.monotonic() >= tidy_at:
                _tidy_up()
                tidy_at = time.monotonic() + TIDY_EVERY.total_seconds()
        except database_errors.UNAVAILABLE as fault:
            log.exception("database not reached")
            database_errors.close_broken_connection(fault)
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
            if isinstance(fault, database_errors.UNAVAILABLE):
                database_errors.close_broken_connection(fault)
            *_, (frame, line) = traceback.walk_tb(fault.__traceback__)
            where = f"{frame.f_code.co_filename}:{line}"
            log.error("tidy-up failed", job=job.__name__, fault=type(fault).__name__, where=where)


def claim() -> list[OutgoingMessage]:
    """The messages that have been due the longest, at most BATCH, leased to the caller."""
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
    """Sends claimed messages and records the outcomes. Those that it does not come to are left to others at once."""
    # Later another worker might take over what is just going out, and this one would seem to be dead.
    begin_by = timezone.now() + min(settings.DELIVERY_LEASE / 2, worker_heartbeat.EVERY)
    accepted: list[tuple[OutgoingMessage, str]] = []
    opened: dict[uuid.UUID, _Opened] = {}
    look_at = -math.inf
    try:
        for position, message in enumerate(batch):
            if stop.is_set() or timezone.now() > begin_by:
                _release(batch[position:])
                break
            if time.monotonic() >= look_at:
                _accept(accepted)
                accepted = []
                opened = _opened(batch[position:])
                look_at = time.monotonic() + RECHECK_EVERY.total_seconds()
            outcome = _deliver_safely(message, opened.get(message.pk), transport=transport)
            if outcome:
                accepted.append((message, outcome))
    finally:
        _accept(accepted)


def _deliver(message: OutgoingMessage, opened: "_Opened | None", *, transport: Transport) -> str | None:
    """What the server said, where it accepted the message; anything else is recorded here."""
    if opened is None:  # another worker took it over
        log.warning("lease lost", message=str(message.pk))
    elif opened.is_taken_back:
        _finish(
            [message], State.CANCELLED, "Cancelled." if message.abandoned_count else "Cancelled before it was sent."
        )
    elif message.valid_until and message.valid_until <= timezone.now():
        _finish([message], State.FAILED, "Not sent: what it says is no longer valid.")
    elif message.abandoned_count > MAX_ABANDONED:
        _finish([message], State.FAILED, "Given up: time and again nobody could say what became of it.")
    elif opened.content is None:  # this worker lacks the key; another one may have it
        _try_again(message, "The message could not be opened: SEALING_KEYS has to be checked.")
    else:
        try:
            return transport.send(message, opened.content)
        except TransportError as error:
            if error.permanent:
                _finish([message], State.FAILED, str(error), address_refused=error.address_refused)
            else:
                _try_again(message, str(error))
    return None


def _release(messages: Sequence[OutgoingMessage]) -> None:
    """They were claimed and not begun. What was taken back meanwhile is the next worker's to finish, at once."""
    ours = OutgoingMessage.objects.filter(pk__in=[each.pk for each in messages], lease=messages[0].lease)
    ours.update(state=State.QUEUED, due_at=timezone.now(), lease=None, attempts=F("attempts") - 1)


def retry_at(attempts: int, *, now: datetime, jitter: Callable[[], float] = random.random) -> datetime:
    """When to try again after so many attempts: twice as late each time, up to LONGEST_DELAY, and a tenth of chance."""
    delay: timedelta = min(FIRST_DELAY * 2**attempts, LONGEST_DELAY)
    return now + delay * (1 + jitter() / 10)


def _deliver_safely(message: OutgoingMessage, opened: "_Opened | None", *, transport: Transport) -> str | None:
    """One message that nobody foresaw must not keep the others from going out."""
    try:
        return _deliver(message, opened, transport=transport)
    except database_errors.UNAVAILABLE:
        raise
    except Exception as error:  # noqa: BLE001 - logged by its kind alone: its text may quote the message
        log.error("message not sendable", message=str(message.pk), error=type(error).__name__)
        transport.close()
        _try_again(message, "Something unforeseen went wrong here; the log names it.")
        return None


@dataclass(frozen=True)
class _Opened:
    """What a message says, None where it cannot be unsealed; and whether somebody has taken it back since."""

    content: Content | None
    is_taken_back: bool


def _opened(messages: Sequence[OutgoingMessage]) -> dict[uuid.UUID, _Opened]:
    """Of those that are still held."""
    held = Content.objects.filter(message__in=[each.pk for each in messages], message__lease=messages[0].lease)
    try:
        return {each.pk: _Opened(each, each.message.cancel_requested) for each in held.select_related("message")}
    except ValueError:
        if len(messages) > 1:
            return {pk: opened for each in messages for pk, opened in _opened([each]).items()}
        asked = held.values_list("message", "message__cancel_asked")
        return {pk: _Opened(None, is_taken_back) for pk, is_taken_back in asked}


_ACTIONS: Final = {
    State.ACCEPTED: audit.Action.MESSAGE_ACCEPTED,
    State.FAILED: audit.Action.MESSAGE_FAILED,
    State.CANCELLED: audit.Action.MESSAGE_CANCELLED,
}


def _accept(accepted: Iterable[tuple[OutgoingMessage, str]]) -> None:
    alike: defaultdict[tuple[uuid.UUID | None, str], list[OutgoingMessage]] = defaultdict(list)
    for message, outcome in accepted:
        alike[message.practice_id, outcome].append(message)
    for (_, outcome), messages in alike.items():
        _finish(messages, State.ACCEPTED, outcome)


def _finish(messages: Sequence[OutgoingMessage], state: State, outcome: str, *, address_refused: bool = False) -> None:
    """Records the same of several messages of one practice, leased together.

    A row that somebody has locked just now is waited for with no other in hand: two might wait for each other.
    """
    if state != State.ACCEPTED and any(each.abandoned_count for each in messages):
        outcome = f"{outcome} {OutgoingMessage.MAY_BE_OUT}"
    finished: set[uuid.UUID] = set()
    if len(messages) > 1:
        finished = _end(messages, state, outcome, address_refused=address_refused, waits=False)
    for message in messages:
        if message.pk not in finished and not _end([message], state, outcome, address_refused=address_refused):
            log.warning("lease lost", message=str(message.pk))  # what became of it is for another worker to say
        else:
            log.info("message finished", message=str(message.pk), state=state.value, attempts=message.attempts)


def _end(
    messages: Sequence[OutgoingMessage], state: State, outcome: str, *, address_refused: bool, waits: bool = True
) -> set[uuid.UUID]:
    """Ends those that are still held, and says which they were."""
    skip_locked = connection.features.has_select_for_update_skip_locked and not waits
    with transaction.atomic():
        rows = OutgoingMessage.objects.filter(pk__in=[each.pk for each in messages], lease=messages[0].lease)
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
            happened=[
                (each.about, {"message": str(each.pk), "channel": each.channel, "outcome": outcome})
                for each in messages
                if each.pk in held
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
        _finish([message], State.CANCELLED, "Cancelled after a try that was not accepted.")
