"""The Search Patients panel, as the desk meets it."""

import pytest
from django.test import Client

from portal.models import AuditEvent, Practice
from tests import factories


def page(desk: Client, **asked: str) -> str:
    response = desk.get("/patients/", {"search_for": "account", **asked})
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_search_gets_a_message_and_no_list(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    html = page(desk, last_name="", search_by="")
    assert "to search for" in html
    assert "García-López" not in html.replace("“lopez” finds García-López", "")
    assert not AuditEvent.objects.filter(action="searched").exists()


def test_a_search_is_audited_without_what_was_typed(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    assert "García-López, Sofía" in page(desk, last_name="garcia")
    event = AuditEvent.objects.get(action="searched")
    assert event.details == {"by": "last_name", "found": "1"}


@pytest.mark.parametrize(
    ("typed", "told"), [("2/30/2019", "There is no February 30 in 2019."), ("soon", "does not read as a date")]
)
def test_an_impossible_date_is_explained_and_kept(desk: Client, typed: str, told: str) -> None:
    html = page(desk, date_of_birth=typed)
    assert told in html
    assert f'value="{typed}"' in html


@pytest.mark.parametrize(
    ("search_for", "hidden"),
    [
        ("contact", {"date_of_birth": "2/30/2019"}),
        ("account", {"phone": "abc", "email": "a" * 300}),
        ("", {"phone": "abc"}),
    ],
)
def test_what_is_hidden_neither_stops_a_search_nor_is_audited(
    desk: Client, practice: Practice, search_for: str, hidden: dict[str, str]
) -> None:
    factories.a_contact(factories.a_patient(practice))
    html = page(desk, search_for=search_for, last_name="garcia", **hidden)
    assert "1 patient" in html
    assert not any(f'value="{typed}"' in html for typed in hidden.values())
    by = AuditEvent.objects.get(action="searched").details["by"]
    assert by == ("family contact, last_name" if search_for == "contact" else "last_name")


def test_family_contacts_are_listed_in_the_order_of_their_own_column(desk: Client, practice: Practice) -> None:
    factories.a_contact(factories.a_patient(practice, "Ana", "Zimmer"), "Elena", "García")
    factories.a_contact(factories.a_patient(practice, "Zoe", "Abbott"), "Rosa", "Garland", relationship="")
    html = page(desk, search_for="contact", last_name="gar")
    shown = [html.index(text) for text in ("García, Elena", "Zimmer, Ana", "Garland, Rosa", "Abbott, Zoe")]
    assert shown == sorted(shown)
    assert '<th scope="col">Family contact</th>' in html
    assert '<th scope="col">Family contact</th>' not in page(desk, last_name="zimmer")


def test_an_address_on_the_patients_own_record_is_shown_as_such(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice, email="sofia@families.example")
    html = page(desk, search_for="contact", email="sofia@families.example")
    assert "the patient’s own record" in html
    assert "in full" in page(desk, search_for="contact", email="sofia@fam")


def test_nobody_found_says_what_to_try(desk: Client) -> None:
    html = page(desk, last_name="nobody")
    assert "No patient found" in html
    assert "Family contact" in html


def test_search_by_pending_when_the_pin_ran_out_finds_nobody(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    assert "No patient found" in page(desk, last_name="garcia", search_by="pending")


@pytest.mark.parametrize("key", ["after", "before"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "1e3", "²"])
def test_a_mangled_page_key_does_no_harm(desk: Client, practice: Practice, key: str, value: str) -> None:
    factories.a_patient(practice)
    assert "García-López, Sofía" in page(desk, last_name="garcia", **{key: value})


@pytest.mark.parametrize(
    "field", ["last_name", "first_name", "date_of_birth", "email", "phone", "search_by", "search_for"]
)
@pytest.mark.parametrize(
    "hostile",
    ["\x00", "'; DROP TABLE patients_patient;--", "<script>alert(1)</script>", "%s %%", "\u202e", "a" * 10_000, "🙂"],
)
def test_hostile_input_is_answered_with_a_page(desk: Client, field: str, hostile: str) -> None:
    response = desk.get("/patients/", {"search_for": "contact", field: hostile})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()
