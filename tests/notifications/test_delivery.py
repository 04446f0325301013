"""The worker, before a real SMTP server that accepts, refuses for now, refuses for good, or hangs up."""

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
from notifications.models import Channel, Content, OutgoingMessage, WorkerHeartbeat
from notifications.transports.mail import MailTransport
from portal import audit
from portal.models import AuditEvent, Practice
from portal.signals import worker_idle
from tests.smtp import OK, MailServer

pytestmark = pytest.mark.django_db

State = OutgoingMessage.State
SECRET = "K7QF-2M9T-XB4C"


@pytest.fixture(autouse=True)
def _a_fixed_day() -> Iterator[None]:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        yield


def owe(
    practice: Practice | None = None, recipient: str = "elena@families.example", **fields: object
) -> OutgoingMessage:
    with transaction.atomic():
        return outbox.enqueue(
            practice=practice,
            channel=Channel.EMAIL,
            recipient=recipient,
            shown_recipient=recipient,
            sender_name="Maple Grove Pediatrics",
            reply_to="hello@maplegrove.example",
            subject="Set up your access",
            text=f"Your PIN: {SECRET}",
            html=f"<p>{SECRET}</p>",
            about=uuid.UUID(int=7),
            **fields,  # type: ignore[arg-type]
        )


def deliver() -> int:
    return delivery.run(stop=threading.Event(), once=True)


def events(message: OutgoingMessage) -> list[str]:
    return list(message.events.values_list("kind", flat=True))


def test_an_accepted_message_is_finished_and_wiped(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    assert deliver() == 1

    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    assert (message.due_at, message.lease) == (None, None)
    assert not Content.objects.exists()
    assert events(message) == ["queued", "accepted"]
    event = AuditEvent.objects.get(action="message_accepted")
    assert (event.actor_name, event.patient_id, event.practice) == ("delivery worker", uuid.UUID(int=7), practice)
    assert deliver() == 0


def test_the_mail_that_arrives(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    deliver()
    (mail,) = mail_server.received
    assert mail["From"] == "Maple Grove Pediatrics <portal@localhost>"
    assert mail["To"] == "elena@families.example"
    assert mail["Reply-To"] == "hello@maplegrove.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{message.pk}@localhost>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_refused_for_now_is_tried_again_later(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
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
    ("reply", "told"),
    [
        ("550 5.1.1 no such user K7QF-2M9T-XB4C", "The address was refused: there is no such mailbox (550 5.1.1)."),
        ("552 5.2.2 over quota", "The address was refused: the mailbox is full (552 5.2.2)."),
        ("550 go away", "The address was refused (550)."),
    ],
)
def test_refused_for_good_is_not_tried_again(
    practice: Practice, mail_server: MailServer, reply: str, told: str
) -> None:
    message = owe(practice)
    mail_server.answer_recipient = lambda _: reply
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome, message.due_at) == (State.FAILED, told, None)
    assert message.address_refused
    assert not Content.objects.exists()
    assert events(message) == ["queued", "failed"]
    assert AuditEvent.objects.get(action="message_failed").details["outcome"] == told


@pytest.mark.parametrize("why", ["what it says is refused", "the address is refused for now"])
def test_an_address_is_refused_for_good_or_not_at_all(practice: Practice, mail_server: MailServer, why: str) -> None:
    message = owe(practice)
    if why == "what it says is refused":
        mail_server.answer = lambda _: "554 5.7.1 looks like spam"
    else:
        mail_server.answer_recipient = lambda _: "450 4.2.1 try later"
        OutgoingMessage.objects.update(attempts=delivery.MAX_ATTEMPTS)
    deliver()
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert not message.address_refused


def test_a_server_that_hangs_up_gets_the_message_again(practice: Practice, mail_server: MailServer) -> None:
    message, other = owe(practice), owe(practice, "pablo@families.example")
    mail_server.answer = lambda recipient: None if recipient.startswith("elena") else OK
    assert deliver() == 2
    message.refresh_from_db()
    other.refresh_from_db()
    assert (message.state, message.outcome) == (State.QUEUED, "The mail server could not be reached, or hung up.")
    assert other.state == State.ACCEPTED


