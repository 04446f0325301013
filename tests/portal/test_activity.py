"""The activity page: its filters, and what it shows when they are invalid."""

import uuid
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from portal import audit
from portal.audit import Action, Actor
from portal.models import Practice
from tests import factories

NO_MATCH = "No activity matches these filters."


@pytest.fixture
def manager(client: Client, practice: Practice) -> Client:
    client.force_login(factories.a_member(practice, factories.Role.MANAGER, "manager@maplegrove.example"))
    return client


@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("query", ["until=9999-12-31", "since=0001-01-01", "since=9999-12-31", "until=0001-01-01"])
def test_date_outside_the_calendar_is_explained(manager: Client, practice: Practice, zone: str, query: str) -> None:
    practice.time_zone = zone
    practice.save()
    response = manager.get(f"/activity/?{query}")
    assert response.status_code == 200
    html = response.content.decode()
    assert "Enter a year from 1970 to 2999." in html
    assert NO_MATCH not in html


@pytest.mark.parametrize("query", ["since=1970-01-01", "until=2999-12-31"])
def test_first_and_last_allowed_dates_are_accepted(
    manager: Client, practice: Practice, actor: Actor, query: str
) -> None:
    audit.record(Action.SEARCHED, actor=actor, practice=practice)
    html = manager.get(f"/activity/?{query}").content.decode()
    assert "Dana Fields" in html
    assert "Fix the following" not in html


def test_invalid_patient_in_the_link_is_explained(manager: Client) -> None:
    html = manager.get("/activity/?patient=6f1c-mangled").content.decode()
    assert "This link doesn’t match a patient." in html
    assert NO_MATCH not in html
    assert "6f1c-mangled" not in html


def test_date_filter_uses_the_time_zone_of_the_practice(manager: Client, practice: Practice, actor: Actor) -> None:
    patient = uuid.uuid4()
    with time_machine.travel(datetime(2026, 11, 24, 5, 30, tzinfo=UTC), tick=False):  # 11:30 PM in Chicago
        audit.record(Action.ACCOUNT_VIEWED, actor=actor, practice=practice, patient=patient)
    url = f"/activity/?patient={patient}&since=2026-11-23&until="
    assert "1 event" in manager.get(f"{url}2026-11-23").content.decode()
    assert NO_MATCH in manager.get(url.replace("-23", "-24") + "2026-11-24").content.decode()
