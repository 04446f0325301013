"""What a load balancer asks: whatever it calls the machine, and through to the database."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.17", "10.0.0.17:8000", "portal.example.org", "not a host"])
def test_health_is_answered_whatever_the_host_is_called(client: Client, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/healthz", headers={"Host": host})
    assert (response.status_code, response.content) == (200, b"ok")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_other_pages_still_want_their_host(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    assert client.get("/accounts/login/", headers={"Host": "10.0.0.17"}).status_code == 400


@pytest.mark.django_db
def test_without_the_database_nothing_is_healthy(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_answers() -> None:
        raise OperationalError("nobody answers")

    monkeypatch.setattr(connection, "cursor", nobody_answers)
    assert client.get("/healthz").status_code == 503


def test_health_is_only_asked(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
