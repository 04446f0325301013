"""Tests for the language of family pages: the address, the saved choice, the account, the browser, English."""

import pytest
from django.test import Client

from portal.models import Practice
from registration.models import PortalAccount


@pytest.mark.parametrize(
    ("browser", "language"),
    [
        ("es-MX,es;q=0.9", "es"),
        ("fr-FR,es;q=0.5", "es"),
        ("fr-FR", "en"),
        ("", "en"),
        ("zz;;,q=,*", "en"),
        ("en-GB,es;q=.5", "en"),
    ],
)
def test_browser_language_is_used_if_we_offer_it(
    client: Client, practice: Practice, browser: str, language: str
) -> None:
    response = client.get("/start/", headers={"Accept-Language": browser})
    assert response.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in response.content.decode()


def test_language_in_the_address_is_remembered(client: Client, practice: Practice) -> None:
    assert client.get("/start/?lang=es").headers["Content-Language"] == "es"
    assert client.get("/start/sign-in/", headers={"Accept-Language": "en"}).headers["Content-Language"] == "es"
    assert client.get("/start/?lang=en").headers["Content-Language"] == "en"
    assert client.get("/start/", headers={"Accept-Language": "es"}).headers["Content-Language"] == "en"
    assert client.get("/start/?lang=xx").headers["Content-Language"] == "en"


def test_account_language_comes_before_the_browser_language(family: Client, account: PortalAccount) -> None:
    PortalAccount.objects.update(language="es")
    assert family.get("/family/", headers={"Accept-Language": "en"}).headers["Content-Language"] == "es"


def test_months_are_in_the_family_language(client: Client, practice: Practice) -> None:
    assert "Noviembre" in client.get("/start/?lang=es").content.decode().title()


def test_staff_pages_are_always_in_english(desk: Client) -> None:
    page = desk.get("/?lang=es", headers={"Accept-Language": "es"})
    assert '<html lang="en">' in page.content.decode()
    assert "Content-Language" not in page.headers
