"""The delivery worker with a real SMTP server that accepts, refuses temporarily or permanently, or closes the connection."""

import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from notifications import delivery, outbox, worker_heartbeat
from notifications.models import Content, OutgoingMessage, WorkerHeartbeat
from notifications.transports.mail import MailTransport
from portal import audit
from portal.models import AuditEvent, Practice
from portal.signals import worker_idle
from tests.notifications.messages import SECRET, enqueue
from tests.smtp import OK, MailServer

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State


@pytest.fixture(autouse=True)
def _fixed_date() -> Iterator[None]:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        yield


def deliver() -> int:
    return delivery.run(stop=threading.Event(), once=True)


def events(message: OutgoingMessage) -> list[str]:
    return list(message.events.values_list("kind", flat=True))


def test_accepted_message_is_finished_and_its_content_deleted(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    assert deliver() == 1

    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    assert (message.due_at, message.lease) == (None, None)
    assert not Content.objects.exists()
    assert events(message) == ["queued", "accepted"]
    event = AuditEvent.objects.get(action="message_accepted")
    assert (event.actor_name, event.patient_id, event.practice) == ("delivery worker", uuid.UUID(int=7), practice)
    assert deliver() == 0


def test_email_has_sender_reply_address_and_both_parts(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    deliver()
    (mail,) = mail_server.received
    assert mail["From"] == "Maple Grove Pediatrics <portal@localhost>"
    assert mail["To"] == "elena@families.example"
    assert mail["Reply-To"] == "hello@maplegrove.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{message.pk}@localhost>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_temporarily_refused_message_is_retried_later(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    deliver()
    message.refresh_from_db()
    assert message.state == State.QUEUED
    assert message.will_be_tried_again
    assert message.outcome == "The message was refused (451 4.3.0)."
    assert message.due_at is not None
    assert timedelta(seconds=30) <= message.due_at - timezone.now() <= timedelta(seconds=33)
    assert Content.objects.filter(message=message).exists()
    assert deliver() == 0

    mail_server.answer = lambda _: OK
    with time_machine.travel(message.due_at, tick=False):
        assert deliver() == 1
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.ACCEPTED, 2)
    assert events(message) == ["queued", "retry", "accepted"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 no such user K7QF-2M9T-XB4C", "The address was refused: the mailbox does not exist (550 5.1.1)."),
        ("552 5.2.2 over quota", "The address was refused: the mailbox is full (552 5.2.2)."),
        ("550 go away", "The address was refused (550)."),
    ],
)
def test_permanently_refused_message_is_not_retried(
    practice: Practice, mail_server: MailServer, reply: str, outcome: str
) -> None:
    message = enqueue(practice)
    mail_server.answer_recipient = lambda _: reply
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome, message.due_at) == (State.FAILED, outcome, None)
    assert message.address_refused
    assert not Content.objects.exists()
    assert events(message) == ["queued", "failed"]
    assert AuditEvent.objects.get(action="message_failed").details["outcome"] == outcome


@pytest.mark.parametrize("cause", ["the content is refused", "the address is refused temporarily"])
def test_failure_for_another_cause_does_not_mark_the_address_as_refused(
    practice: Practice, mail_server: MailServer, cause: str
) -> None:
    message = enqueue(practice)
    if cause == "the content is refused":
        mail_server.answer = lambda _: "554 5.7.1 looks like spam"
    else:
        mail_server.answer_recipient = lambda _: "450 4.2.1 try later"
        OutgoingMessage.objects.update(attempts=delivery.MAX_ATTEMPTS)
    deliver()
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert not message.address_refused


def test_message_is_retried_when_the_server_closes_the_connection(practice: Practice, mail_server: MailServer) -> None:
    message, other = enqueue(practice), enqueue(practice, "pablo@families.example")
    mail_server.answer = lambda recipient: None if recipient.startswith("elena") else OK
    assert deliver() == 2
    message.refresh_from_db()
    other.refresh_from_db()
    assert (message.state, message.outcome) == (
        State.QUEUED,
        "The mail server could not be reached, or it closed the connection.",
    )
    assert other.state == State.ACCEPTED


def test_message_stays_queued_while_the_server_is_down(practice: Practice) -> None:
    message = enqueue(practice)
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=1,
        EMAIL_TIMEOUT=2,
    ):
        deliver()
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.QUEUED, 1)
    assert Content.objects.filter(message=message).exists()


