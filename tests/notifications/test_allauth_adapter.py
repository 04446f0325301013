"""Emails about an account: changes and password codes."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.utils import translation

from notifications.models import OutgoingMessage
from portal.models import User
from tests import factories

NOTICES = {
    "account/email/password_changed": "Your password has been changed.",
    "account/email/password_reset": "Your password has been reset.",
    "mfa/email/totp_activated": "Authenticator app activated.",
    "mfa/email/totp_deactivated": "Authenticator app deactivated.",
    "mfa/email/recovery_codes_generated": "recovery codes has been generated.",
    "mfa/email/webauthn_added": "A passkey was added.",
    "mfa/email/webauthn_removed": "A passkey was removed.",
}


def delivered() -> EmailMessage:
    """Run the worker and return the last email it sent."""
    call_command("deliver", "--once", verbosity=0)
    return mail.outbox[-1]


def assert_is_clean(text: str) -> None:
    """Assert that the text names the portal and has no empty placeholders, no links and no stray markup."""
    assert "Practice portal" in text
    for blemish in ("Hello from", "Thank you for using", "from !", "http", "{{", "None", "&#", "  ", "\n\n\n"):
        assert blemish not in text


@pytest.mark.parametrize("template", NOTICES)
def test_account_change_is_reported_by_email(front_desk: User, rf: RequestFactory, template: str) -> None:
    request = rf.get("/", REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "Firefox & sons"})
    request.user = front_desk
    request.session = SessionStore()
    with request_context(request), time_machine.travel(datetime(2026, 11, 23, 14, 5, tzinfo=UTC), tick=False):
        get_adapter().send_notification_mail(template, front_desk)
        text = str(delivered().body)
    assert_is_clean(text)
    assert NOTICES[template] in text
    assert "192.0.2.7" in text
    assert "Firefox & sons" in text
    assert "November 23, 2026, 2:05 PM UTC" in text
    assert OutgoingMessage.objects.get().valid_until is None


def test_password_code_expires_with_its_email(client: Client, front_desk: User) -> None:
    now = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        client.post("/accounts/password/reset/", {"email": front_desk.email})
        sent = delivered()
    text = str(sent.body)
    assert_is_clean(text)
    code = re.search(r"^[A-Z0-9-]{6,}$", text, re.MULTILINE)
    assert code, text
    assert OutgoingMessage.objects.get().valid_until == now + timedelta(
        seconds=app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT
    )
    assert "3 minutes" in text
    assert code[0] not in sent.subject


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("account/email/password_changed", "Se cambió su contraseña."),
        ("mfa/email/webauthn_added", "Se agregó una llave de acceso."),
    ],
)
def test_family_account_change_is_reported_in_spanish(
    front_desk: User, rf: RequestFactory, template: str, sentence: str
) -> None:
    request = rf.get("/", REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "Firefox"})
    request.user = front_desk
    request.session = SessionStore()
    with request_context(request), time_machine.travel(datetime(2026, 11, 23, 14, 5, tzinfo=UTC), tick=False):
        with translation.override("es"):
            get_adapter().send_notification_mail(template, front_desk)
        sent = delivered()
    for words in (
        sentence,
        "Cuándo: 23 de noviembre de 2026, 2:05 p. m. UTC",
        "Dirección de internet: 192.0.2.7",
        "a su consultorio o",
    ):
        assert words in sent.body
    assert "Portal del consultorio" in sent.from_email


def test_password_reset_by_code_works_and_is_reported(client: Client, front_desk: User) -> None:
    client.post("/accounts/password/reset/", {"email": front_desk.email})
    code = re.search(r"^[A-Z0-9-]{6,}$", str(delivered().body), re.MULTILINE)
    assert code
    client.post("/accounts/password/reset/confirm/", {"code": code[0]})
    client.post(
        "/accounts/password/reset/complete/", dict.fromkeys(("password1", "password2"), factories.PASSWORD + "!")
    )
    front_desk.refresh_from_db()
    assert front_desk.check_password(factories.PASSWORD + "!")
    assert NOTICES["account/email/password_reset"] in delivered().body


@pytest.mark.django_db
def test_unknown_address_gets_no_password_code(client: Client) -> None:
    response = client.post("/accounts/password/reset/", {"email": "stranger@elsewhere.example"})
    assert response.status_code == 302
    assert not OutgoingMessage.objects.exists()
