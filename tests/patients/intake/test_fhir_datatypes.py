"""FHIR names, identifiers, telecoms and addresses: which one of several is chosen."""

from typing import Any

import pytest

from tests.patients.intake.fhir_patients import refused, taken


def named(*names: object) -> tuple[str, str, str]:
    record = taken(name=list(names))
    return record.family_name, record.given_names, record.preferred_name


# --- Names


OFFICIAL = {"use": "official", "family": "Smith", "given": ["Ann"]}


@pytest.mark.parametrize(
    "other",
    [
        {"use": "maiden", "family": "Jones", "given": ["Ann"]},
        {"use": "old", "family": "Jones", "given": ["Ann"]},
        {"use": "temp", "family": "Jones", "given": ["Ann"]},
        {"family": "Jones", "given": ["Ann"]},
        {"use": "usual", "family": "Jones", "given": ["Ann"]},
        {"use": "official", "family": "Jones", "given": ["Ann"], "period": {"end": "2020"}},
        {"use": "official"},
    ],
)
def test_official_name_is_preferred(other: dict[str, Any]) -> None:
    assert named(other, OFFICIAL) == named(OFFICIAL, other) == ("Smith", "Ann", "")


def test_maiden_name_is_used_only_if_there_is_no_other_name() -> None:
    ended = {"use": "usual", "family": "Smith", "period": {"end": "2020-01-31T10:00:00Z"}}
    assert named({"use": "maiden", "family": "Jones"}, ended)[0] == "Smith"
    assert named({"use": "maiden", "family": "Jones"})[0] == "Jones"


def test_name_is_used_until_its_period_ends() -> None:
    assert named({"use": "official", "family": "Now", "period": {"end": "2026"}}, {"family": "Other"})[0] == "Now"
    assert named({"use": "official", "family": "Now", "period": {"end": "2026-10"}}, {"family": "Other"})[0] == "Other"


def test_nickname_or_usual_first_name_is_the_preferred_name() -> None:
    assert named(OFFICIAL, {"use": "nickname", "given": ["Annie"]}) == ("Smith", "Ann", "Annie")
    assert named(OFFICIAL, {"use": "nickname", "text": "Annie"}) == ("Smith", "Ann", "Annie")
    assert named(OFFICIAL, {"use": "usual", "given": ["Nan", "B"]}) == ("Smith", "Ann", "Nan")
    assert named(OFFICIAL, {"use": "usual", "family": "Smith", "given": ["Ann", "B"]}) == ("Smith", "Ann", "")
    assert named({"family": "Smith", "given": ["Ann"]}, {"use": "usual", "given": ["Nan"]}) == ("Smith", "Ann", "Nan")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ({"text": "Smith, Ana María"}, ("Smith", "Ana María", "")),
        ({"text": "Ana María Smith"}, ("Smith", "Ana María", "")),
        ({"text": "Ana"}, ("Ana", "", "")),
        ({"text": ", Ana"}, ("Ana", "", "")),
        ({"given": ["Ana", None, " María "]}, ("Ana María", "", "")),
        ({"family": "Smith", "given": None}, ("Smith", "", "")),
        ({"family": " de  la\tCruz ", "given": ["Zoe\u0308"]}, ("de la Cruz", "Zoë", "")),
    ],
)
def test_name_is_read_from_text_or_parts(name: dict[str, Any], parts: tuple[str, str, str]) -> None:
    assert named(name) == parts


@pytest.mark.parametrize("names", [None, [], [{}], [{"text": " "}], [{"family": "", "given": [""]}], [{"text": ","}]])
def test_patient_without_a_name_is_refused(names: object) -> None:
    assert refused(name=names) == ("name", "is missing")


# --- Identity


def typed(code: str, value: str = "M1", system: str = "urn:mrn", **members: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"code": code}]}, "value": value, "system": system} | members


def identity(*identifiers: object, **members: Any) -> tuple[str, str, str]:
    record = taken(identifier=list(identifiers), **members)
    return record.source_system, record.source_id, record.mrn


PLAIN = {"system": "urn:plain", "value": "P1"}


def test_medical_record_number_identifies_the_patient() -> None:
    assert identity(PLAIN, typed("MR")) == ("urn:mrn", "M1", "M1")
    assert identity(PLAIN, {"system": "urn:u", "value": "U1", "use": "usual"}) == ("urn:u", "U1", "U1")
    assert identity(typed("MR", "gone", use="old"), PLAIN) == ("urn:plain", "P1", "")
    assert identity(PLAIN, {"type": {"coding": [{"code": "MR"}]}, "value": "M1"}) == ("urn:plain", "P1", "M1")


def test_without_an_identifier_the_resource_id_identifies_the_patient() -> None:
    assert identity(id="a-1") == ("urn:fhir:Patient", "a-1", "")
    assert refused(identifier=[]) == ("identifier", "the patient has no identifier")


@pytest.mark.parametrize(
    "number",
    [
        typed("SS", "999-81-5679", use="official"),
        typed("DL", use="usual"),
        typed("PPN", use="official"),
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999815679", "use": "usual"},
        {"type": {"text": "Social Security Number"}, "system": "urn:x", "value": "999815679", "use": "official"},
        {"system": "urn:x", "value": "999-81-5679", "use": "official"},
    ],
)
def test_personal_number_such_as_an_ssn_is_never_kept(number: dict[str, Any]) -> None:
    assert identity(number, id="a-1") == ("urn:fhir:Patient", "a-1", "")
    assert identity(number, PLAIN) == ("urn:plain", "P1", "")


# --- Phone numbers and addresses


def test_phone_is_chosen_by_use_then_by_rank() -> None:
    def phone(*points: dict[str, Any]) -> str:
        return taken(telecom=[{"system": "phone"} | point for point in points]).phone

    mobile, home, work = ({"use": use, "value": use} for use in ("mobile", "home", "work"))
    assert phone(work, home, mobile) == "mobile"
    assert phone(work, home) == "home"
    assert phone({"use": "home", "value": "2", "rank": 2}, {"use": "home", "value": "1", "rank": 1}) == "1"
    assert phone({"use": "old", "value": "gone"}, work) == "work"
    assert phone(mobile | {"period": {"end": "2020-05"}}, home) == "home"
    assert phone({"system": "fax", "value": "fax"}) == ""
    assert phone(home, {"system": "sms", "value": "sms"}) == "sms"


def test_invalid_email_address_is_left_out_and_reported() -> None:
    record = taken(telecom=[{"system": "email", "value": "n/a"}])
    assert record.email == ""
    assert [(refusal.line, refusal.field) for refusal in record.left_out] == [(1, "telecom")]
    both = taken(telecom=[{"system": "email", "value": "none"}, {"system": "email", "value": "ana@mail.example"}])
    assert (both.email, both.left_out) == ("ana@mail.example", ())


def test_home_address_is_preferred_and_an_old_one_is_skipped() -> None:
    home = {"use": "home", "line": ["1 Elm St", "Apt 2"], "city": "Troy", "state": "AL", "postalCode": "36081"}
    record = taken(address=[{"use": "old", "city": "Gone"}, {"use": "work", "city": "Work"}, home])
    assert (record.street, record.city, record.state, record.postal_code) == ("1 Elm St, Apt 2", "Troy", "AL", "36081")