def test_message_fails_after_the_last_attempt(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    for _ in range(delivery.MAX_ATTEMPTS):
        with time_machine.travel(message.due_at or timezone.now(), tick=False):
            deliver()
        message.refresh_from_db()
    assert (message.state, message.attempts) == (State.FAILED, delivery.MAX_ATTEMPTS)
    assert len(mail_server.attempts) == delivery.MAX_ATTEMPTS


def test_retry_delay_doubles_up_to_the_limit() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    delays = [delivery.retry_at(n, now=now, jitter=lambda: 0.0) - now for n in range(1, delivery.MAX_ATTEMPTS)]
    assert delays[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert delays == sorted(delays)
    assert delays[-1] == delivery.LONGEST_DELAY
    assert timedelta(hours=3) < sum(delays, timedelta()) < timedelta(hours=6)


def test_message_past_its_validity_is_not_sent(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice, valid_until=timezone.now() + timedelta(minutes=10))
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=False):
        deliver()
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert "no longer valid" in message.outcome
    assert mail_server.attempts == []


def test_canceled_message_is_never_sent(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    assert outbox.cancel(message)
    assert deliver() == 0
    assert not outbox.cancel(message)
    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert not Content.objects.exists()
    assert mail_server.attempts == []


def test_message_canceled_while_being_sent_is_not_retried(practice: Practice, mail_server: MailServer) -> None:
    class CanceledWhileSending(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            assert not outbox.cancel(message)
            return super().send(message, content)

    message = enqueue(practice)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    delivery.run(stop=threading.Event(), once=True, transport=CanceledWhileSending())
    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert len(mail_server.attempts) == 1


def test_claimed_message_canceled_before_its_turn_is_not_sent(practice: Practice, mail_server: MailServer) -> None:
    first, second = enqueue(practice), enqueue(practice)
    batch = delivery.claim()
    assert len(batch) == 2
    assert not outbox.cancel(batch[1])
    delivery.deliver(batch, transport=MailTransport(), stop=threading.Event())
    assert set(OutgoingMessage.objects.values_list("pk", "state", "outcome")) == {
        (batch[0].pk, State.ACCEPTED, "Accepted by the mail server."),
        (batch[1].pk, State.CANCELLED, "Canceled before it was sent."),
    }
    assert {first.pk, second.pk} == {message.pk for message in batch}
    assert len(mail_server.received) == 1
    assert not Content.objects.exists()


def test_message_canceled_during_a_slow_send_of_another_is_not_sent(
    practice: Practice, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RECHECK_EVERY", timedelta(0))  # treats every send as slow
    messages = [enqueue(practice), enqueue(practice)]

    class CancelsTheOther(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            (other,) = (candidate for candidate in messages if candidate.pk != message.pk)
            outbox.cancel(other)
            return super().send(message, content)

    delivery.run(stop=threading.Event(), once=True, transport=CancelsTheOther())
    assert len(mail_server.received) == 1
    assert sorted(OutgoingMessage.objects.values_list("state", flat=True)) == [State.ACCEPTED, State.CANCELLED]


def test_stopped_worker_releases_messages_it_did_not_start(practice: Practice, mail_server: MailServer) -> None:
    stop = threading.Event()

    class StoppedWhileSending(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            stop.set()
            return super().send(message, content)

    for _ in range(3):
        enqueue(practice)
    delivery.run(stop=stop, transport=StoppedWhileSending())
    assert len(mail_server.received) == 1
    left = OutgoingMessage.objects.exclude(state=State.ACCEPTED)
    assert list(left.values_list("state", "attempts", "lease")) == [(State.QUEUED, 0, None)] * 2
    assert deliver() == 2
    assert len(mail_server.received) == 3


def test_message_canceled_and_released_unsent_is_not_sent(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    batch = delivery.claim()
    assert not outbox.cancel(message), "a worker has claimed it"
    stopped = threading.Event()
    stopped.set()
    delivery.deliver(batch, transport=MailTransport(), stop=stopped)
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.CANCELLED, "Canceled before it was sent.")
    assert mail_server.attempts == []


def test_slow_worker_releases_the_rest_of_its_batch(practice: Practice, mail_server: MailServer) -> None:
    for _ in range(3):
        enqueue(practice)
    with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False) as now:

        class Slow(MailTransport):
            def send(self, message: OutgoingMessage, content: Content) -> str:
                now.shift(timedelta(seconds=20))
                return super().send(message, content)

        delivery.deliver(delivery.claim(), transport=Slow(), stop=threading.Event())
        assert sorted(OutgoingMessage.objects.values_list("state", flat=True)) == ["accepted", "queued", "queued"]
        assert deliver() == 2
    assert len(set(mail_server.message_ids)) == 3


def test_every_message_of_a_batch_has_its_own_audit_event(practice: Practice, mail_server: MailServer) -> None:
    messages = [enqueue(practice) for _ in range(delivery.BATCH + 2)]
    deliver()
    events = AuditEvent.objects.filter(action=AuditEvent.Action.MESSAGE_ACCEPTED)
    assert {event.details["message"] for event in events} == {str(message.pk) for message in messages}
    assert events.count() == len(messages)
    assert audit.verify() == []


@pytest.mark.django_db(transaction=True)
def test_worker_locks_no_other_row_while_it_waits_for_a_locked_one(practice: Practice, mail_server: MailServer) -> None:
    """Otherwise the worker and a transaction that cancels two of its messages could deadlock."""
    locked, other = enqueue(practice), enqueue(practice)
    sent, recorded = threading.Event(), threading.Event()

    class LocksOneRow(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            outcome = super().send(message, content)
            if len(mail_server.received) == 2:
                threading.Thread(target=lock_row).start()
                assert sent.wait(5)
            return outcome

    def lock_row() -> None:
        with transaction.atomic():
            OutgoingMessage.objects.select_for_update().get(pk=locked.pk)
            sent.set()
            if connection.vendor == "postgresql":  # SQLite has a single lock for all rows
                assert recorded.wait(5)
        connection.close()

    def watch() -> None:
        while not OutgoingMessage.objects.filter(pk=other.pk, state=State.ACCEPTED).exists():
            time.sleep(0.02)
        recorded.set()
        connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    delivery.run(stop=threading.Event(), once=True, transport=LocksOneRow())
    watcher.join()
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {State.ACCEPTED}


def test_message_canceled_while_its_worker_died_is_not_sent_again(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    assert delivery.claim()
    assert not outbox.cancel(message)
    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=False):
        deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (
        State.CANCELLED,
        "Canceled. It may have been sent: a delivery worker stopped before recording the result.",
    )
    assert mail_server.attempts == []
    assert not Content.objects.exists()


class Dies(MailTransport):
    """A worker that is killed after the server's "250" and before it records the result."""

    def send(self, message: OutgoingMessage, content: Content) -> str:
        super().send(message, content)
        raise KeyboardInterrupt


def run_worker_that_dies() -> None:
    with pytest.raises(KeyboardInterrupt):
        delivery.run(stop=threading.Event(), once=True, transport=Dies())


def later(**step: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**step), tick=False)


def test_message_is_abandoned_a_limited_number_of_times(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    for minutes in range(0, 3 * (delivery.MAX_ABANDONED + 1), 3):
        with later(minutes=minutes):
            run_worker_that_dies()
    assert len(mail_server.received) == delivery.MAX_ABANDONED + 1
    with later(hours=1):
        assert deliver() == 1
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert message.outcome.endswith(f". {OutgoingMessage.MAY_HAVE_BEEN_SENT}")
    assert len(mail_server.received) == delivery.MAX_ABANDONED + 1
    assert AuditEvent.objects.get(action="message_failed").details["outcome"] == message.outcome
    assert not Content.objects.exists()


def test_abandoned_message_is_always_reported_as_possibly_sent(practice: Practice, mail_server: MailServer) -> None:
    """This holds if it expires, if it is canceled before or at its next turn, and if it is refused then."""
    expired = enqueue(practice, valid_until=timezone.now() + timedelta(minutes=10))
    run_worker_that_dies()
    with later(minutes=11):
        deliver()
    expired.refresh_from_db()
    assert (expired.state, expired.outcome) == (
        State.FAILED,
        f"Not sent again: it was no longer valid. {OutgoingMessage.MAY_HAVE_BEEN_SENT}",
    )

    released, refused = enqueue(practice), enqueue(practice, recipient="unknown@families.example")
    run_worker_that_dies()
    stopped = threading.Event()
    stopped.set()
    with later(minutes=3):
        delivery.deliver(delivery.claim(), transport=MailTransport(), stop=stopped)
        released.refresh_from_db()
        assert released.state == State.QUEUED
        assert outbox.cancel(released)
        mail_server.answer = lambda _: "550 5.1.1 no such user"
        deliver()
    for message, state in ((released, State.CANCELLED), (refused, State.FAILED)):
        message.refresh_from_db()
        assert message.state == state
        assert message.outcome.endswith(f". {OutgoingMessage.MAY_HAVE_BEEN_SENT}")
        assert "before it was sent" not in message.outcome


def test_worker_keeps_running_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock goes back an hour after the first round. The second round still records a heartbeat and tidies up."""
    done: list[datetime] = []
    monkeypatch.setattr(delivery, "_tidy_up", lambda: done.append(timezone.now()))
    monkeypatch.setattr(delivery, "TIDY_EVERY", timedelta(0))
    monkeypatch.setattr(worker_heartbeat, "EVERY", timedelta(0))

    class TwoRounds(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock.shift(timedelta(hours=-1))
            if len(done) == 2:
                self.set()
            return super().wait(0.01)

    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        stop = TwoRounds()
        threading.Timer(10, stop.set).start()
        delivery.run(stop=stop)
    assert done == [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (12, 11)]
    assert WorkerHeartbeat.objects.get().at == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_unexpected_error_with_one_message_does_not_stop_the_others(
    practice: Practice, mail_server: MailServer
) -> None:
    class RaisesForOne(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            if message.pk == bad.pk:
                raise LookupError(f"an error of ours that quotes {SECRET}")
            return super().send(message, content)

    bad, good = enqueue(practice), enqueue(practice)
    assert delivery.run(stop=threading.Event(), once=True, transport=RaisesForOne()) == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.QUEUED, State.ACCEPTED)
    assert SECRET not in bad.outcome


def test_message_is_retried_when_our_sender_address_is_refused(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    mail_server.answer_sender = "530 5.7.0 authentication required"
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.QUEUED, "Our sender address was refused (530 5.7.0).")


def test_worker_that_lost_its_lease_does_not_send(practice: Practice, mail_server: MailServer) -> None:
    message = enqueue(practice)
    slow = delivery.claim()
    assert len(slow) == 1
    assert delivery.claim() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=False):
        assert deliver() == 1
    delivery.deliver(slow, transport=MailTransport(), stop=threading.Event())
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.ACCEPTED, 2)
    assert events(message) == ["queued", "accepted"]
    assert len(set(mail_server.message_ids)) == 1


def test_undecryptable_message_does_not_stop_its_batch(practice: Practice, mail_server: MailServer) -> None:
    from cryptography.fernet import Fernet

    with override_settings(SEALING_KEYS=[Fernet.generate_key().decode()]):
        sealed_elsewhere = enqueue(practice)
    ours = enqueue(practice)
    assert deliver() == 2
    states = dict(OutgoingMessage.objects.values_list("pk", "state"))
    assert states == {sealed_elsewhere.pk: State.QUEUED, ours.pk: State.ACCEPTED}


def test_message_waits_for_a_worker_that_has_its_key(practice: Practice, mail_server: MailServer) -> None:
    from cryptography.fernet import Fernet
    from django.conf import settings

    message = enqueue(practice)
    keys = settings.SEALING_KEYS
    with override_settings(SEALING_KEYS=[Fernet.generate_key().decode()]):
        deliver()
    stored = OutgoingMessage.objects.get(pk=message.pk)
    assert (stored.state, stored.attempts) == (State.QUEUED, 1)
    assert "SEALING_KEYS" in stored.outcome
    assert stored.due_at is not None
    with (
        override_settings(SEALING_KEYS=[Fernet.generate_key().decode(), *keys]),
        time_machine.travel(stored.due_at, tick=False),
    ):
        deliver()
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_address_with_a_line_break_fails_and_does_not_stop_the_others(
    practice: Practice, mail_server: MailServer
) -> None:
    bad = enqueue(practice, "elena@families.example\nBcc: all@families.example")
    good = enqueue(practice)
    deliver()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.FAILED, State.ACCEPTED)
    assert len(mail_server.received) == 1


def test_log_contains_no_message_content(
    practice: Practice, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    enqueue(practice)
    mail_server.answer = lambda _: f"451 4.3.0 {SECRET}"
    deliver()
    assert caplog.records
    assert SECRET not in caplog.text
    assert "elena" not in caplog.text


def test_failing_tidy_up_job_does_not_stop_the_others(
    mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def fails(**_: object) -> None:
        raise ValueError(f"quotes {SECRET}")

    def succeeds(**_: object) -> None:
        done.append("yes")

    worker_idle.connect(fails)
    worker_idle.connect(succeeds)
    try:
        assert delivery.run(stop=threading.Event(), once=True) == 0
    finally:
        worker_idle.disconnect(fails)
        worker_idle.disconnect(succeeds)
    assert done == ["yes"]
    assert "fails" in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_enqueue_requires_a_transaction(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        outbox.enqueue(
            practice=None,
            channel="email",
            recipient="a@b.example",
            shown_recipient="",
            sender_name="",
            subject="",
            text="",
        )
