"""The quick search parses what is typed into one field, and finds each patient once."""

from datetime import date

import pytest

from patients import quick_search
from patients.models import Patient
from portal.models import Practice
from tests import factories

TODAY = date(2026, 11, 24)


@pytest.fixture
def john(practice: Practice, other_practice: Practice) -> Patient:
    """John Smith with his mother's phone number, and others who must not be found instead."""
    john = factories.a_patient(practice, "John", "Smith", birth_date=date(2019, 3, 5), mrn="MG-00412")
    factories.a_contact(john, "Ann", "Smith", phone="+16125550161", email="ann@families.example")
    factories.a_patient(practice, "Ana", "de la Cruz", birth_date=date(2018, 7, 1), mrn="MG-7")
    factories.a_patient(practice, "Mary Ann", "Olson", birth_date=date(2018, 8, 1), mrn="")
    factories.a_patient(other_practice, "John", "Smith", mrn="MG-00412")
    return john


def found(practice: Practice, typed: str) -> list[str]:
    return [hit.patient.name for hit in quick_search.find(typed, practice=practice, today=TODAY).hits]


@pytest.mark.parametrize(
    "typed",
    [
        "smi jo",
        "SMITH",
        "smith, john",
        " smith , jo ",
        "smith, john 3/5/2019",
        "smi 03-05-2019",
        "john",
        "john 3/5/2019",
        ", john",
        "3/5/2019",
        "2019-03-05",
        "Mar 5, 2019",
        "03052019",
        "(612) 555-0161",
        "+1 612 555 0161",
        "612.555.0161",
        "ann@families.example",
        "MG-00412",
        "mg 00412",
        "mg004",
    ],
)
def test_any_input_for_one_child_finds_only_that_child(practice: Practice, john: Patient, typed: str) -> None:
    assert quick_search.find(typed, practice=practice, today=TODAY).hits[0].patient == john
    assert found(practice, typed) == ["Smith, John"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("de la cruz", "de la Cruz, Ana"),
        ("de la cruz an", "de la Cruz, Ana"),
        ("cruz ana", "de la Cruz, Ana"),
        ("olson mary ann", "Olson, Mary Ann"),
        (", mary ann", "Olson, Mary Ann"),
    ],
)
def test_name_of_several_words_is_split_where_it_matches(
    practice: Practice, john: Patient, typed: str, name: str
) -> None:
    assert found(practice, typed) == [name]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "x",
        ",",
        ", ,",
        "@",
        "99/99/2019",
        "2/30/2019",
        "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 200,
        "9" * 200,
        "' or 1=1 --",
        "%",
        "__",
        "a\N{NULL}b",
    ],
)
def test_input_that_matches_no_one_finds_no_one(practice: Practice, john: Patient, typed: str) -> None:
    assert found(practice, typed) == []


def test_input_of_one_letter_is_empty(practice: Practice) -> None:
    assert quick_search.parse("x", practice=practice, today=TODAY).is_empty
    assert not quick_search.parse("xy", practice=practice, today=TODAY).is_empty


def test_input_that_matches_an_mrn_is_not_searched_as_a_name(practice: Practice, john: Patient) -> None:
    factories.a_patient(practice, "Mo", "Mg7Yundt", mrn="")
    assert found(practice, "mg7") == ["de la Cruz, Ana"]
    assert found(practice, "mg7yundt") == ["Mg7Yundt, Mo"]


def test_child_with_two_matches_is_listed_once_and_last_names_come_first(practice: Practice) -> None:
    factories.a_patient(practice, "James", "Olson")
    factories.a_patient(practice, "James", "James")
    assert found(practice, "james") == ["James, James", "Olson, James"]


def test_first_hits_of_many_are_shown_with_more_indicated(practice: Practice) -> None:
    for number in range(quick_search.MAX_SHOWN + 1):
        factories.a_patient(practice, f"Child {number}", "Olson", mrn=f"MG-0{number}")
    for typed in ("olson", "mg0", "child"):
        results = quick_search.find(typed, practice=practice, today=TODAY)
        assert (len(results.hits), results.has_more, results.suggestions) == (quick_search.MAX_SHOWN, True, [])
