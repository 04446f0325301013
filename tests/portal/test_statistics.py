"""What SQLite knows of its tables is kept by the worker; PostgreSQL keeps it by itself."""

import time

import pytest
from django.db import connection

from portal import statistics
from portal.models import Practice
from portal.signals import worker_idle
from tests import factories

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL gathers them by itself")


def known() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'")
        if cursor.fetchone() is None:
            return set()
        cursor.execute("SELECT tbl FROM sqlite_stat1")
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def unknown(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_gathered_at", None)
    factories.a_patient(practice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # makes the table where there is none yet
        cursor.execute("DELETE FROM sqlite_stat1")


def test_a_worker_that_has_a_moment_gathers_them(unknown: None) -> None:
    worker_idle.send_robust(sender=None)
    assert {"patients_patient", "patients_namekey", "portal_practice"} <= known()


def test_once_an_hour(unknown: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_gathered_at", time.monotonic() - 59 * 60)
    statistics.keep()
    assert not known()
    monkeypatch.setattr(statistics, "_gathered_at", time.monotonic() - 61 * 60)
    statistics.keep()
    assert known()
