"""Finding a patient: each once, in order, page by page, and only of one's own practice."""

from datetime import date

import pytest
from django.db import connection

from patients import search
from patients.models import NameKey, PortalStatus
from patients.search import PatientQuery
from portal.models import Practice
from tests import people


def found(practice: Practice, **asked: object) -> list[str]:
    return [hit.patient.name for hit in search.find(PatientQuery(practice=practice, **asked)).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["obrien", "O'Brien", "O’BRIEN", "o brien", "OBR"])
def test_an_apostrophe_does_not_matter(practice: Practice, typed: str) -> None:
    people.a_patient(practice, "Liam", "O'Brien")
    assert found(practice, last_name=typed) == ["O'Brien, Liam"]


def test_a_double_surname_is_found_by_either_part_and_listed_once(practice: Practice) -> None:
    people.a_patient(practice, "Sofía", "García-López")
    people.a_patient(practice, "Ana", "Garcia Garcia")
    assert found(practice, last_name="lopez") == ["García-López, Sofía"]
    assert found(practice, last_name="garcia") == ["Garcia Garcia, Ana", "García-López, Sofía"]


def test_first_name_and_the_name_that_a_child_goes_by(practice: Practice) -> None:
    people.a_patient(practice, "William", "Whitfield", preferred_name="Billy")
    assert found(practice, first_name="bil") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="will") == ["Whitfield, William"]
    assert found(practice, last_name="whit", first_name="bob") == []


def test_date_of_birth(practice: Practice) -> None:
    people.a_patient(practice, "Ada", "Okafor", birth_date=date(2020, 1, 2))
    people.a_patient(practice, "Obi", "Okafor", birth_date=date(2020, 1, 2))
    people.a_patient(practice, "Ina", "Okafor", birth_date=date(2021, 1, 2))
    assert found(practice, date_of_birth=date(2020, 1, 2)) == ["Okafor, Ada", "Okafor, Obi"]


def test_status_alone_is_a_worklist(practice: Practice) -> None:
    people.a_patient(practice, "Ada", "Okafor", portal_status=PortalStatus.DECLINED)
    people.a_patient(practice, "Obi", "Okafor")
    assert found(practice, status=PortalStatus.DECLINED) == ["Okafor, Ada"]


def test_nobody_of_another_practice(practice: Practice, other_practice: Practice) -> None:
    people.a_patient(other_practice, "Liam", "O'Brien")
    assert found(practice, last_name="obrien") == []


def test_by_family_contact(practice: Practice) -> None:
    sofia = people.a_patient(practice)
    people.a_contact(sofia, "Elena", "García", phone="+16125550161", email="Elena@Families.example")
    people.a_contact(sofia, "Gael", "García", phone="", email="")
    assert found(practice, by_contact=True, last_name="garcia") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, first_name="elena") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, email="elena@fam") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, phone="612-555-0161") == ["García-López, Sofía"]
    assert found(practice, by_contact=True, phone="612-555-0161", last_name="smith") == []
    assert found(practice, by_contact=True, last_name="lopez") == []


def test_a_phone_number_on_the_patients_own_record_is_found_too(practice: Practice) -> None:
    people.a_patient(practice, "Suzanna", "Yundt842", phone="555-907-9875")
    assert found(practice, by_contact=True, phone="(555) 907-9875") == ["Yundt842, Suzanna"]


def test_the_hit_names_the_contact_who_was_found(practice: Practice) -> None:
    mother = people.a_contact(people.a_patient(practice))
    (hit,) = search.find(PatientQuery(practice=practice, by_contact=True, first_name="ele")).hits
    assert hit.contact == mother


def test_pages_go_on_and_back_and_miss_nobody(practice: Practice) -> None:
    everybody = [people.a_patient(practice, f"Given{n:03}", "Smith-Smithson").name for n in range(60)]
    query = PatientQuery(practice=practice, last_name="smith")
    first = search.find(query)
    second = search.find(query, after=first.after)
    third = search.find(query, after=second.after)
    pages = [first, second, third]
    assert [hit.patient.name for page in pages for hit in page.hits] == sorted(everybody)
    assert [len(page.hits) for page in pages] == [25, 25, 10]
    assert (first.before, third.after) == (None, None)
    back = search.find(query, before=third.before)
    assert [hit.patient.pk for hit in back.hits] == [hit.patient.pk for hit in second.hits]
    assert first.shown_count == "60"


def test_a_page_key_of_nobody_is_the_first_page(practice: Practice) -> None:
    people.a_patient(practice)
    assert len(search.find(PatientQuery(practice=practice, last_name="gar"), after=999_999).hits) == 1


def test_more_than_anybody_would_count(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        people.a_patient(practice, f"Given{n}", "Smith")
    monkeypatch.setattr(search, "MOST_COUNTED", 3)
    assert search.find(PatientQuery(practice=practice, last_name="smith")).shown_count == "3+"


def test_a_prefix_is_answered_from_the_index(practice: Practice) -> None:
    people.a_patient(practice)
    plan = NameKey.objects.filter(practice=practice, whose=0, last__prefix="smi").order_by("last")[:25].explain()
    if connection.vendor == "sqlite":
        assert "SEARCH" in plan
        assert "last>? AND last<?" in plan
