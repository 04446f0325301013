"""Kill a worker in the middle of 500 messages: the next one sends the rest, none is lost, and repeats are recognizable."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from notifications import delivery, outbox
from notifications.models import Channel, OutgoingMessage
from tests.smtp import MailServer

MESSAGES = 500
LEASE_SECONDS = 3


def worker(port: int, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a worker in its own process, on the test's database."""
    database = connection.settings_dict
    url = (
        f"sqlite:///{database['NAME']}"
        if connection.vendor == "sqlite"
        else f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "DELIVERY_LEASE_SECONDS": str(LEASE_SECONDS),
        "SEALING_KEYS": ",".join(settings.SEALING_KEYS),
        "AUDIT_KEY": settings.AUDIT_KEY,
    }
    manage = Path(settings.BASE_DIR) / "manage.py"
    return subprocess.Popen(
        [sys.executable, str(manage), "deliver", *arguments], env=environment, stderr=subprocess.DEVNULL
    )


def wait_until(done: object, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_worker_loses_no_message_and_repeats_at_most_one_batch(mail_server: MailServer) -> None:
    with transaction.atomic():
        for number in range(MESSAGES):
            address = f"parent{number}@families.example"
            outbox.enqueue(
                practice=None,
                channel=Channel.EMAIL,
                recipient=address,
                shown_recipient=address,
                sender_name="",
                subject="s",
                text="t",
            )

    first = worker(mail_server.port)
    wait_until(lambda: len(mail_server.received) >= MESSAGES // 5, seconds=60)
    first.send_signal(signal.SIGKILL)
    first.wait()
    sent_before = len(mail_server.received)
    assert sent_before < MESSAGES

    second = worker(mail_server.port)
    finished = OutgoingMessage.objects.filter(state=OutgoingMessage.State.ACCEPTED)
    wait_until(lambda: finished.count() == MESSAGES, seconds=90)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=20) == 0

    ids = mail_server.message_ids
    assert len(set(ids)) == MESSAGES
    assert len(ids) - MESSAGES <= delivery.BATCH, "only messages that the killed worker had claimed may arrive twice"
    assert not OutgoingMessage.objects.exclude(due_at=None).exists()
