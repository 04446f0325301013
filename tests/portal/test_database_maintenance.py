"""The worker keeps SQLite's planner statistics current; PostgreSQL does that by itself."""

import time

import pytest
from django.db import connection

from patients.models import NameKey, Patient
from portal import database_maintenance
from portal.models import Practice
from portal.signals import worker_idle
from tests import factories

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL gathers statistics by itself")


def tables_with_statistics() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'")
        if cursor.fetchone() is None:
            return set()
        cursor.execute("SELECT tbl FROM sqlite_stat1")
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def no_statistics(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_maintenance, "_optimized_at", None)
    factories.a_patient(practice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # creates the table of statistics if there is none yet
        cursor.execute("DELETE FROM sqlite_stat1")


def test_idle_worker_gathers_missing_statistics(no_statistics: None) -> None:
    worker_idle.send_robust(sender=None)
    assert {"patients_patient", "patients_namekey", "portal_practice"} <= tables_with_statistics()


def test_idle_worker_waits_an_hour_between_two_runs(no_statistics: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_maintenance, "_optimized_at", time.monotonic() - 59 * 60)
    database_maintenance.optimize()
    assert not tables_with_statistics()
    monkeypatch.setattr(database_maintenance, "_optimized_at", time.monotonic() - 61 * 60)
    database_maintenance.optimize()
    assert tables_with_statistics()


def test_analyzing_named_tables_leaves_the_others_alone(no_statistics: None) -> None:
    database_maintenance.analyze(Patient, NameKey)
    assert tables_with_statistics() == {"patients_patient", "patients_namekey"}
