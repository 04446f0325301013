"""The health check answers under any host name and depends on the database."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.17", "10.0.0.17:8000", "portal.example.org", "not a host"])
def test_health_check_accepts_any_host_name(client: Client, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/healthz", headers={"Host": host})
    assert (response.status_code, response.content) == (200, b"ok")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_other_pages_reject_unknown_host_names(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    assert client.get("/accounts/login/", headers={"Host": "10.0.0.17"}).status_code == 400


@pytest.mark.django_db
def test_health_check_fails_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("database unavailable")

    monkeypatch.setattr(connection, "cursor", fail)
    assert client.get("/healthz").status_code == 503


def test_health_check_rejects_posts(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
