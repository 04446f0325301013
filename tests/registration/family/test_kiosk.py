"""Tests for kiosk mode: the practice's own screen in a family's hands."""

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
def kiosk(desk: Client) -> Client:
    """Return the front desk's client in kiosk mode."""
    response = desk.post("/start/kiosk/")
    assert response.headers["Location"] == "/start/"
    return desk


def test_starting_the_kiosk_signs_staff_out_and_is_audited(kiosk: Client, practice: Practice) -> None:
    assert kiosk.get("/").headers["Location"].startswith("/accounts/login/")
    page = kiosk.get("/start/").content.decode()
    assert "This device belongs to the practice." in page
    assert practice.name in page
    event = AuditEvent.objects.get(action="screen_handed_over")
    assert (event.practice, event.actor_name) == (practice, "desk@maplegrove.example")


def test_kiosk_can_only_be_started_by_front_desk_staff(client: Client, practice: Practice) -> None:
    assert client.post("/start/kiosk/").headers["Location"].startswith("/accounts/login/")
    client.force_login(factories.a_member(None, email="no-role@maplegrove.example"))
    assert client.post("/start/kiosk/").status_code == 403
    assert client.get("/start/kiosk/").status_code == 405


def test_sign_up_on_the_kiosk_ends_with_everything_cleared(kiosk: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    signup_steps.enter_pin(kiosk, pin, patient.birth_date)
    signup_steps.enter_about_you(kiosk)
    page = kiosk.get("/start/sign-in-details/").content.decode()
    assert "passkey" not in page
    assert "new-password" not in page
    signup_steps.enter_sign_in_details(kiosk)
    key = kiosk.session.session_key
    done = signup_steps.enter_code(kiosk)
    assert done.headers["Location"].startswith("/start/cleared/?ready=yes")
    assert done.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert not Session.objects.filter(pk=key).exists()
    assert "Your account is ready" in kiosk.get(done.headers["Location"]).content.decode()
    assert kiosk.get("/family/").headers["Location"] == "/start/sign-in/"
    assert PortalAccount.objects.count() == 1


def test_finish_and_clear_deletes_the_draft(kiosk: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.enter_pin(kiosk, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    cleared = kiosk.post("/start/clear-screen/")
    assert "Clear-Site-Data" in cleared.headers
    assert "This screen is cleared" in kiosk.get(cleared.headers["Location"]).content.decode()
    assert kiosk.get("/start/about-you/").headers["Location"] == "/start/"


def test_idle_kiosk_is_cleared_on_the_next_request(desk: Client, patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        desk.force_login(actor.user)  # type: ignore[arg-type]
        desk.post("/start/kiosk/")
        signup_steps.enter_pin(desk, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
        clock.shift(timedelta(minutes=4))
        assert desk.get("/start/about-you/").status_code == 200
        clock.shift(timedelta(minutes=5, seconds=1))
        late = signup_steps.enter_about_you(desk)
        assert late.headers["Location"].startswith("/start/cleared/")
        assert "Clear-Site-Data" in late.headers
        assert desk.get("/start/about-you/").headers["Location"] == "/start/"


def test_family_that_adds_a_child_on_the_kiosk_is_signed_out(
    family: Client, front_desk: User, brother: Patient, actor: Actor
) -> None:
    kiosk = Client()
    kiosk.force_login(front_desk)
    kiosk.post("/start/kiosk/")
    signup_steps.enter_pin(kiosk, signup_steps.issue_pin([brother], actor=actor), brother.birth_date)
    kiosk.post("/start/sign-in/", {"login": signup_steps.EMAIL, "password": signup_steps.PASSWORD})
    done = kiosk.post("/start/add/", {"relationship": "mother"})
    assert done.headers["Location"].startswith("/start/cleared/?ready=yes")
    assert kiosk.get("/family/").headers["Location"] == "/start/sign-in/"


def is_kiosk(client: Client) -> bool:
    return "kiosk_seen_at" in client.session


def test_staff_sign_in_ends_the_kiosk(kiosk: Client, front_desk: User, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    front_desk.set_password(signup_steps.PASSWORD)
    front_desk.save()
    for address in ("/accounts/login/", "/start/sign-in/"):
        kiosk.post("/start/kiosk/")
        signup_steps.enter_pin(kiosk, pin, patient.birth_date)
        assert is_kiosk(kiosk)
        assert "family_draft" in kiosk.session
        kiosk.post(address, {"login": front_desk.email, "password": signup_steps.PASSWORD})
        assert not is_kiosk(kiosk)
        assert "family_draft" not in kiosk.session
        assert kiosk.get("/").status_code == 200


def test_family_that_signs_in_on_the_staff_page_is_still_on_the_kiosk(family: Client, front_desk: User) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        kiosk = Client()
        kiosk.force_login(front_desk)
        kiosk.post("/start/kiosk/")
        kiosk.post("/accounts/login/", {"login": signup_steps.EMAIL, "password": signup_steps.PASSWORD})
        assert kiosk.get("/family/").status_code == 200
        clock.shift(timedelta(minutes=5, seconds=1))
        assert kiosk.get("/family/").headers["Location"].startswith("/start/cleared/")
        assert kiosk.get("/family/").headers["Location"] == "/start/sign-in/"


@pytest.mark.parametrize(
    "path", ["password/change/", "password/set/", "2fa/", "2fa/webauthn/add/", "2fa/totp/activate/", "sessions/"]
)
def test_sign_in_settings_are_closed_on_the_kiosk(family: Client, front_desk: User, path: str) -> None:
    kiosk = Client()
    kiosk.force_login(front_desk)
    kiosk.post("/start/kiosk/")
    kiosk.post("/start/sign-in/", {"login": signup_steps.EMAIL, "password": signup_steps.PASSWORD})
    assert kiosk.get(f"/accounts/{path}").headers["Location"] == "/start/"


def test_kiosk_pages_declare_their_language(kiosk: Client) -> None:
    for language in ("en", "es"):
        for page in ("/start/", "/accounts/password/reset/", "/start/sign-in/", "/start/no-such-page/"):
            assert f'<html lang="{language}">' in kiosk.get(page, {"lang": language}).content.decode()
