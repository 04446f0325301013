"""A session ends when nobody is there, and leaves nothing on the device."""

from datetime import timedelta

import time_machine
from django.test import Client

from portal.models import User


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


def test_twelve_hours_are_a_day(client: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T07:00:00Z", tick=False) as clock:
        client.force_login(front_desk)
        for _ in range(24):
            assert client.get("/patients/").status_code == 200
            clock.shift(timedelta(minutes=29))
        clock.move_to("2026-11-23T19:00:01Z")
        assert client.get("/patients/").status_code == 302


def test_the_policy_allows_no_inline_code(desk: Client) -> None:
    policy = desk.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
