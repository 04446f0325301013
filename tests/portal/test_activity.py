"""The activity page: what it is narrowed to, and what it says when that cannot be read."""

import uuid
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from portal import audit
from portal.audit import Action, Actor
from portal.models import Practice
from tests import factories

NOTHING = "Nothing happened that fits"


@pytest.fixture
def manager(client: Client, practice: Practice) -> Client:
    client.force_login(factories.a_member(practice, factories.Role.MANAGER, "manager@maplegrove.example"))
    return client


@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("asked", ["until=9999-12-31", "since=0001-01-01", "since=9999-12-31", "until=0001-01-01"])
def test_a_date_at_the_end_of_time_is_explained(manager: Client, practice: Practice, zone: str, asked: str) -> None:
    practice.time_zone = zone
    practice.save()
    response = manager.get(f"/activity/?{asked}")
    assert response.status_code == 200
    html = response.content.decode()
    assert "The year is to be between 1970 and 2999." in html
    assert NOTHING not in html


@pytest.mark.parametrize("asked", ["since=1970-01-01", "until=2999-12-31"])
def test_a_date_far_away_is_taken(manager: Client, practice: Practice, actor: Actor, asked: str) -> None:
    audit.record(Action.SEARCHED, actor=actor, practice=practice)
    html = manager.get(f"/activity/?{asked}").content.decode()
    assert "Dana Fields" in html
    assert "Please check" not in html


def test_a_mangled_patient_is_told_and_not_taken_for_nothing(manager: Client) -> None:
    html = manager.get("/activity/?patient=6f1c-mangled").content.decode()
    assert "This link does not name a patient." in html
    assert NOTHING not in html
    assert "6f1c-mangled" not in html


def test_days_are_the_days_of_the_practice(manager: Client, practice: Practice, actor: Actor) -> None:
    patient = uuid.uuid4()
    with time_machine.travel(datetime(2026, 11, 24, 5, 30, tzinfo=UTC), tick=False):  # 11:30 PM in Chicago
        audit.record(Action.ACCOUNT_VIEWED, actor=actor, practice=practice, patient=patient)
    asked = f"/activity/?patient={patient}&since=2026-11-23&until="
    assert "1 event" in manager.get(f"{asked}2026-11-23").content.decode()
    assert NOTHING in manager.get(asked.replace("-23", "-24") + "2026-11-24").content.decode()
