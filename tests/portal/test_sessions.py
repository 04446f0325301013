"""A session ends when nobody is there, and leaves nothing on the device."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from notifications import delivery
from portal.models import AuditEvent, User


def test_nothing_is_kept_by_the_browser(desk: Client) -> None:
    for path in ("/", "/patients/", "/accounts/login/", "/nowhere/"):
        assert "no-store" in desk.get(path).headers["Cache-Control"]


def test_half_an_hour_of_nothing_signs_out(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=29))
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=29))
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=31))
        assert client.get("/patients/").status_code == 302


def test_what_the_page_asks_for_by_itself_keeps_nobody_signed_in(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        client.get("/patients/")
        for _ in range(7):
            clock.shift(timedelta(minutes=5))
            response = client.get("/", headers={"X-Live-Update": "true"})
        assert response.status_code == 302


@pytest.mark.slow
def test_twelve_hours_are_a_day_however_busy_it_was(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        while timezone.now() < datetime(2026, 11, 23, 18, 50, tzinfo=UTC):
            assert client.get("/patients/").status_code == 200
            clock.shift(timedelta(minutes=10))
        clock.move_to("2026-11-23T19:00:00Z")
        assert client.get("/patients/").status_code == 200
        clock.move_to("2026-11-23T19:00:01Z")
        assert client.get("/patients/").status_code == 302


def test_a_session_that_bears_no_time_of_sign_in_ends(desk: Client) -> None:
    session = desk.session
    del session["signed_in_at"]
    session.save()
    assert desk.get("/patients/").status_code == 302


def test_a_new_sign_in_is_a_new_day(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        clock.shift(timedelta(hours=11, minutes=59))
        client.force_login(front_desk)
        clock.shift(timedelta(minutes=20))
        assert client.get("/patients/").status_code == 200


@pytest.mark.parametrize(
    ("clicks", "why"), [([timedelta(minutes=31)], "idle"), ([timedelta(minutes=29)] * 25, "twelve hours")]
)
def test_the_trail_says_why_somebody_was_signed_out(
    client: Client, front_desk: User, clicks: list[timedelta], why: str
) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        client.get("/patients/")
        for pause in clicks:
            clock.shift(pause)
            client.get("/patients/")
    assert AuditEvent.objects.get(action="signed_out").details == {"why": why}


def test_who_signs_out_needs_no_reason(desk: Client) -> None:
    desk.post("/accounts/logout/")
    assert AuditEvent.objects.get(action="signed_out").details == {}


def test_the_worker_deletes_the_sessions_that_have_run_out(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T09:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        clock.shift(timedelta(hours=12, seconds=-1))
        delivery.run(stop=threading.Event(), once=True)
        assert Session.objects.exists()
        clock.shift(timedelta(seconds=2))
        delivery.run(stop=threading.Event(), once=True)
        assert not Session.objects.exists()


def test_the_policy_allows_no_inline_code(desk: Client) -> None:
    policy = desk.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_an_idle_page_can_ask_whether_the_session_has_ended(client: Client, front_desk: User) -> None:
    assert client.get("/accounts/session/").status_code == 401
    client.force_login(front_desk)
    assert client.get("/accounts/session/").status_code == 204


def test_who_was_signed_out_in_the_window_comes_back_to_the_account(client: Client, front_desk: User) -> None:
    response = client.post(
        "/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/register/",
        headers={
            "HX-Request": "true",
            "HX-Current-URL": "http://testserver/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/",
        },
    )
    assert response.headers["HX-Redirect"].endswith("?next=/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/")
    assert "You were signed out." in client.get("/accounts/login/").content.decode()
