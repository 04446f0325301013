"""The practice's own screen in a family's hands ends with everything cleared."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from portal.models import AuditEvent, Practice, User
from registration.models import PortalAccount
from tests import factories, signup_steps


@pytest.fixture
def screen(desk: Client) -> Client:
    """The desk's browser, handed over."""
    response = desk.post("/start/kiosk/")
    assert response.headers["Location"] == "/start/"
    return desk


def test_handing_over_signs_the_desk_out(screen: Client, practice: Practice) -> None:
    assert screen.get("/").headers["Location"].startswith("/accounts/login/")
    page = screen.get("/start/").content.decode()
    assert "This is the practice’s screen." in page
    assert practice.name in page
    line = AuditEvent.objects.get(action="screen_handed_over")
    assert (line.practice, line.actor_name) == (practice, "desk@maplegrove.example")


def test_only_the_desk_hands_a_screen_over(client: Client, practice: Practice) -> None:
    assert client.post("/start/kiosk/").headers["Location"].startswith("/accounts/login/")
    client.force_login(factories.a_member(None, email="nobody@maplegrove.example"))
    assert client.post("/start/kiosk/").status_code == 403
    assert client.get("/start/kiosk/").status_code == 405


def test_the_account_is_made_and_everything_is_cleared(screen: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    signup_steps.open_door(screen, pin, patient.birth_date)
    signup_steps.tell_you(screen)
    page = screen.get("/start/sign-in-details/").content.decode()
    assert "passkey" not in page
    assert "new-password" not in page
    signup_steps.details(screen)
    key = screen.session.session_key
    done = signup_steps.prove(screen)
    assert done.headers["Location"].startswith("/start/cleared/?ready=yes")
    assert done.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert not Session.objects.filter(pk=key).exists()
    assert "Your account is ready" in screen.get(done.headers["Location"]).content.decode()
    assert screen.get("/family/").headers["Location"] == "/start/sign-in/"
    assert PortalAccount.objects.count() == 1


def test_finish_and_clear(screen: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.open_door(screen, signup_steps.issued([patient], actor=actor), patient.birth_date)
    cleared = screen.post("/start/clear-screen/")
    assert "Clear-Site-Data" in cleared.headers
    assert "Everything is cleared" in screen.get(cleared.headers["Location"]).content.decode()
    assert screen.get("/start/about-you/").headers["Location"] == "/start/"


def test_a_screen_that_nobody_touches_is_cleared(desk: Client, patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        desk.force_login(actor.user)  # type: ignore[arg-type]
        desk.post("/start/kiosk/")
        signup_steps.open_door(desk, signup_steps.issued([patient], actor=actor), patient.birth_date)
        clock.shift(timedelta(minutes=4))
        assert desk.get("/start/about-you/").status_code == 200
        clock.shift(timedelta(minutes=5, seconds=1))
        late = signup_steps.tell_you(desk)
        assert late.headers["Location"].startswith("/start/cleared/")
        assert "Clear-Site-Data" in late.headers
        assert desk.get("/start/about-you/").headers["Location"] == "/start/"


def test_who_has_an_account_adds_a_child_and_is_signed_out(
    family: Client, front_desk: User, brother: Patient, actor: Actor
) -> None:
    screen = Client()
    screen.force_login(front_desk)
    screen.post("/start/kiosk/")
    signup_steps.open_door(screen, signup_steps.issued([brother], actor=actor), brother.birth_date)
    screen.post("/start/sign-in/", {"login": signup_steps.ADDRESS, "password": signup_steps.PASSPHRASE})
    done = screen.post("/start/add/", {"relationship": "mother"})
    assert done.headers["Location"].startswith("/start/cleared/?ready=yes")
    assert screen.get("/family/").headers["Location"] == "/start/sign-in/"


def on_the_screen(client: Client) -> bool:
    return "kiosk_seen_at" in client.session


def test_the_staff_that_signs_in_takes_the_screen_back(
    screen: Client, front_desk: User, patient: Patient, actor: Actor
) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    front_desk.set_password(signup_steps.PASSPHRASE)
    front_desk.save()
    for address in ("/accounts/login/", "/start/sign-in/"):
        screen.post("/start/kiosk/")
        signup_steps.open_door(screen, pin, patient.birth_date)
        assert on_the_screen(screen)
        assert "family_draft" in screen.session
        screen.post(address, {"login": front_desk.email, "password": signup_steps.PASSPHRASE})
        assert not on_the_screen(screen)
        assert "family_draft" not in screen.session
        assert screen.get("/").status_code == 200


def test_a_family_that_signs_in_by_the_staffs_door_is_still_on_the_practices_screen(
    family: Client, front_desk: User
) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        screen = Client()
        screen.force_login(front_desk)
        screen.post("/start/kiosk/")
        screen.post("/accounts/login/", {"login": signup_steps.ADDRESS, "password": signup_steps.PASSPHRASE})
        assert screen.get("/family/").status_code == 200
        clock.shift(timedelta(minutes=5, seconds=1))
        assert screen.get("/family/").headers["Location"].startswith("/start/cleared/")
        assert screen.get("/family/").headers["Location"] == "/start/sign-in/"


@pytest.mark.parametrize(
    "page", ["password/change/", "password/set/", "2fa/", "2fa/webauthn/add/", "2fa/totp/activate/", "sessions/"]
)
def test_nobodys_way_of_signing_in_is_changed_on_the_practices_screen(
    family: Client, front_desk: User, page: str
) -> None:
    screen = Client()
    screen.force_login(front_desk)
    screen.post("/start/kiosk/")
    screen.post("/start/sign-in/", {"login": signup_steps.ADDRESS, "password": signup_steps.PASSPHRASE})
    assert screen.get(f"/accounts/{page}").headers["Location"] == "/start/"


def test_the_pages_name_their_language(screen: Client) -> None:
    for language in ("en", "es"):
        for page in ("/start/", "/accounts/password/reset/", "/start/sign-in/", "/start/no-such-page/"):
            assert f'<html lang="{language}">' in screen.get(page, {"lang": language}).content.decode()
