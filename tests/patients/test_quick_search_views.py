"""The quick search views: a list under the field, a results page, and the audit events of both."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from patients.models import Patient
from portal.models import AuditEvent, Practice
from tests import factories

HITS, PAGE = "/patients/quick/hits/", "/patients/quick/"


def answer(desk: Client, path: str, typed: str) -> str:
    response = desk.get(path, {"q": typed})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("path", [HITS, PAGE])
def test_hit_is_shown_with_name_birth_date_mrn_and_status(desk: Client, patient: Patient, path: str) -> None:
    html = answer(desk, path, "gar sof")
    for text in ("García-López, Sofía", "03/05/2019", "MG-1", "Unregistered", patient.get_absolute_url()):
        assert text in html


@pytest.mark.parametrize(("change", "label"), [({"deceased": True}, "Deceased"), ({"active": False}, "Inactive")])
@pytest.mark.parametrize("path", [HITS, PAGE])
def test_deceased_or_inactive_is_shown_in_place_of_the_status(
    desk: Client, practice: Practice, path: str, change: dict[str, Any], label: str
) -> None:
    factories.a_patient(practice, **change)
    html = answer(desk, path, "garcia")
    assert label in html
    assert "Unregistered" not in html


@pytest.mark.parametrize("path", [HITS, PAGE])
def test_patient_found_by_a_parents_number_is_shown_with_the_parent(desk: Client, patient: Patient, path: str) -> None:
    factories.a_contact(patient, phone="+16125550161")
    assert "contact: Elena García" in answer(desk, path, "612 555 0161")


@pytest.mark.parametrize("path", [HITS, PAGE])
@pytest.mark.parametrize("typed", ["", "x", "\x00", "<script>alert(1)</script>", "=1+1", "‮olson", "😀" * 50])
def test_any_input_gets_a_message(desk: Client, practice: Practice, path: str, typed: str) -> None:
    html = answer(desk, path, typed)
    assert "<script>alert" not in html
    assert any(
        message in html for message in ("at least two letters", "No patient in this practice", "special characters")
    )


@pytest.mark.parametrize("path", [HITS, PAGE])
def test_input_that_is_too_long_is_explained(desk: Client, practice: Practice, path: str) -> None:
    assert "no more than 200 characters" in answer(desk, path, "a" * 10_000)


def test_typing_is_audited_once_a_minute_without_the_text(desk: Client, patient: Patient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as now:
        for typed in ("ga", "gar", "garc"):
            answer(desk, HITS, typed)
        assert [event.details for event in searches()] == [{"by": "quick search", "found": "1"}]
        now.shift(timedelta(seconds=61))
        answer(desk, HITS, "garci")
        assert len(searches()) == 2


def test_list_without_hits_is_not_audited_and_the_page_always_is(desk: Client, patient: Patient) -> None:
    answer(desk, HITS, "nobody")
    assert not searches()
    for typed in ("nobody", "garcia"):
        answer(desk, PAGE, typed)
    assert [event.details["found"] for event in searches()] == ["0", "1"]


def test_suggestion_is_shown_apart_from_hits_and_finds_the_patient(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice, "William", "Johnson")
    listed = answer(desk, HITS, "bill johnson")
    assert 'data-search-text="Johnson, William"' in listed
    assert "data-href" not in listed
    assert "?q=Johnson%2C%20William" in answer(desk, PAGE, "bill johnson")
    assert "data-href" in answer(desk, HITS, "Johnson, William")


@pytest.mark.parametrize(("typed", "statements"), [("MG-1", 4), ("olson", 5), ("olson ch", 5), ("olsen ch", 6)])
def test_each_keystroke_runs_few_statements(
    desk: Client, practice: Practice, django_assert_max_num_queries: Any, typed: str, statements: int
) -> None:
    """Three statements for the user and the practice, one for each meaning of the input, and one for suggestions."""
    for number in range(12):
        factories.a_patient(practice, f"Child {number}", "Olson", mrn=f"MG-1{number}")
    answer(desk, HITS, "olson")  # records the audit event, and fills the cache of surnames
    answer(desk, HITS, "olsen")
    with django_assert_max_num_queries(statements):
        answer(desk, HITS, typed)


def test_page_without_hits_shows_tips(desk: Client, practice: Practice) -> None:
    html = answer(desk, PAGE, "zzyzx")
    assert "No patients found" in html
    assert "may not have been imported from your record system yet" in html


def searches() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="searched").order_by("number"))
