"""The Search Patients page, as the front desk uses it."""

import pytest
from django.test import Client

from portal.models import AuditEvent, Practice
from tests import factories


def page(desk: Client, **parameters: str) -> str:
    response = desk.get("/patients/", {"search_for": "account", **parameters})
    assert response.status_code == 200
    return response.content.decode()


def test_empty_search_shows_a_message_and_no_patients(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    html = page(desk, last_name="", search_by="")
    assert "or choose a status" in html
    assert "García-López" not in html.replace("“lopez” finds García-López", "")
    assert not AuditEvent.objects.filter(action="searched").exists()


def test_search_is_audited_without_the_typed_text(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    assert "García-López, Sofía" in page(desk, last_name="garcia")
    event = AuditEvent.objects.get(action="searched")
    assert event.details == {"by": "last_name", "found": "1"}


@pytest.mark.parametrize(
    ("typed", "message"), [("2/30/2019", "There is no February 30 in 2019."), ("soon", "Enter a date like 12/31/2019.")]
)
def test_invalid_date_is_explained_and_stays_in_the_field(desk: Client, typed: str, message: str) -> None:
    html = page(desk, date_of_birth=typed)
    assert message in html
    assert f'value="{typed}"' in html


@pytest.mark.parametrize(
    ("search_for", "hidden"),
    [
        ("contact", {"date_of_birth": "2/30/2019"}),
        ("account", {"phone": "abc", "email": "a" * 300}),
        ("", {"phone": "abc"}),
    ],
)
def test_hidden_fields_are_neither_validated_nor_audited(
    desk: Client, practice: Practice, search_for: str, hidden: dict[str, str]
) -> None:
    factories.a_contact(factories.a_patient(practice))
    html = page(desk, search_for=search_for, last_name="garcia", **hidden)
    assert "1 patient" in html
    assert not any(f'value="{typed}"' in html for typed in hidden.values())
    by = AuditEvent.objects.get(action="searched").details["by"]
    assert by == ("family contact, last_name" if search_for == "contact" else "last_name")


def test_family_contacts_are_listed_in_order_of_their_names(desk: Client, practice: Practice) -> None:
    factories.a_contact(factories.a_patient(practice, "Ana", "Zimmer"), "Elena", "García")
    factories.a_contact(factories.a_patient(practice, "Zoe", "Abbott"), "Rosa", "Garland", relationship="")
    html = page(desk, search_for="contact", last_name="gar")
    shown = [html.index(text) for text in ("García, Elena", "Zimmer, Ana", "Garland, Rosa", "Abbott, Zoe")]
    assert shown == sorted(shown)
    assert '<th scope="col">Family contact</th>' in html
    assert '<th scope="col">Family contact</th>' not in page(desk, last_name="zimmer")


def test_hit_on_the_patients_own_address_is_labeled(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice, email="sofia@families.example")
    html = page(desk, search_for="contact", email="sofia@families.example")
    assert "patient’s own record" in html
    assert "in full" in page(desk, search_for="contact", email="sofia@fam")


def test_search_without_hits_shows_tips(desk: Client) -> None:
    html = page(desk, last_name="nobody")
    assert "No patients found" in html
    assert "Family contact" in html


def test_search_by_pending_skips_patients_without_a_pending_pin(desk: Client, practice: Practice) -> None:
    factories.a_patient(practice)
    assert "No patients found" in page(desk, last_name="garcia", search_by="pending")


@pytest.mark.parametrize("key", ["after", "before"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "1e3", "²"])
def test_invalid_page_key_is_ignored(desk: Client, practice: Practice, key: str, value: str) -> None:
    factories.a_patient(practice)
    assert "García-López, Sofía" in page(desk, last_name="garcia", **{key: value})


@pytest.mark.parametrize(
    "field", ["last_name", "first_name", "date_of_birth", "email", "phone", "search_by", "search_for"]
)
@pytest.mark.parametrize(
    "hostile",
    ["\x00", "'; DROP TABLE patients_patient;--", "<script>alert(1)</script>", "%s %%", "\u202e", "a" * 10_000, "🙂"],
)
def test_hostile_input_gets_a_normal_page(desk: Client, field: str, hostile: str) -> None:
    response = desk.get("/patients/", {"search_for": "contact", field: hostile})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()
