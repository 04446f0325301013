"""Names, dates and addresses that a family entered are compared with those on record."""

from datetime import date

import pytest

from patients import similarity
from patients.similarity import Detail, Finding, Verdict


def near(detail: Detail) -> Finding:
    return Finding(Verdict.NEAR, detail)


@pytest.mark.parametrize(
    ("submitted", "on_record", "finding"),
    [
        ("López", "García-López", similarity.AGREES),
        ("García", "García-López", near(Detail.PARTLY_SAME)),
        ("Jonhson", "Johnson", near(Detail.SPELLED_SIMILARLY)),
        ("Wright", "Rait", near(Detail.SOUNDS_SIMILAR)),
        ("Smith", "Olson", similarity.DIFFERS),
        ("Smith", "", similarity.NOT_ON_RECORD),
        ("", "Smith", similarity.NOT_PROVIDED),
    ],
)
def test_surnames_are_compared(submitted: str, on_record: str, finding: Finding) -> None:
    assert similarity.compare_surnames(submitted, on_record) == finding


@pytest.mark.parametrize(
    ("submitted", "on_record", "preferred", "finding"),
    [
        ("Sofía", "Sofía Isabel", "", similarity.AGREES),
        ("Billy", "William", "Billy", similarity.AGREES),
        ("Isabel", "Sofía Isabel", "", near(Detail.PARTLY_SAME)),
        ("Catherine", "Kathryn", "", near(Detail.SOUNDS_SIMILAR)),
        ("Sofía", "Baby Girl", "", Finding(Verdict.NOT_ON_RECORD, Detail.PLACEHOLDER)),
        ("Sofía", "", "", similarity.NOT_ON_RECORD),
        ("", "Sofía", "", similarity.NOT_PROVIDED),
    ],
)
def test_first_names_are_compared(submitted: str, on_record: str, preferred: str, finding: Finding) -> None:
    assert similarity.compare_first_names(submitted, on_record, preferred) == finding


@pytest.mark.parametrize(
    ("submitted", "finding"),
    [
        (date(2019, 3, 5), similarity.AGREES),
        (date(2019, 5, 3), near(Detail.DAY_AND_MONTH)),
        (date(2018, 3, 5), near(Detail.ONE_DIGIT)),
        (date(2016, 7, 21), similarity.DIFFERS),
    ],
)
def test_dates_are_compared(submitted: date, finding: Finding) -> None:
    assert similarity.compare_dates(submitted, date(2019, 3, 5)) == finding


@pytest.mark.parametrize(
    ("submitted", "on_record", "finding"),
    [
        (("1 Elm Street", "55401"), ("1 Elm St", "55401-1234"), similarity.AGREES),
        (("1 Elm St", ""), ("1 Elm St", "55401"), similarity.AGREES),
        (("1 Elm St", "55402"), ("1 Elm St", "55401"), near(Detail.OTHER_ZIP)),
        (("9 Oak St", "55401"), ("1 Elm St", "55401"), near(Detail.SAME_ZIP)),
        (("9 Oak St", "55402"), ("1 Elm St", "55401"), similarity.DIFFERS),
        (("", ""), ("1 Elm St", "55401"), similarity.NOT_PROVIDED),
        (("1 Elm St", "55401"), ("", ""), similarity.NOT_ON_RECORD),
    ],
)
def test_addresses_are_compared(submitted: tuple[str, str], on_record: tuple[str, str], finding: Finding) -> None:
    assert similarity.compare_addresses(submitted, on_record) == finding


def test_finding_has_the_label_of_its_detail_as_a_note() -> None:
    assert near(Detail.DAY_AND_MONTH).note == "month and day switched"
    assert similarity.AGREES.note == ""


@pytest.mark.parametrize(
    ("typed", "may_be"),
    [
        ("Smith, Lucas", True),
        ("lucas j. smith", True),
        ("Luca Smyth", True),
        ("Lucas", True),
        ("Rosa Smith", False),
        ("Rosa", False),
    ],
)
def test_name_typed_in_one_field_is_compared_in_any_order(typed: str, may_be: bool) -> None:
    assert similarity.may_be_same_name(typed, ("Lucas", "Smith")) is may_be
