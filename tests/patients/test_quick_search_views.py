"""The quick search in the browser: a list under the field, a plain page, and what the trail keeps of them."""

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
def test_a_child_is_shown_with_what_tells_it_from_others(desk: Client, patient: Patient, path: str) -> None:
    html = answer(desk, path, "gar sof")
    for told in ("García-López, Sofía", "03/05/2019", "MG-1", "Unregistered", patient.get_absolute_url()):
        assert told in html


@pytest.mark.parametrize(("changed", "told"), [({"deceased": True}, "Deceased"), ({"active": False}, "Inactive")])
@pytest.mark.parametrize("path", [HITS, PAGE])
def test_who_gets_no_pin_is_told_in_place_of_the_status(
    desk: Client, practice: Practice, path: str, changed: dict[str, Any], told: str
) -> None:
    factories.a_patient(practice, **changed)
    html = answer(desk, path, "garcia")
    assert told in html
    assert "Unregistered" not in html


@pytest.mark.parametrize("path", [HITS, PAGE])
def test_who_is_found_by_a_parents_number_is_shown_with_the_parent(desk: Client, patient: Patient, path: str) -> None:
    factories.a_contact(patient, phone="+16125550161")
    assert "by Elena García" in answer(desk, path, "612 555 0161")


@pytest.mark.parametrize("path", [HITS, PAGE])
@pytest.mark.parametrize("typed", ["", "x", "\x00", "<script>alert(1)</script>", "=1+1", "‮olson", "😀" * 50])
def test_whatever_is_typed_gets_a_sentence(desk: Client, practice: Practice, path: str, typed: str) -> None:
    html = answer(desk, path, typed)
    assert "<script>alert" not in html
    assert any(said in html for said in ("at least two letters", "Nobody in this practice", "special characters"))


@pytest.mark.parametrize("path", [HITS, PAGE])
def test_more_than_the_field_takes_is_said(desk: Client, practice: Practice, path: str) -> None:
    assert "no more than 200 characters" in answer(desk, path, "a" * 10_000)


def test_typing_on_leaves_one_line_a_minute_without_what_was_typed(desk: Client, patient: Patient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as now:
        for typed in ("ga", "gar", "garc"):
            answer(desk, HITS, typed)
        assert [event.details for event in searches()] == [{"by": "quick search", "found": "1"}]
        now.shift(timedelta(seconds=61))
        answer(desk, HITS, "garci")
        assert len(searches()) == 2


def test_a_list_that_shows_nobody_leaves_no_line_and_the_page_always_does(desk: Client, patient: Patient) -> None:
    answer(desk, HITS, "nobody")
    assert not searches()
    for typed in ("nobody", "garcia"):
        answer(desk, PAGE, typed)
    assert [event.details["found"] for event in searches()] == ["0", "1"]


def test_did_you_mean_stands_apart_and_leads_there(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice, "William", "Johnson")
    listed = answer(desk, HITS, "bill johnson")
    assert 'data-search-text="Johnson, William"' in listed
    assert "data-href" not in listed
    assert "?q=Johnson%2C%20William" in answer(desk, PAGE, "bill johnson")
    assert "data-href" in answer(desk, HITS, "Johnson, William")


@pytest.mark.parametrize(("typed", "statements"), [("MG-1", 4), ("olson", 5), ("olson ch", 5), ("olsen ch", 6)])
def test_a_letter_costs_few_statements(
    desk: Client, practice: Practice, django_assert_max_num_queries: Any, typed: str, statements: int
) -> None:
    """Who asks in which practice (three), the ways to read it, and what is offered where few are found."""
    for number in range(12):
        factories.a_patient(practice, f"Child {number}", "Olson", mrn=f"MG-1{number}")
    answer(desk, HITS, "olson")  # the minute's line, and the surnames
    answer(desk, HITS, "olsen")
    with django_assert_max_num_queries(statements):
        answer(desk, HITS, typed)


def test_nobody_at_all_is_told_what_to_try(desk: Client, practice: Practice) -> None:
    html = answer(desk, PAGE, "zzyzx")
    assert "No patient found" in html
    assert "may not have come over from your record system yet" in html


def searches() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="searched").order_by("number"))
