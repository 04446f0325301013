"""The settings, read again with other environment variables."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings as in_use
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory
from pytest_django import Settings

from portal import checks
from portal.models import Practice

OWN_VARIABLES = (
    "DATABASE_URL",
    "DATABASE_POOLER",
    "PUBLIC_URL",
    "EMAIL_URL",
    "CACHE_URL",
    "FROM_EMAIL",
    "BEHIND_PROXY",
    "ALLOWED_HOSTS",
    "HOST",
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEMO", "True")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return monkeypatch


def read() -> dict[str, Any]:
    return runpy.run_path(str(in_use.BASE_DIR / "portal" / "settings.py"))


@pytest.mark.parametrize("directory", ["with#hash", "with?mark", "with space", "100%"])
def test_data_directory_may_have_any_name(environment: pytest.MonkeyPatch, tmp_path: Path, directory: str) -> None:
    environment.setenv("DATA_DIR", str(tmp_path / directory))
    assert read()["DATABASES"]["default"]["NAME"] == str(tmp_path / directory / "portal.sqlite3")
    assert (tmp_path / directory).is_dir()


def test_database_url_selects_the_database(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://desk@db.example/portal")
    default = read()["DATABASES"]["default"]
    assert (default["HOST"], default["NAME"], default["CONN_MAX_AGE"]) == ("db.example", "portal", 600)
    assert default["OPTIONS"]["prepare_threshold"] == 5


def test_pooler_disables_cursors_and_prepared_statements(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://desk@db.example/portal?sslmode=require")
    environment.setenv("DATABASE_POOLER", "True")
    default = read()["DATABASES"]["default"]
    assert default["DISABLE_SERVER_SIDE_CURSORS"]
    assert default["OPTIONS"] == {"sslmode": "require"}


def test_options_in_database_url_override_ours(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://desk@db.example/portal?prepare_threshold=20&sslmode=require")
    options = read()["DATABASES"]["default"]["OPTIONS"]
    assert (options["prepare_threshold"], options["sslmode"], options["server_side_binding"]) == (20, "require", True)


def test_options_in_database_url_keep_our_timeouts(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://db.example/portal?options=-c%20search_path%3Dportal&conn_max_age=30")
    default = read()["DATABASES"]["default"]
    assert default["OPTIONS"]["options"] == (
        "-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s -c search_path=portal"
    )
    assert default["CONN_MAX_AGE"] == 30


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no prepared statements on the server")
def test_repeated_query_is_planned_once() -> None:
    for _ in range(in_use.DATABASES["default"]["OPTIONS"]["prepare_threshold"] + 1):
        assert not Practice.objects.filter(name="Unknown").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%portal_practice%'")
        assert len(cursor.fetchall()) == 1


def test_sender_with_a_display_name_stops_the_start(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FROM_EMAIL", "Portal <portal@practice.example>")
    with pytest.raises(ImproperlyConfigured, match="FROM_EMAIL must be one plain address"):
        read()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_demo_on_all_interfaces_accepts_every_host_name(
    environment: pytest.MonkeyPatch, settings: Settings, rf: RequestFactory, host: str
) -> None:
    environment.setenv("HOST", host)
    settings.ALLOWED_HOSTS = read()["ALLOWED_HOSTS"]
    assert rf.get("/", headers={"Host": "192.0.2.17:8000"}).get_host() == "192.0.2.17:8000"


def test_unknown_host_names_are_rejected_outside_the_demo(
    environment: pytest.MonkeyPatch, settings: Settings, rf: RequestFactory
) -> None:
    environment.setenv("DEMO", "False")
    environment.setenv("HOST", "0.0.0.0")
    environment.setenv("PUBLIC_URL", "https://portal.example.org")
    for name in ("SECRET_KEY", "SEALING_KEYS", "PIN_PEPPER", "AUDIT_KEY"):
        environment.setenv(name, "a secret of the test")
    settings.ALLOWED_HOSTS = read()["ALLOWED_HOSTS"]
    assert rf.get("/", headers={"Host": "portal.example.org"}).get_host() == "portal.example.org"
    with pytest.raises(DisallowedHost):
        rf.get("/", headers={"Host": "192.0.2.17"}).get_host()


def test_attempts_are_counted_by_the_address_that_the_proxy_saw(
    environment: pytest.MonkeyPatch, settings: Settings, rf: RequestFactory
) -> None:
    """Otherwise every client has the proxy's address, and one stranger's wrong passwords lock everyone out."""
    request = rf.get("/", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"}, REMOTE_ADDR="10.0.0.1")
    assert get_adapter().get_client_ip(request) == "10.0.0.1"
    environment.setenv("BEHIND_PROXY", "True")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = read()["ALLAUTH_TRUSTED_PROXY_COUNT"]
    assert get_adapter().get_client_ip(request) == "198.51.100.4"


def test_https_without_a_proxy_prints_a_warning(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.HTTPS, settings.BEHIND_PROXY = True, False
    (warning,) = checks.check_tls_termination()
    assert "PUBLIC_URL" in warning.msg
    assert "BEHIND_PROXY" in (warning.hint or "")
    call_command("check")
    assert "portal.W001" in capsys.readouterr().err


@pytest.mark.parametrize(("https", "behind_proxy"), [(True, True), (False, False), (False, True)])
def test_working_configuration_prints_no_warning(settings: Settings, https: bool, behind_proxy: bool) -> None:
    settings.HTTPS, settings.BEHIND_PROXY = https, behind_proxy
    assert checks.check_tls_termination() == []
