"""Tests for error and maintenance pages: they work without the database, in the reader's style and language."""

from pathlib import Path
from typing import NoReturn

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import translation
from pytest_django import Settings

from portal import urls, views
from portal.models import Practice

# Tests without the practice fixture have no database access, so pytest-django fails them if a page queries it.


def raise_error(request: HttpRequest) -> NoReturn:
    raise RuntimeError("only for the log")


def raise_database_locked(request: HttpRequest) -> NoReturn:
    raise OperationalError("database is locked")


@pytest.fixture
def error_client(settings: Settings) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


urlpatterns = [
    path("family/broken/", raise_error),
    path("broken/", raise_error),
    path("family/busy/", raise_database_locked),
    path("busy/", raise_database_locked),
    *urls.urlpatterns,
]
handler400, handler500 = urls.handler400, urls.handler500


@pytest.fixture
def maintenance_file(settings: Settings, tmp_path: Path) -> Path:
    file = tmp_path / "updating"
    file.write_text("(612) 555-0142\n")
    settings.UPDATING_FILE = file
    return file


def test_error_page_for_staff_hides_the_exception(error_client: Client) -> None:
    response = error_client.get("/broken/")
    page = response.content.decode()
    assert response.status_code == 500
    assert "check the account page before you try again" in page
    assert "only for the log" not in page


@pytest.mark.parametrize(("language", "sentence"), [("en", "It’s our fault"), ("es", "Es culpa nuestra")])
def test_error_page_for_a_family_is_in_its_language(error_client: Client, language: str, sentence: str) -> None:
    error_client.cookies["family-language"] = language
    response = error_client.get("/family/broken/")
    page = response.content.decode()
    assert response.status_code == 500
    assert sentence in page
    assert f'<html lang="{language}">' in page
    assert "dashboard" not in page


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "We’re having trouble right now"), ("es", "Tenemos un problema en este momento")]
)
def test_database_outage_page_for_a_family_is_in_its_language(
    error_client: Client, language: str, sentence: str
) -> None:
    error_client.cookies["family-language"] = language
    response = error_client.get("/family/busy/")
    page = response.content.decode()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.headers["Cache-Control"] == "no-store"
    assert sentence in page
    assert 'href="">' in page
    assert "database" not in page


@pytest.mark.parametrize("address", ["/busy/", "/family/busy/"])
def test_database_outage_during_a_write_is_a_500(error_client: Client, address: str) -> None:
    response = error_client.post(address)
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


@pytest.mark.parametrize(
    ("address", "sentence", "look"),
    [
        ("/", "This request could not be read", "css/portal.css"),
        ("/start/", "We couldn’t read that", "css/family.css"),
    ],
)
def test_bad_request_page_is_in_the_style_of_the_reader(
    client: Client, settings: Settings, address: str, sentence: str, look: str
) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    response = client.get(address, headers={"Host": "somewhere.example"})
    assert response.status_code == 400
    assert sentence in response.content.decode()
    assert look in response.content.decode()


@pytest.mark.parametrize("address", ["/", "/patients/", "/accounts/login/", "/nowhere/"])
def test_staff_pages_are_down_during_maintenance(client: Client, maintenance_file: Path, address: str) -> None:
    response = client.get(address)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "120")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in response.headers
    assert '<span class="text-nowrap">(612) 555-0142</span>' in response.content.decode()


@pytest.mark.parametrize(("language", "sentence"), [("en-US,en", "We’re updating the portal"), ("es-MX,es", "Estamos")])
def test_maintenance_page_for_a_family_is_in_its_language(
    client: Client, maintenance_file: Path, language: str, sentence: str
) -> None:
    response = client.post("/start/", {"pin": "K7QF"}, headers={"Accept-Language": language})
    page = response.content.decode()
    assert response.status_code == 503
    assert sentence in page
    assert '<a class="nowrap" href="tel:6125550142">' in page


def test_empty_maintenance_file_works_without_a_phone_number(client: Client, maintenance_file: Path) -> None:
    maintenance_file.write_text("")
    response = client.get("/start/")
    assert response.status_code == 503
    assert "tel:" not in response.content.decode()


def test_health_check_still_answers_during_maintenance(
    client: Client, maintenance_file: Path, practice: Practice
) -> None:
    assert client.get("/healthz").status_code == 200
    maintenance_file.unlink()
    assert client.get("/start/").status_code == 200


@pytest.mark.parametrize(
    ("address", "look", "heading"),
    [
        ("/", "css/portal.css", "You don’t have permission"),
        ("/family/", "css/family.css", "You can’t open this page"),
    ],
)
def test_forbidden_page_is_in_the_style_of_the_reader(
    practice: Practice, address: str, look: str, heading: str
) -> None:
    with translation.override("en"):
        response = views.forbidden(_request(address), PermissionDenied())
    assert response.status_code == 403
    assert heading in response.content.decode()
    assert look in response.content.decode()


def _request(address: str) -> HttpRequest:
    request = RequestFactory().get(address)
    request.user, request.session = AnonymousUser(), SessionStore()
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    return request
