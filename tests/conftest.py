import gc
import logging
import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from patients.models import Contact, Patient
from portal import response_timing
from portal.audit import Actor
from portal.models import Practice, User
from registration import pins
from tests import factories, markup
from tests.smtp import MailServer

# Playwright keeps an event loop in the thread that also uses the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.hookimpl(tryfirst=True)  # before -m selects by these marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that opens a browser."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def pytest_configure() -> None:
    # Static file names with a digest would need collectstatic, which the tests do not run.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    # `make run` collects static files into the default folder. Each test client would scan them, which takes 40 ms.
    settings.STATIC_ROOT = settings.DATA_DIR / "static"
    # Close each connection after its request, because the threads of a live server are short-lived.
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    # SQLite needs a file because other threads and processes use the same test database. PostgreSQL keeps its default name.
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(settings.DATA_DIR / "test.sqlite3")
        # The test database need not survive a power failure. It still survives a killed process, which some tests need.
        settings.DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the SMTP test server logs every command
    markup.save_rendered_pages()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    gc.freeze()  # the modules stay loaded, so the collector need not scan them in every test


@pytest.fixture(autouse=True, scope="session")
def quick_hashes() -> None:
    """Hash PINs with a low work factor. The format of the hash is the same, and issuing a PIN is fast."""
    pins._PinHasher.work_factor = 2**4


@pytest.fixture(autouse=True, scope="session")
def short_response_time() -> None:
    """Shorten the minimum response time, which tests/portal/test_response_timing.py tests."""
    response_timing.INTERVAL, response_timing.JITTER = 0.001, 0.0  # type: ignore[misc]


@pytest.fixture
def practice(db: None) -> Practice:
    return factories.a_practice()


@pytest.fixture
def other_practice(db: None) -> Practice:
    return factories.a_practice("Harbor Street Children's Clinic", short_name="Harbor Street")


@pytest.fixture
def front_desk(practice: Practice) -> User:
    return factories.a_member(practice, name="Dana Fields")


@pytest.fixture
def actor(front_desk: User) -> Actor:
    return Actor(user=front_desk, name=front_desk.email, address="192.0.2.7")


@pytest.fixture
def patient(practice: Practice) -> Patient:
    return factories.a_patient(practice)


@pytest.fixture
def mother(patient: Patient) -> Contact:
    return factories.a_contact(patient)


@pytest.fixture
def father(patient: Patient) -> Contact:
    return factories.a_contact(
        patient, "Pablo", "López", relationship="Father", email="pablo@families.example", phone=""
    )


@pytest.fixture
def desk(client: Client, front_desk: User) -> Client:
    """Return a client that is signed in as the front desk."""
    client.force_login(front_desk)
    return client


@pytest.fixture
def session_key(desk: Client) -> str:
    key = desk.session.session_key
    assert Session.objects.filter(pk=key).exists()
    return str(key)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Run a real SMTP server on this machine. Mail is sent to it while the test runs."""
    with MailServer() as server, server.in_settings():
        yield server