def test_a_server_that_is_down_loses_nothing(practice: Practice) -> None:
    message = owe(practice)
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


def test_in_the_end_it_gives_up(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    for _ in range(delivery.MAX_ATTEMPTS):
        with time_machine.travel(message.due_at or timezone.now(), tick=False):
            deliver()
        message.refresh_from_db()
    assert (message.state, message.attempts) == (State.FAILED, delivery.MAX_ATTEMPTS)
    assert len(mail_server.tries) == delivery.MAX_ATTEMPTS


def test_retries_come_later_and_later_but_never_too_late() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    delays = [delivery.retry_at(n, now=now, jitter=lambda: 0.0) - now for n in range(1, delivery.MAX_ATTEMPTS)]
    assert delays[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert delays == sorted(delays)
    assert delays[-1] == delivery.LONGEST_DELAY
    assert timedelta(hours=3) < sum(delays, timedelta()) < timedelta(hours=6)


def test_what_is_no_longer_true_is_not_sent(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice, valid_until=timezone.now() + timedelta(minutes=10))
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=False):
        deliver()
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert "no longer valid" in message.outcome
    assert mail_server.tries == []


def test_a_cancelled_message_is_never_sent(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    assert outbox.cancel(message)
    assert deliver() == 0
    assert not outbox.cancel(message)
    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert not Content.objects.exists()
    assert mail_server.tries == []


def test_a_message_that_is_going_out_is_at_least_not_tried_again(practice: Practice, mail_server: MailServer) -> None:
    class TakenBackMeanwhile(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            assert not outbox.cancel(message)
            return super().send(message, content)

    message = owe(practice)
    mail_server.answer = lambda _: "451 4.3.0 try later"
    delivery.run(stop=threading.Event(), once=True, transport=TakenBackMeanwhile())
    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert len(mail_server.tries) == 1


def test_what_is_taken_back_before_its_turn_is_not_sent(practice: Practice, mail_server: MailServer) -> None:
    first, second = owe(practice), owe(practice)
    batch = delivery.claim()
    assert len(batch) == 2
    assert not outbox.cancel(batch[1])
    delivery.deliver(batch, transport=MailTransport(), stop=threading.Event())
    assert set(OutgoingMessage.objects.values_list("pk", "state", "outcome")) == {
        (batch[0].pk, State.ACCEPTED, "Accepted by the mail server."),
        (batch[1].pk, State.CANCELLED, "Cancelled before it was sent."),
    }
    assert {first.pk, second.pk} == {message.pk for message in batch}
    assert len(mail_server.received) == 1
    assert not Content.objects.exists()


def test_what_is_taken_back_while_another_goes_out_slowly_is_not_sent(
    practice: Practice, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RECHECK_EVERY", timedelta(0))  # every send is a slow one
    owed = [owe(practice), owe(practice)]

    class TakesBackTheOther(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            (other,) = (each for each in owed if each.pk != message.pk)
            outbox.cancel(other)
            return super().send(message, content)

    delivery.run(stop=threading.Event(), once=True, transport=TakesBackTheOther())
    assert len(mail_server.received) == 1
    assert sorted(OutgoingMessage.objects.values_list("state", flat=True)) == [State.ACCEPTED, State.CANCELLED]


def test_who_is_stopped_gives_back_what_was_not_begun(practice: Practice, mail_server: MailServer) -> None:
    stop = threading.Event()

    class StoppedWhileSending(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            stop.set()
            return super().send(message, content)

    for _ in range(3):
        owe(practice)
    delivery.run(stop=stop, transport=StoppedWhileSending())
    assert len(mail_server.received) == 1
    left = OutgoingMessage.objects.exclude(state=State.ACCEPTED)
    assert list(left.values_list("state", "attempts", "lease")) == [(State.QUEUED, 0, None)] * 2
    assert deliver() == 2
    assert len(mail_server.received) == 3


def test_what_was_taken_back_and_not_begun_was_not_sent(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    batch = delivery.claim()
    assert not outbox.cancel(message), "a worker holds it"
    stopped = threading.Event()
    stopped.set()
    delivery.deliver(batch, transport=MailTransport(), stop=stopped)
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.CANCELLED, "Cancelled before it was sent.")
    assert mail_server.tries == []


def test_a_slow_server_keeps_no_message_from_the_other_workers(practice: Practice, mail_server: MailServer) -> None:
    for _ in range(3):
        owe(practice)
    with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False) as now:

        class Slow(MailTransport):
            def send(self, message: OutgoingMessage, content: Content) -> str:
                now.shift(timedelta(seconds=20))
                return super().send(message, content)

        delivery.deliver(delivery.claim(), transport=Slow(), stop=threading.Event())
        assert sorted(OutgoingMessage.objects.values_list("state", flat=True)) == ["accepted", "queued", "queued"]
        assert deliver() == 2
    assert len(set(mail_server.message_ids)) == 3


def test_every_message_of_a_batch_has_its_line_in_the_trail(practice: Practice, mail_server: MailServer) -> None:
    owed = [owe(practice) for _ in range(delivery.BATCH + 2)]
    deliver()
    lines = AuditEvent.objects.filter(action=AuditEvent.Action.MESSAGE_ACCEPTED)
    assert {line.details["message"] for line in lines} == {str(message.pk) for message in owed}
    assert lines.count() == len(owed)
    assert audit.verify() == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_waited_for_alone(practice: Practice, mail_server: MailServer) -> None:
    """With several rows in hand the worker, and whoever takes two of them back, might wait for each other."""
    held, other = owe(practice), owe(practice)
    sent, recorded = threading.Event(), threading.Event()

    class HeldMeanwhile(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            outcome = super().send(message, content)
            if len(mail_server.received) == 2:
                threading.Thread(target=hold).start()
                assert sent.wait(5)
            return outcome

    def hold() -> None:
        with transaction.atomic():
            OutgoingMessage.objects.select_for_update().get(pk=held.pk)
            sent.set()
            if connection.vendor == "postgresql":  # SQLite has one lock for all rows
                assert recorded.wait(5)
        connection.close()

    def watch() -> None:
        while not OutgoingMessage.objects.filter(pk=other.pk, state=State.ACCEPTED).exists():
            time.sleep(0.02)
        recorded.set()
        connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    delivery.run(stop=threading.Event(), once=True, transport=HeldMeanwhile())
    watcher.join()
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {State.ACCEPTED}


def test_what_was_taken_back_while_a_worker_died_with_it_is_not_sent(
    practice: Practice, mail_server: MailServer
) -> None:
    message = owe(practice)
    assert delivery.claim()
    assert not outbox.cancel(message)
    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=False):
        deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (
        State.CANCELLED,
        "Cancelled. A worker that did not come back may have sent it.",
    )
    assert mail_server.tries == []
    assert not Content.objects.exists()


class Dies(MailTransport):
    """A worker that is killed after the server's "250", before it could say so."""

    def send(self, message: OutgoingMessage, content: Content) -> str:
        super().send(message, content)
        raise KeyboardInterrupt


def a_worker_dies() -> None:
    with pytest.raises(KeyboardInterrupt):
        delivery.run(stop=threading.Event(), once=True, transport=Dies())


def later(**step: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**step), tick=False)


def test_what_nobody_can_record_is_not_sent_time_and_again(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    for minutes in range(0, 3 * (delivery.MAX_ABANDONED + 1), 3):
        with later(minutes=minutes):
            a_worker_dies()
    assert len(mail_server.received) == delivery.MAX_ABANDONED + 1
    with later(hours=1):
        assert deliver() == 1
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert message.outcome.endswith("A worker that did not come back may have sent it.")
    assert len(mail_server.received) == delivery.MAX_ABANDONED + 1
    assert AuditEvent.objects.get(action="message_failed").details["outcome"] == message.outcome
    assert not Content.objects.exists()


def test_what_a_worker_died_with_is_never_called_not_sent(practice: Practice, mail_server: MailServer) -> None:
    """Whether it runs out, is taken back at its next turn or before, or is refused then: it may be out."""
    runs_out = owe(practice, valid_until=timezone.now() + timedelta(minutes=10))
    a_worker_dies()
    with later(minutes=11):
        deliver()
    runs_out.refresh_from_db()
    assert (runs_out.state, runs_out.outcome) == (
        State.FAILED,
        "Not sent: what it says is no longer valid. A worker that did not come back may have sent it.",
    )

    given_back, refused = owe(practice), owe(practice, recipient="nobody@families.example")
    a_worker_dies()
    stopped = threading.Event()
    stopped.set()
    with later(minutes=3):
        delivery.deliver(delivery.claim(), transport=MailTransport(), stop=stopped)
        given_back.refresh_from_db()
        assert given_back.state == State.QUEUED
        assert outbox.cancel(given_back)
        mail_server.answer = lambda _: "550 5.1.1 no such user"
        deliver()
    for message, state in ((given_back, State.CANCELLED), (refused, State.FAILED)):
        message.refresh_from_db()
        assert message.state == state
        assert message.outcome.endswith(". A worker that did not come back may have sent it.")
        assert "before it was sent" not in message.outcome


def test_a_clock_set_back_stops_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour back after the first round: the second, half a minute later, stamps its row and tidies up all the same."""
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


def test_a_message_that_nobody_foresaw_does_not_stop_the_others(practice: Practice, mail_server: MailServer) -> None:
    class Stumbles(MailTransport):
        def send(self, message: OutgoingMessage, content: Content) -> str:
            if message.pk == bad.pk:
                raise LookupError(f"a fault of ours, with {SECRET} in it")
            return super().send(message, content)

    bad, good = owe(practice), owe(practice)
    assert delivery.run(stop=threading.Event(), once=True, transport=Stumbles()) == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.QUEUED, State.ACCEPTED)
    assert SECRET not in bad.outcome


def test_our_own_address_refused_is_no_fault_of_the_message(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
    mail_server.answer_sender = "530 5.7.0 authentication required"
    deliver()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.QUEUED, "Our own address was refused (530 5.7.0).")


def test_whoever_lost_the_lease_walks_away(practice: Practice, mail_server: MailServer) -> None:
    message = owe(practice)
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


def test_what_one_cannot_open_keeps_no_other_of_its_batch(practice: Practice, mail_server: MailServer) -> None:
    from cryptography.fernet import Fernet

    with override_settings(SEALING_KEYS=[Fernet.generate_key().decode()]):
        sealed_elsewhere = owe(practice)
    ours = owe(practice)
    assert deliver() == 2
    states = dict(OutgoingMessage.objects.values_list("pk", "state"))
    assert states == {sealed_elsewhere.pk: State.QUEUED, ours.pk: State.ACCEPTED}


def test_a_worker_without_the_key_leaves_the_message_to_one_that_has_it(
    practice: Practice, mail_server: MailServer
) -> None:
    from cryptography.fernet import Fernet
    from django.conf import settings

    message = owe(practice)
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


def test_a_line_break_in_an_address_fails_and_does_not_stop_the_rest(
    practice: Practice, mail_server: MailServer
) -> None:
    bad = owe(practice, "elena@families.example\nBcc: all@families.example")
    good = owe(practice)
    deliver()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.FAILED, State.ACCEPTED)
    assert len(mail_server.received) == 1


def test_nothing_of_the_message_is_in_the_log(
    practice: Practice, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    owe(practice)
    mail_server.answer = lambda _: f"451 4.3.0 {SECRET}"
    deliver()
    assert caplog.records
    assert SECRET not in caplog.text
    assert "elena" not in caplog.text


def test_a_job_that_fails_keeps_no_other_from_its_turn(
    mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def stumbles(**_: object) -> None:
        raise ValueError(f"about {SECRET}")

    def works(**_: object) -> None:
        done.append("yes")

    worker_idle.connect(stumbles)
    worker_idle.connect(works)
    try:
        assert delivery.run(stop=threading.Event(), once=True) == 0
    finally:
        worker_idle.disconnect(stumbles)
        worker_idle.disconnect(works)
    assert done == ["yes"]
    assert "stumbles" in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_a_message_belongs_to_a_transaction(transactional_db: None) -> None:
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
