""" "Did you mean": names that are spelled otherwise, swapped or short, days and months turned round; and nobody's never."""

from datetime import date
from urllib.parse import parse_qs

import pytest
from django.test import Client

from patients import nicknames, quick_search, suggestions, surnames
from patients.models import NameKey, Patient
from patients.search import PatientQuery
from portal.models import Practice
from tests import factories

TODAY = date(2026, 11, 24)


@pytest.fixture
def william(practice: Practice) -> Patient:
    return factories.a_patient(practice, "William", "Johnson", birth_date=date(2020, 5, 3))


def offered(practice: Practice, typed: str) -> list[tuple[str, str]]:
    answer = quick_search.find(typed, practice=practice, today=TODAY)
    return [(each.label, each.why) for each in answer.suggestions]


@pytest.mark.parametrize(
    ("typed", "label", "why"),
    [
        ("jonhson", "Johnson", "spelled another way"),
        ("jonson, william", "Johnson, William", "spelled another way"),
        ("johnston wil", "Johnson, wil", "spelled another way"),
        ("william johnson", "Johnson, William", "first and last name swapped"),
        ("johnson 3/5/2020", "Johnson 5/3/2020", "day and month turned round"),
        ("3/5/2020", "5/3/2020", "day and month turned round"),
        ("johnson, bill", "Johnson, William", "Bill may be on record as William"),
        ("johnson bill", "Johnson, William", "Bill may be on record as William"),
        ("bill johnson", "Johnson, William", "Bill may be on record as William"),
        ("bill", "William", "Bill may be on record as William"),
        ("bill 5/3/2020", "William 5/3/2020", "Bill may be on record as William"),
        (", johnson", "Johnson", "as a last name"),
    ],
)
def test_one_thing_is_offered_and_leads_to_the_child(
    practice: Practice, william: Patient, typed: str, label: str, why: str
) -> None:
    assert offered(practice, typed) == [(label, why)]
    (suggestion,) = quick_search.find(typed, practice=practice, today=TODAY).suggestions
    found = quick_search.find(suggestion.typed, practice=practice, today=TODAY)
    assert [hit.patient for hit in found.hits] == [william]


@pytest.mark.parametrize(
    "typed", ["johnson", "william", "johnson, will", "5/3/2020", "zzyzx", "will zzyzx", "3/13/2020", "elena@x.example"]
)
def test_nothing_is_offered_beside_what_was_found_or_for_nobody(
    practice: Practice, william: Patient, typed: str
) -> None:
    assert offered(practice, typed) == []


def test_a_name_is_offered_as_it_is_on_record(practice: Practice) -> None:
    factories.a_patient(practice, "Aoife", "O’Brien")
    assert offered(practice, "obrein") == [("O’Brien", "spelled another way")]


def test_a_first_name_of_two_words_is_read_again_as_it_was_meant(practice: Practice) -> None:
    mary_ann = factories.a_patient(practice, "Mary Ann", "Olson")
    (suggestion,) = quick_search.find("mary ann,", practice=practice, today=TODAY).suggestions
    assert suggestion.label == "Mary Ann"
    again = quick_search.find(suggestion.typed, practice=practice, today=TODAY)
    assert [hit.patient for hit in again.hits] == [mary_ann]


def test_with_three_hits_nothing_is_offered(practice: Practice, william: Patient) -> None:
    for given in ("Ann", "Ben", "Cal"):
        factories.a_patient(practice, given, "Jonson")
    assert offered(practice, "jonson") == []


def test_the_likeliest_names_come_first_and_they_are_few(practice: Practice) -> None:
    for number, family in enumerate(("Smith", "Smyth", "Smits", "Smidt", "Schmidt", "Snith", "Olson")):
        factories.a_patient(practice, f"Child{number}", family, mrn="")
    near = surnames.near(practice, "smiht")
    assert near[0] == "smith"
    assert len(near) == surnames.MAX_NEAR
    assert "olson" not in near


def test_names_that_sound_alike_are_near_however_they_are_spelled(practice: Practice) -> None:
    factories.a_patient(practice, "Ann", "Wright")
    assert surnames.near(practice, "rait") == ["wright"]


def test_in_a_short_name_one_mistake_is_enough(practice: Practice) -> None:
    factories.a_patient(practice, "Ann", "Ruiz")
    assert surnames.near(practice, "ruis") == ["ruiz"]
    assert surnames.near(practice, "rolz") == []


def test_the_surnames_of_another_practice_and_of_families_are_not_those_of_patients(
    practice: Practice, other_practice: Practice
) -> None:
    factories.a_contact(factories.a_patient(practice, "Ann", "Whitaker"), "Elena", "Johnson")
    factories.a_patient(other_practice, "William", "Johnson")
    assert surnames.near(practice, "jonson") == []
    assert surnames.near(practice, "jonson", owner=NameKey.Owner.CONTACT) == ["johnson"]


def test_the_search_page_offers_apart_what_it_finds_when_asked(desk: Client, practice: Practice) -> None:
    factories.a_contact(factories.a_patient(practice, "Ann", "Olson"), "Elena", "Johnson")
    query = PatientQuery(practice=practice, by_contact=True, last_name="jonson", first_name="elena")
    (suggestion,) = suggestions.offered(query, [])
    html = desk.get("/patients/", {name: value for name, (value,) in parse_qs(suggestion.parameters).items()})
    assert "Olson, Ann" in html.content.decode()
    asked = desk.get("/patients/", {"search_for": "contact", "last_name": "jonson", "first_name": "elena"})
    assert "Did you mean" in asked.content.decode()
    assert "Olson, Ann" not in asked.content.decode()


def test_a_nickname_stands_for_a_name_and_the_name_for_it() -> None:
    table = {each: nicknames.others(each) for each in ("bill", "william", "peggy")}
    assert "william" in table["bill"]
    assert "bill" in table["william"]
    assert "margaret" in table["peggy"]
    assert nicknames.others("zbigniew") == []
