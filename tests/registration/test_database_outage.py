"""Database outages during a registration: all or nothing is saved, and what staff typed is kept."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from notifications import delivery
from notifications.models import Content, OutgoingMessage
from patients.models import Contact, Patient
from portal import audit
from portal.models import AuditEvent, Practice
from registration.models import PinDisplay, Registration
from tests.notifications.messages import enqueue
from tests.registration.desk.register_form import typed, window
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

sqlite_only: Final = pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite fails")
postgresql_only: Final = pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL fails")

MESSAGE: Final = "Nothing was saved because the portal is temporarily unavailable."
NO_LIMIT: Final = 2**32 - 2


@contextmanager
def a_full_disk(room: int = 0) -> Iterator[None]:
    """Leave SQLite this many pages to write to."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # Free pages would count as room.
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages + room}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA max_page_count = {NO_LIMIT}")


@contextmanager
def locked_by_another_program() -> Iterator[None]:
    """Let another program hold the write lock. The portal waits 50 ms instead of 20 seconds."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()
        cursor.execute("PRAGMA busy_timeout = 20000")


@contextmanager
def rows_locked_by_another_program() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT 1 FROM patients_patient FOR UPDATE")
            yield
            other.rollback()
        cursor.execute("RESET lock_timeout")


@contextmanager
def _when_an_audit_event_is_written(does: str) -> Iterator[None]:
    """Run this statement on each audit event, which is the last thing that a registration writes."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; END $$")
        cursor.execute("CREATE TRIGGER fails BEFORE INSERT ON portal_auditevent FOR EACH ROW EXECUTE FUNCTION fails()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fails CASCADE")


def server_disk_is_full() -> AbstractContextManager[None]:
    return _when_an_audit_event_is_written("RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'")


def server_disconnects() -> AbstractContextManager[None]:
    return _when_an_audit_event_is_written("PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW")


@contextmanager
def server_is_read_only() -> Iterator[None]:
    """Make the server read-only, as after a failover to another server. The connection stays open."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")


AUDIT_TROUBLES: Final = [
    pytest.param(a_full_disk, marks=sqlite_only),
    pytest.param(locked_by_another_program, marks=sqlite_only),
    pytest.param(server_disk_is_full, marks=postgresql_only),
    pytest.param(server_disconnects, marks=postgresql_only),
]
TROUBLES: Final = [*AUDIT_TROUBLES, pytest.param(rows_locked_by_another_program, marks=postgresql_only)]
READ_ONLY: Final = pytest.param(server_is_read_only, marks=postgresql_only)


def stored() -> dict[str, int]:
    counted: dict[str, Any] = {
        model.__name__: model.objects for model in (Registration, OutgoingMessage, Content, PinDisplay)
    }
    counted |= {action: AuditEvent.objects.filter(action=action) for action in ("registration_issued", "pin_shown")}
    return {name: rows.count() for name, rows in counted.items()}


NOTHING: Final = dict.fromkeys(
    ["Registration", "OutgoingMessage", "Content", "PinDisplay", "registration_issued", "pin_shown"], 0
)
ALL_OF_IT: Final = dict.fromkeys(NOTHING, 1)


@pytest.mark.parametrize("trouble", [*TROUBLES, READ_ONLY])
@pytest.mark.parametrize("htmx", [False, True])
def test_outage_during_registration_saves_nothing_and_keeps_the_input(
    desk: Client,
    patient: Patient,
    mother: Contact,
    trouble: Callable[[], AbstractContextManager[None]],
    htmx: bool,
) -> None:
    desk.raise_request_exception = False
    data = typed(mother, email="elena.new@families.example", shared_address="on")
    headers = {"HX-Request": "true"} if htmx else {}
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):  # After this time, the session is saved, too.
        with trouble():
            response = desk.post(window(patient), data, headers=headers)
        html = response.content.decode()
        assert response.status_code == 503
        assert MESSAGE in html
        assert "Try again in a moment" in html
        assert 'value="elena.new@families.example"' in html
        assert f'value="{data["form_token"]}"' in html
        assert "Traceback" not in html
        assert ("<html" in html) is not htmx
        assert stored() == NOTHING
        patient.refresh_from_db()
        assert patient.portal_status == "unregistered"

        again = desk.post(window(patient), data, headers=headers)
    assert again.status_code == 200
    assert "Registration PIN" in again.content.decode()
    assert stored() == ALL_OF_IT
    assert audit.verify() == []


@pytest.mark.parametrize("trouble", [*TROUBLES, READ_ONLY])
def test_outage_during_send_again_sends_nothing(
    desk: Client, patient: Patient, mother: Contact, trouble: Callable[[], AbstractContextManager[None]]
) -> None:
    desk.post(window(patient), typed(mother))
    again = f"/registrations/{Registration.objects.get().pk}/send-again/"
    before = stored()
    with trouble():
        response = desk.post(again)
    assert response.status_code == 503
    assert MESSAGE in response.content.decode()
    assert stored() == before
    assert "Registration PIN" in desk.post(again).content.decode()
    assert stored() == {name: 2 * number for name, number in before.items()}


@postgresql_only
def test_pin_is_not_displayed_without_its_audit_event(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.raise_request_exception = False
    data = typed(mother)
    full = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'"
    with _when_an_audit_event_is_written(f"IF NEW.action = 'pin_shown' THEN {full}; END IF; RETURN NEW"):
        page = desk.post(window(patient), data).content.decode()
    assert "check the account page before you try again" in page
    assert stored() == ALL_OF_IT | {"pin_shown": 0}
    assert 'class="pin"' in desk.post(window(patient), data).content.decode()
    assert stored() == ALL_OF_IT


@pytest.mark.parametrize("trouble", TROUBLES)
def test_pages_without_audit_event_work_during_an_outage(
    desk: Client, trouble: Callable[[], AbstractContextManager[None]]
) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=5)), trouble():
        assert desk.get("/").status_code == 200
        assert desk.get("/patients/").status_code == 200


@pytest.mark.parametrize("trouble", [*AUDIT_TROUBLES, READ_ONLY])
def test_record_is_not_shown_without_its_audit_event(
    desk: Client, patient: Patient, trouble: Callable[[], AbstractContextManager[None]]
) -> None:
    desk.raise_request_exception = False
    for address in (f"/patients/{patient.pk}/", "/patients/?last_name=garcia"):
        with trouble():  # A full disk may have room for a few more events.
            responses = (desk.get(address) for _ in range(50))
            response = next(response for response in responses if response.status_code != 200)
        html = response.content.decode()
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
        assert "The database is not available" in html
        assert 'href="">Try again</a>' in html
        assert "García" not in html
        assert desk.get(address).status_code == 200


@postgresql_only
def test_first_request_after_a_migration_fails_and_the_next_succeeds(desk: Client, patient: Patient) -> None:
    """PostgreSQL refuses prepared plans from before a column's type changed."""
    desk.raise_request_exception = False
    account = f"/patients/{patient.pk}/"
    assert {desk.get(account).status_code for _ in range(10)} == {200}
    with _a_column_of_another_type():
        assert [desk.get(account).status_code for _ in range(3)] == [503, 200, 200]


