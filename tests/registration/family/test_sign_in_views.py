"""Tests for signing in as a family, and for resetting a password."""

import re
from typing import Any

import pytest
from django.test import Client

from notifications.models import Content
from portal.models import AuditEvent, User
from registration.models import PortalAccount
from tests import signup_steps

NEW_PASSWORD = "an owl counts the autumn rain"


def sign_in(client: Client, password: str = signup_steps.PASSWORD) -> Any:
    return client.post("/start/sign-in/", {"login": signup_steps.EMAIL, "password": password})


def test_sign_in_with_a_wrong_and_the_right_password(client: Client, account: PortalAccount) -> None:
    client.post("/family/sign-out/")
    wrong = sign_in(client, "not the right password")
    assert wrong.status_code == 422
    assert signup_steps.EMAIL in wrong.content.decode()
    assert "not the right password" not in wrong.content.decode()
    assert sign_in(client).headers["Location"] == "/family/"
    assert client.get("/start/sign-in/").headers["Location"] == "/family/"
    assert AuditEvent.objects.filter(action="signed_in", actor=account.user).count() == 2


@pytest.mark.parametrize("had_password", [True, False])
def test_password_is_reset_with_an_emailed_code(client: Client, account: PortalAccount, had_password: bool) -> None:
    client.post("/family/sign-out/")
    if not had_password:  # the account had only a passkey, which is lost
        User.objects.filter(pk=account.user_id).update(password="!")
    assert "/accounts/password/reset/" in client.get("/start/help-signing-in/").content.decode()
    assert "css/family.css" in client.get("/accounts/password/reset/").content.decode()
    response = client.post("/accounts/password/reset/", {"email": signup_steps.EMAIL})
    page = client.get(response.headers["Location"]).content.decode()
    assert "css/family.css" in page
    text = Content.objects.filter(message__recipient=signup_steps.EMAIL).latest("message__created_at").text
    code = re.search(r"^\s*([A-Z0-9]+(?:-[A-Z0-9]+)*)\s*$", text, re.MULTILINE)
    assert code, text
    client.post("/accounts/password/reset/confirm/", {"code": code[1]})
    complete = client.post("/accounts/password/reset/complete/", {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    done = client.get(complete.headers["Location"]).content.decode()
    assert "/start/sign-in/" in done
    assert sign_in(client).status_code == 422
    assert sign_in(client, NEW_PASSWORD).headers["Location"] == "/family/"


def test_staff_sign_in_page_keeps_the_staff_style(client: Client, account: PortalAccount) -> None:
    client.post("/family/sign-out/")
    client.get("/start/sign-in/")
    assert "css/portal.css" in client.get("/accounts/login/").content.decode()
