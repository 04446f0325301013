""" "Did you mean" suggests similar, switched and short names and switched dates, but only if they find someone."""

from datetime import date
from urllib.parse import parse_qs

import pytest
from django.test import Client

from patients import nicknames, quick_search, suggestions, surnames
from patients.models import NameKey, Patient
from patients.search_filters import PatientQuery
from portal.models import Practice
from tests import factories

TODAY = date(2026, 11, 24)


@pytest.fixture
def william(practice: Practice) -> Patient:
    return factories.a_patient(practice, "William", "Johnson", birth_date=date(2020, 5, 3))


def suggested(practice: Practice, typed: str) -> list[tuple[str, str]]:
    results = quick_search.find(typed, practice=practice, today=TODAY)
    return [(suggestion.label, suggestion.reason) for suggestion in results.suggestions]


@pytest.mark.parametrize(
    ("typed", "label", "reason"),
    [
        ("jonhson", "Johnson", "similar last name"),
        ("jonson, william", "Johnson, William", "similar last name"),
        ("johnston wil", "Johnson, wil", "similar last name"),
        ("william johnson", "Johnson, William", "first and last name switched"),
        ("johnson 3/5/2020", "Johnson 5/3/2020", "month and day switched"),
        ("3/5/2020", "5/3/2020", "month and day switched"),
        ("johnson, bill", "Johnson, William", "Bill may be on record as William"),
        ("johnson bill", "Johnson, William", "Bill may be on record as William"),
        ("bill johnson", "Johnson, William", "Bill may be on record as William"),
        ("bill", "William", "Bill may be on record as William"),
        ("bill 5/3/2020", "William 5/3/2020", "Bill may be on record as William"),
        (", johnson", "Johnson", "as a last name"),
    ],
)
def test_one_suggestion_is_made_and_finds_the_child(
    practice: Practice, william: Patient, typed: str, label: str, reason: str
) -> None:
    assert suggested(practice, typed) == [(label, reason)]
    (suggestion,) = quick_search.find(typed, practice=practice, today=TODAY).suggestions
    found = quick_search.find(suggestion.typed, practice=practice, today=TODAY)
    assert [hit.patient for hit in found.hits] == [william]


@pytest.mark.parametrize(
    "typed", ["johnson", "william", "johnson, will", "5/3/2020", "zzyzx", "will zzyzx", "3/13/2020", "elena@x.example"]
)
def test_no_suggestion_is_made_for_the_same_hits_or_for_no_hit(
    practice: Practice, william: Patient, typed: str
) -> None:
    assert suggested(practice, typed) == []


def test_suggested_name_is_spelled_as_on_record(practice: Practice) -> None:
    factories.a_patient(practice, "Aoife", "O’Brien")
    assert suggested(practice, "obrein") == [("O’Brien", "similar last name")]


def test_suggested_first_name_of_two_words_finds_the_patient(practice: Practice) -> None:
    mary_ann = factories.a_patient(practice, "Mary Ann", "Olson")
    (suggestion,) = quick_search.find("mary ann,", practice=practice, today=TODAY).suggestions
    assert suggestion.label == "Mary Ann"
    again = quick_search.find(suggestion.typed, practice=practice, today=TODAY)
    assert [hit.patient for hit in again.hits] == [mary_ann]


def test_no_suggestion_is_made_with_three_hits(practice: Practice, william: Patient) -> None:
    for given in ("Ann", "Ben", "Cal"):
        factories.a_patient(practice, given, "Jonson")
    assert suggested(practice, "jonson") == []


def test_most_similar_surnames_come_first_and_are_limited(practice: Practice) -> None:
    for number, family in enumerate(("Smith", "Smyth", "Smits", "Smidt", "Schmidt", "Snith", "Olson")):
        factories.a_patient(practice, f"Child{number}", family, mrn="")
    similar = surnames.similar(practice, "smiht")
    assert similar[0] == "smith"
    assert len(similar) == surnames.MAX_SIMILAR
    assert "olson" not in similar


def test_surname_that_sounds_the_same_is_similar(practice: Practice) -> None:
    factories.a_patient(practice, "Ann", "Wright")
    assert surnames.similar(practice, "rait") == ["wright"]


def test_short_surname_may_have_one_mistake(practice: Practice) -> None:
    factories.a_patient(practice, "Ann", "Ruiz")
    assert surnames.similar(practice, "ruis") == ["ruiz"]
    assert surnames.similar(practice, "rolz") == []


def test_similar_surnames_are_of_the_practice_and_of_its_patients_or_contacts(
    practice: Practice, other_practice: Practice
) -> None:
    factories.a_contact(factories.a_patient(practice, "Ann", "Whitaker"), "Elena", "Johnson")
    factories.a_patient(other_practice, "William", "Johnson")
    assert surnames.similar(practice, "jonson") == []
    assert surnames.similar(practice, "jonson", owner=NameKey.Owner.CONTACT) == ["johnson"]


def test_search_page_shows_suggestions_apart_from_hits(desk: Client, practice: Practice) -> None:
    factories.a_contact(factories.a_patient(practice, "Ann", "Olson"), "Elena", "Johnson")
    query = PatientQuery(practice=practice, by_contact=True, last_name="jonson", first_name="elena")
    (suggestion,) = suggestions.suggest(query, [])
    html = desk.get("/patients/", {name: value for name, (value,) in parse_qs(suggestion.parameters).items()})
    assert "Olson, Ann" in html.content.decode()
    response = desk.get("/patients/", {"search_for": "contact", "last_name": "jonson", "first_name": "elena"})
    assert "Did you mean" in response.content.decode()
    assert "Olson, Ann" not in response.content.decode()


def test_nickname_leads_to_the_name_and_back() -> None:
    table = {name: nicknames.others(name) for name in ("bill", "william", "peggy")}
    assert "william" in table["bill"]
    assert "bill" in table["william"]
    assert "margaret" in table["peggy"]
    assert nicknames.others("zbigniew") == []
