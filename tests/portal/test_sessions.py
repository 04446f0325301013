"""A session ends when it is idle or too old, and leaves nothing on the device."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from notifications import delivery
from portal.models import AuditEvent, User


def test_browser_may_not_store_any_page(desk: Client) -> None:
    for path in ("/", "/patients/", "/accounts/login/", "/nowhere/"):
        assert "no-store" in desk.get(path).headers["Cache-Control"]


def test_half_an_hour_without_activity_signs_the_user_out(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=29))
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=29))
        assert client.get("/patients/").status_code == 200
        clock.shift(timedelta(minutes=31))
        assert client.get("/patients/").status_code == 302


def test_background_requests_do_not_keep_the_user_signed_in(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        client.get("/patients/")
        for _ in range(7):
            clock.shift(timedelta(minutes=5))
            response = client.get("/", headers={"X-Live-Update": "true"})
        assert response.status_code == 302


@pytest.mark.slow
def test_active_session_ends_after_twelve_hours(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        while timezone.now() < datetime(2026, 11, 23, 18, 50, tzinfo=UTC):
            assert client.get("/patients/").status_code == 200
            clock.shift(timedelta(minutes=10))
        clock.move_to("2026-11-23T19:00:00Z")
        assert client.get("/patients/").status_code == 200
        clock.move_to("2026-11-23T19:00:01Z")
        assert client.get("/patients/").status_code == 302


def test_session_without_a_sign_in_time_ends(desk: Client) -> None:
    session = desk.session
    del session["signed_in_at"]
    session.save()
    assert desk.get("/patients/").status_code == 302


def test_new_sign_in_restarts_the_twelve_hours(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        clock.shift(timedelta(hours=11, minutes=59))
        client.force_login(front_desk)
        clock.shift(timedelta(minutes=20))
        assert client.get("/patients/").status_code == 200


@pytest.mark.parametrize(
    ("pauses", "reason"), [([timedelta(minutes=31)], "idle"), ([timedelta(minutes=29)] * 25, "twelve hours")]
)
def test_audit_trail_has_the_reason_of_an_automatic_sign_out(
    client: Client, front_desk: User, pauses: list[timedelta], reason: str
) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        client.get("/patients/")
        for pause in pauses:
            clock.shift(pause)
            client.get("/patients/")
    assert AuditEvent.objects.get(action="signed_out").details == {"why": reason}


def test_sign_out_by_the_user_is_recorded_without_a_reason(desk: Client) -> None:
    desk.post("/accounts/logout/")
    assert AuditEvent.objects.get(action="signed_out").details == {}


def test_worker_deletes_expired_sessions(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T09:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        clock.shift(timedelta(hours=12, seconds=-1))
        delivery.run(stop=threading.Event(), once=True)
        assert Session.objects.exists()
        clock.shift(timedelta(seconds=2))
        delivery.run(stop=threading.Event(), once=True)
        assert not Session.objects.exists()


def test_content_security_policy_forbids_inline_code(desk: Client) -> None:
    policy = desk.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_open_page_can_check_whether_the_session_has_ended(client: Client, front_desk: User) -> None:
    assert client.get("/accounts/session/").status_code == 401
    client.force_login(front_desk)
    assert client.get("/accounts/session/").status_code == 204


def test_user_signed_out_in_the_registration_window_returns_to_the_account_page(
    client: Client, front_desk: User
) -> None:
    response = client.post(
        "/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/register/",
        headers={
            "HX-Request": "true",
            "HX-Current-URL": "http://testserver/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/",
        },
    )
    assert response.headers["HX-Redirect"].endswith("?next=/patients/4ff9c1f0-3d4f-4d5e-8f3e-0d6c5a0c6f11/")
    assert "You were signed out, so your last change was not saved." in client.get("/accounts/login/").content.decode()
