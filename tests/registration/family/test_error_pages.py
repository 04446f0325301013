"""The pages for what went wrong and for an update: whole without the database, in the look and language of whoever reads them."""

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

# pytest-django stops whoever asks the database here without a practice among the arguments.


def break_down(request: HttpRequest) -> NoReturn:
    raise RuntimeError("what only the log may say")


def find_the_database_busy(request: HttpRequest) -> NoReturn:
    raise OperationalError("database is locked")


@pytest.fixture
def broken(settings: Settings) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


urlpatterns = [
    path("family/broken/", break_down),
    path("broken/", break_down),
    path("family/busy/", find_the_database_busy),
    path("busy/", find_the_database_busy),
    *urls.urlpatterns,
]
handler400, handler500 = urls.handler400, urls.handler500


@pytest.fixture
def updating(settings: Settings, tmp_path: Path) -> Path:
    switch = tmp_path / "updating"
    switch.write_text("(612) 555-0142\n")
    settings.UPDATING_FILE = switch
    return switch


def test_a_fault_is_told_to_the_desk_without_a_word_of_it(broken: Client) -> None:
    response = broken.get("/broken/")
    page = response.content.decode()
    assert response.status_code == 500
    assert "check the account page before you try again" in page
    assert "what only the log may say" not in page


@pytest.mark.parametrize(("language", "says"), [("en", "It is our fault"), ("es", "Es culpa nuestra")])
def test_a_fault_is_told_to_the_family_in_its_language(broken: Client, language: str, says: str) -> None:
    broken.cookies["family-language"] = language
    response = broken.get("/family/broken/")
    page = response.content.decode()
    assert response.status_code == 500
    assert says in page
    assert f'<html lang="{language}">' in page
    assert "dashboard" not in page


@pytest.mark.parametrize(
    ("language", "says"), [("en", "We cannot answer just now"), ("es", "En este momento no podemos")]
)
def test_a_busy_database_is_told_to_the_family_in_its_language(broken: Client, language: str, says: str) -> None:
    broken.cookies["family-language"] = language
    response = broken.get("/family/busy/")
    page = response.content.decode()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.headers["Cache-Control"] == "no-store"
    assert says in page
    assert 'href="">' in page
    assert "database" not in page


@pytest.mark.parametrize("address", ["/busy/", "/family/busy/"])
def test_of_what_was_sent_it_is_not_said_that_nothing_happened(broken: Client, address: str) -> None:
    response = broken.post(address)
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


@pytest.mark.parametrize(
    ("address", "look", "heading"),
    [
        ("/", "css/portal.css", "This request could not be read"),
        ("/start/", "css/family.css", "That was not understood"),
    ],
)
def test_what_is_not_understood_is_told_in_words(
    client: Client, settings: Settings, address: str, look: str, heading: str
) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    response = client.get(address, headers={"Host": "somewhere.example"})
    assert response.status_code == 400
    assert heading in response.content.decode()
    assert look in response.content.decode()


@pytest.mark.parametrize("address", ["/", "/patients/", "/accounts/login/", "/nowhere/"])
def test_the_desk_is_told_of_an_update(client: Client, updating: Path, address: str) -> None:
    response = client.get(address)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "120")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in response.headers
    assert '<span class="text-nowrap">(612) 555-0142</span>' in response.content.decode()


@pytest.mark.parametrize(("language", "says"), [("en-US,en", "We are being updated"), ("es-MX,es", "Estamos")])
def test_the_family_is_told_of_an_update_in_its_language(
    client: Client, updating: Path, language: str, says: str
) -> None:
    response = client.post("/start/", {"pin": "K7QF"}, headers={"Accept-Language": language})
    page = response.content.decode()
    assert response.status_code == 503
    assert says in page
    assert '<a class="nowrap" href="tel:6125550142">' in page


def test_an_empty_switch_is_one_too(client: Client, updating: Path) -> None:
    updating.write_text("")
    response = client.get("/start/")
    assert response.status_code == 503
    assert "tel:" not in response.content.decode()


def test_a_load_balancer_is_told_the_truth_meanwhile(client: Client, updating: Path, practice: Practice) -> None:
    assert client.get("/healthz").status_code == 200
    updating.unlink()
    assert client.get("/start/").status_code == 200


@pytest.mark.parametrize(
    ("address", "look", "heading"),
    [
        ("/", "css/portal.css", "You don’t have permission"),
        ("/family/", "css/family.css", "You can’t open this page"),
    ],
)
def test_what_is_not_allowed_is_told_in_words(practice: Practice, address: str, look: str, heading: str) -> None:
    with translation.override("en"):
        response = views.forbidden(_asked(address), PermissionDenied())
    assert response.status_code == 403
    assert heading in response.content.decode()
    assert look in response.content.decode()


def _asked(address: str) -> HttpRequest:
    request = RequestFactory().get(address)
    request.user, request.session = AnonymousUser(), SessionStore()
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    return request