@postgresql_only
def test_worker_continues_after_a_migration_and_a_failover(practice: Practice, mail_server: MailServer) -> None:
    class Stops(threading.Event):
        rounds = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.rounds += 1
            if self.rounds == 12:
                self.set()
            elif self.rounds == 8:
                enqueue(practice)
                stack.enter_context(_a_column_of_another_type("notifications_outgoingmessage", "outcome"))
            elif self.rounds == 10:
                enqueue(practice)
                stack.enter_context(server_is_read_only())
            return super().wait(0.01)

    with ExitStack() as stack:
        delivery.run(stop=Stops())
        assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"accepted"}
    assert len(mail_server.received) == 2


@contextmanager
def _a_column_of_another_type(table: str = "portal_practice", column: str = "short_name") -> Iterator[None]:
    """Change the column's type, as a migration that runs at the same time would."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        was = other.execute(
            "SELECT character_maximum_length FROM information_schema.columns WHERE (table_name, column_name) = (%s, %s)",
            [table, column],
        ).fetchone()
        assert was
        other.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({was[0] + 1})")
        yield
        other.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({was[0]})")


def test_lock_wait_is_limited_to_20_seconds() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" if connection.vendor == "sqlite" else "SHOW lock_timeout")
        assert cursor.fetchone() in {(20_000,), ("20s",)}


@postgresql_only
def test_idle_transaction_ends_after_a_minute() -> None:
    """A machine that lost power leaves its transaction open, which would block the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


@sqlite_only
def test_full_disk_saves_all_or_nothing_at_any_size(desk: Client, patient: Patient, mother: Contact) -> None:
    desk.raise_request_exception = False
    data = typed(mother)
    statuses = []
    for room in range(40):
        with a_full_disk(room):
            statuses.append(desk.post(window(patient), data).status_code)
        if statuses[-1] == 200:
            break
        assert stored() == NOTHING
    assert set(statuses) == {200, 503}
    assert stored() == ALL_OF_IT
    assert audit.verify() == []
