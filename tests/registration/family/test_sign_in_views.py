"""Signing in at the family's door, and the ways back in."""

import re
from typing import Any

import pytest
from django.test import Client

from notifications.models import Content
from portal.models import AuditEvent, User
from registration.models import PortalAccount
from tests import signup_steps

NEW = "an owl counts the autumn rain"


def sign_in(client: Client, passphrase: str = signup_steps.PASSPHRASE) -> Any:
    return client.post("/start/sign-in/", {"login": signup_steps.ADDRESS, "password": passphrase})


def test_with_the_passphrase(client: Client, account: PortalAccount) -> None:
    client.post("/family/sign-out/")
    wrong = sign_in(client, "not the right passphrase")
    assert wrong.status_code == 422
    assert signup_steps.ADDRESS in wrong.content.decode()
    assert "not the right passphrase" not in wrong.content.decode()
    assert sign_in(client).headers["Location"] == "/family/"
    assert client.get("/start/sign-in/").headers["Location"] == "/family/"
    assert AuditEvent.objects.filter(action="signed_in", actor=account.user).count() == 2


@pytest.mark.parametrize("had_a_passphrase", [True, False])
def test_a_code_by_e_mail_makes_a_new_passphrase(
    client: Client, account: PortalAccount, had_a_passphrase: bool
) -> None:
    client.post("/family/sign-out/")
    if not had_a_passphrase:  # a passkey alone, which is lost
        User.objects.filter(pk=account.user_id).update(password="!")
    assert "/accounts/password/reset/" in client.get("/start/help-signing-in/").content.decode()
    assert "css/family.css" in client.get("/accounts/password/reset/").content.decode()
    asked = client.post("/accounts/password/reset/", {"email": signup_steps.ADDRESS})
    page = client.get(asked.headers["Location"]).content.decode()
    assert "css/family.css" in page
    text = Content.objects.filter(message__recipient=signup_steps.ADDRESS).latest("message__created_at").text
    code = re.search(r"^\s*([A-Z0-9]+(?:-[A-Z0-9]+)*)\s*$", text, re.MULTILINE)
    assert code, text
    client.post("/accounts/password/reset/confirm/", {"code": code[1]})
    complete = client.post("/accounts/password/reset/complete/", {"password1": NEW, "password2": NEW})
    done = client.get(complete.headers["Location"]).content.decode()
    assert "/start/sign-in/" in done
    assert sign_in(client).status_code == 422
    assert sign_in(client, NEW).headers["Location"] == "/family/"


def test_the_staffs_door_keeps_its_look(client: Client, account: PortalAccount) -> None:
    client.post("/family/sign-out/")
    client.get("/start/sign-in/")
    assert "css/portal.css" in client.get("/accounts/login/").content.decode()
