"""FHIR Patients into records: which of several names, numbers and addresses is taken, and what is refused."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.intake import fhir
from patients.intake.records import LONGEST, ContactRecord, Element, PatientRecord, Refusal
from patients.models import Contact, Patient

TODAY = date(2026, 11, 23)
ANA: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:test", "value": "1"}],
    "name": [{"family": "García", "given": ["Ana", "María"]}],
    "birthDate": "2019-03-05",
}


def taken(**members: Any) -> PatientRecord:
    record = fhir.read_patient(ANA | members, line=1, today=TODAY)
    assert isinstance(record, PatientRecord), record
    return record


def refused(**members: Any) -> tuple[str, str]:
    refusal = fhir.read_patient(ANA | members, line=7, today=TODAY)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.line == 7
    return refusal.field, refusal.reason


def named(*names: object) -> tuple[str, str, str]:
    record = taken(name=list(names))
    return record.family_name, record.given_names, record.preferred_name


def contact(**members: Any) -> ContactRecord:
    (found,) = taken(contact=[{"name": {"family": "García", "given": ["Rosa"]}} | members]).contacts
    return found


def test_the_widths_are_those_of_the_columns() -> None:
    widths = [
        {"key" if field.name == "source_key" else field.name: field.max_length for field in model._meta.concrete_fields}
        for model in (Patient, Contact)
    ]
    for name, longest in LONGEST.items():
        assert {of_model[name] for of_model in widths if name in of_model} == {longest}, name


def test_a_patient_with_no_more_than_it_needs() -> None:
    assert taken() == PatientRecord(
        source_system="urn:test",
        source_id="1",
        family_name="García",
        given_names="Ana María",
        birth_date=date(2019, 3, 5),
    )


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
def test_the_official_name_comes_first(other: dict[str, Any]) -> None:
    assert named(other, OFFICIAL) == named(OFFICIAL, other) == ("Smith", "Ann", "")


def test_a_maiden_name_comes_last_even_after_a_name_that_has_ended() -> None:
    ended = {"use": "usual", "family": "Smith", "period": {"end": "2020-01-31T10:00:00Z"}}
    assert named({"use": "maiden", "family": "Jones"}, ended)[0] == "Smith"
    assert named({"use": "maiden", "family": "Jones"})[0] == "Jones"


def test_a_name_that_ends_later_this_year_is_good_until_then() -> None:
    assert named({"use": "official", "family": "Now", "period": {"end": "2026"}}, {"family": "Other"})[0] == "Now"
    assert named({"use": "official", "family": "Now", "period": {"end": "2026-10"}}, {"family": "Other"})[0] == "Other"


def test_a_nickname_or_a_usual_first_name_is_what_the_patient_goes_by() -> None:
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
def test_names_are_read_however_they_are_cut(name: dict[str, Any], parts: tuple[str, str, str]) -> None:
    assert named(name) == parts


@pytest.mark.parametrize("names", [None, [], [{}], [{"text": " "}], [{"family": "", "given": [""]}], [{"text": ","}]])
def test_a_patient_without_a_name_is_refused(names: object) -> None:
    assert refused(name=names) == ("name", "is missing")


# --- Dates, gender, life


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2019-03", "the date of birth has no day"),
        ("2019", "the date of birth has no day"),
        ("2019-02-30", "there is no such day"),
        ("0000-01-01", "there is no such day"),
        ("2026-11-24", "the date of birth is in the future"),
        ("3/5/2019", "the date of birth is not written as YYYY-MM-DD"),
        ("20190305", "the date of birth is not written as YYYY-MM-DD"),
        ("2019-W10-2", "the date of birth is not written as YYYY-MM-DD"),
        ("٢٠١٩-٠٣-٠٥", "the date of birth is not written as YYYY-MM-DD"),
        ("", "the date of birth is missing"),
        (None, "the date of birth is missing"),
        (20190305, "is not text"),
    ],
)
def test_a_date_of_birth_is_a_day_that_there_was(written: object, reason: str) -> None:
    assert refused(birthDate=written) == ("birthDate", reason)


def test_a_child_may_be_born_today() -> None:
    assert taken(birthDate="2026-11-23").birth_date == TODAY


@pytest.mark.parametrize("gender", ["female", "male", "other", "unknown"])
def test_the_four_genders_of_fhir_are_taken(gender: str) -> None:
    assert taken(gender=gender).sex == gender


@pytest.mark.parametrize("gender", ["F", "Female", "", 1, ["female"], True])
def test_another_gender_is_refused(gender: object) -> None:
    assert refused(gender=gender)[0] == "gender"


def test_a_missing_gender_is_unknown() -> None:
    assert taken(gender=None).sex == "unknown"


@pytest.mark.parametrize(
    ("members", "deceased"),
    [
        ({}, (False, None)),
        ({"deceasedBoolean": False}, (False, None)),
        ({"deceasedBoolean": True}, (True, None)),
        ({"deceasedDateTime": "2021-02-20T23:15:54-05:00"}, (True, date(2021, 2, 20))),
        ({"deceasedDateTime": "2021-02-20"}, (True, date(2021, 2, 20))),
        ({"deceasedDateTime": "2021-02"}, (True, None)),
        ({"deceasedDateTime": "2021"}, (True, None)),
    ],
)
def test_the_deceased_are_known(members: dict[str, Any], deceased: tuple[bool, date | None]) -> None:
    record = taken(**members)
    assert (record.deceased, record.deceased_on) == deceased


def test_a_patient_is_active_unless_the_source_says_otherwise() -> None:
    assert taken().active
    assert not taken(active=False).active
    assert refused(active="false") == ("active", "is neither true nor false")


# --- Identity


def typed(code: str, value: str = "M1", system: str = "urn:mrn", **members: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"code": code}]}, "value": value, "system": system} | members


def identity(*identifiers: object, **members: Any) -> tuple[str, str, str]:
    record = taken(identifier=list(identifiers), **members)
    return record.source_system, record.source_id, record.mrn


PLAIN = {"system": "urn:plain", "value": "P1"}


def test_the_medical_record_number_identifies_the_patient() -> None:
    assert identity(PLAIN, typed("MR")) == ("urn:mrn", "M1", "M1")
    assert identity(PLAIN, {"system": "urn:u", "value": "U1", "use": "usual"}) == ("urn:u", "U1", "U1")
    assert identity(typed("MR", "gone", use="old"), PLAIN) == ("urn:plain", "P1", "")
    assert identity(PLAIN, {"type": {"coding": [{"code": "MR"}]}, "value": "M1"}) == ("urn:plain", "P1", "M1")


def test_without_an_identifier_the_resource_s_own_does() -> None:
    assert identity(id="a-1") == ("urn:fhir:Patient", "a-1", "")
    assert refused(identifier=[]) == ("identifier", "nothing identifies the patient")


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
def test_a_number_of_the_person_s_is_never_kept(number: dict[str, Any]) -> None:
    assert identity(number, id="a-1") == ("urn:fhir:Patient", "a-1", "")
    assert identity(number, PLAIN) == ("urn:plain", "P1", "")


# --- How to reach the family


def test_a_mobile_phone_is_preferred_then_one_at_home_then_by_rank() -> None:
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


def test_what_is_no_e_mail_address_is_left_out_and_told() -> None:
    record = taken(telecom=[{"system": "email", "value": "n/a"}])
    assert record.email == ""
    assert [(one.line, one.field) for one in record.left_out] == [(1, "telecom")]
    both = taken(telecom=[{"system": "email", "value": "none"}, {"system": "email", "value": "ana@mail.example"}])
    assert (both.email, both.left_out) == ("ana@mail.example", ())


def test_the_home_address_is_preferred_and_an_old_one_passed_over() -> None:
    home = {"use": "home", "line": ["1 Elm St", "Apt 2"], "city": "Troy", "state": "AL", "postalCode": "36081"}
    record = taken(address=[{"use": "old", "city": "Gone"}, {"use": "work", "city": "Work"}, home])
    assert (record.street, record.city, record.state, record.postal_code) == ("1 Elm St, Apt 2", "Troy", "AL", "36081")


def test_the_preferred_language_is_taken_if_it_has_a_code() -> None:
    def spoken(code: str, **members: Any) -> dict[str, Any]:
        return {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}} | members

    assert taken(communication=[spoken("en"), spoken("es-MX", preferred=True)]).language == "es-MX"
    assert taken(communication=[spoken("en"), spoken("es")]).language == "en"
    assert taken(communication=[{"language": {"text": "Spanish"}}]).language == ""


# --- Family contacts


def test_a_contact_with_what_the_source_knows() -> None:
    points = [{"system": "phone", "value": "555 010 0100"}, {"system": "email", "value": "rosa@mail.example"}]
    found = contact(id="c1", relationship=[{"coding": [{"code": "MTH"}]}], telecom=points)
    assert found == ContactRecord(
        key="c1",
        family_name="García",
        given_names="Rosa",
        relationship="Mother",
        email="rosa@mail.example",
        phone="555 010 0100",
    )


@pytest.mark.parametrize(
    ("relationships", "word"),
    [
        ([{"coding": [{"code": "GUARD", "display": "Legal guardian"}]}], "Legal guardian"),
        ([{"text": "Grandma", "coding": [{"code": "GRMTH"}]}], "Grandma"),
        ([{"coding": [{"code": "N"}]}], "Next of kin"),
        ([{"coding": [{"code": "C"}]}, {"coding": [{"code": "FTH"}]}], "Father"),
        ([{"coding": [{"code": "ZZ"}]}], ""),
        (None, ""),
    ],
)
def test_a_relationship_is_said_in_a_word(relationships: object, word: str) -> None:
    found = contact(relationship=relationships)
    assert (found.relationship, found.has_authority) == (word, None)


def test_a_mere_emergency_contact_has_no_authority() -> None:
    assert contact(relationship=[{"coding": [{"code": "C"}]}]).has_authority is False


def test_contacts_without_an_id_are_told_apart() -> None:
    rosa = {"name": {"family": "García", "given": ["Rosa"]}}
    keys = [one.key for one in taken(contact=[rosa, rosa, rosa | {"id": "x"}, rosa | {"id": "x"}]).contacts]
    assert keys == ["rosagarcia/", "rosagarcia/#2", "x", "x#2"]


def test_a_contact_without_a_name_is_left_out_and_told_unless_it_is_an_organization() -> None:
    record = taken(contact=[{"organization": {"display": "School"}}, {"relationship": []}])
    assert record.contacts == ()
    assert [one.field for one in record.left_out] == ["contact[1].name"]


def test_a_contact_whose_time_is_over_is_passed_over() -> None:
    assert taken(contact=[{"name": {"text": "Rosa García"}, "period": {"end": "2020"}}]).contacts == ()


# --- What cannot be stored


@pytest.mark.parametrize(
    ("members", "field", "reason"),
    [
        ({"name": "Ana"}, "name", "is not a list"),
        ({"name": ["Ana"]}, "name[0]", "is not an object"),
        ({"name": [{"family": 5}]}, "name[0].family", "is not text"),
        ({"name": [{"family": "G", "given": "Ana"}]}, "name[0].given", "is not a list"),
        ({"telecom": {"system": "phone"}}, "telecom", "is not a list"),
        ({"telecom": [{"system": "phone", "value": 5550100}]}, "telecom[0].value", "is not text"),
        ({"telecom": [{"system": "phone", "value": "5", "rank": "1"}]}, "telecom[0].rank", "is not a whole number"),
        ({"contact": [{"name": []}]}, "contact[0].name", "is not an object"),
        ({"address": [{"period": {"end": "31.12.2019"}}]}, "address[0].period.end", "is not a date of FHIR's"),
        ({"name": [{"family": "Ga\x00rcia"}]}, "name[0].family", "holds a character that is no text"),
        ({"name": [{"family": "Garc\ud83d"}]}, "name[0].family", "holds a character that is no text"),
        ({"name": [{"family": "G" * 121}]}, "name.family", "is longer than 120 characters"),
        ({"address": [{"line": ["1" * 100] * 2}]}, "address.line", "is longer than 200 characters"),
        ({"contact": [{"name": {"family": "G" * 121}}]}, "contact[0].name.family", "is longer than 120 characters"),
        ({"resourceType": "Observation"}, "resourceType", "is an Observation, not a Patient"),
        ({"resourceType": "Ana García"}, "resourceType", "is not Patient"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_place(members: dict[str, Any], field: str, reason: str) -> None:
    assert refused(**members) == (field, reason)


# --- Files


def test_a_bad_line_does_not_stop_the_good_ones() -> None:
    good = json.dumps(ANA).encode()
    lines = [b"\xef\xbb\xbf" + good, b"\n", b"{oops", good.replace(b"Ana", b"An\xe1"), b"[" * 100_000, b"5", good]
    rows = list(fhir.read_lines(lines, today=TODAY))
    reasons = {row.line: row.reason for row in rows if isinstance(row, Refusal)}
    assert reasons == {3: "is not JSON", 4: "is not UTF-8", 5: "is not JSON", 6: "is not a JSON object"}
    assert [row.line for row in rows if isinstance(row, PatientRecord)] == [1, 7]


def test_other_resources_of_a_bundle_are_passed_over() -> None:
    entries = [{"resource": ANA}, {"resource": {"resourceType": "Observation"}}, {"fullUrl": "x"}, "junk"]
    found = [type(row) for row in fhir.read_entries(entries, today=TODAY)]
    assert found == [PatientRecord, type(None), type(None), Refusal]


# --- Whatever comes

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "Patient",
            "2019-03-05",
            "2019",
            "phone",
            "email",
            "official",
            "usual",
            "nickname",
            "old",
            "MR",
            "\ud800",
            "\x00",
        ]
    )
)
MEMBERS = st.sampled_from(
    [
        *("use", "family", "given", "text", "system", "value", "rank", "period", "end", "type", "coding", "code"),
        *("display", "language", "preferred", "line", "city", "name", "telecom", "relationship", "organization", "id"),
        "resource",
    ]
)
JUNK = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4))
OF_PATIENT = st.sampled_from(
    [
        *("id", "identifier", "name", "birthDate", "gender", "active", "deceasedBoolean", "deceasedDateTime"),
        *("telecom", "address", "communication", "contact", "resourceType"),
    ]
)


@given(members=st.dictionaries(OF_PATIENT, JUNK, max_size=6))
def test_whatever_stands_in_a_patient_it_is_taken_or_refused(members: dict[str, Any]) -> None:
    row = fhir.read_patient(ANA | members, line=3, today=TODAY)
    assert isinstance(row, PatientRecord | Refusal)
    assert row.line == 3


@given(entries=st.lists(JUNK, max_size=3), line=st.binary(max_size=30))
def test_whatever_stands_in_a_file_it_is_taken_or_refused(entries: list[object], line: bytes) -> None:
    assert len(list(fhir.read_entries(entries, today=TODAY))) == len(entries)
    assert all(isinstance(row, Refusal) for row in fhir.read_lines([line], today=TODAY))


WORD = st.text(st.characters(whitelist_categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=12).map(
    lambda text: Element({"it": text}).text("it")
)
WORDS = st.lists(WORD, max_size=3).map(" ".join)
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=TODAY)
EMAILS = st.just("") | st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True)
PHONES = st.just("") | st.from_regex(r"555-010-[0-9]{4}", fullmatch=True)
CONTACTS = st.builds(
    ContactRecord, key=WORD, family_name=WORD, given_names=WORDS, relationship=WORDS, email=EMAILS, phone=PHONES
)
RECORDS = st.builds(
    PatientRecord,
    source_system=WORD,
    source_id=WORD,
    mrn=st.just(""),
    family_name=WORD,
    given_names=WORDS,
    preferred_name=st.just(""),
    birth_date=DAYS,
    sex=st.sampled_from(["female", "male", "other", "unknown"]),
    active=st.booleans(),
    deceased=st.booleans(),
    deceased_on=st.none() | DAYS,
    language=st.sampled_from(["", "en", "es-MX", "vi"]),
    phone=PHONES,
    email=EMAILS,
    street=WORDS,
    city=WORDS,
    state=WORDS,
    postal_code=WORD,
    contacts=st.lists(CONTACTS, max_size=3, unique_by=lambda one: one.key).map(tuple),
).map(lambda record: replace(record, deceased=record.deceased or record.deceased_on is not None))


def telecom(record: PatientRecord | ContactRecord) -> list[dict[str, str]]:
    return [{"system": "phone", "value": record.phone}, {"system": "email", "value": record.email}]


def as_fhir(record: PatientRecord) -> dict[str, Any]:
    language = [{"system": "urn:ietf:bcp:47", "code": record.language}]
    died = {"deceasedDateTime": str(record.deceased_on)} if record.deceased_on else {"deceasedBoolean": record.deceased}
    address = {"line": [record.street], "city": record.city, "state": record.state, "postalCode": record.postal_code}
    identifier = {"system": record.source_system, "value": record.source_id}
    names = [{"use": "official", "family": record.family_name, "given": record.given_names.split()}]
    if record.preferred_name:
        names.append({"use": "nickname", "given": [record.preferred_name]})
    return died | {
        "resourceType": "Patient",
        "identifier": [identifier | ({"type": {"coding": [{"code": "MR"}]}} if record.mrn else {})],
        "name": names,
        "birthDate": str(record.birth_date),
        "gender": record.sex,
        "active": record.active,
        "telecom": telecom(record),
        "address": [address],
        "communication": [{"language": {"coding": language}}],
        "contact": [
            {
                "id": one.key,
                "name": {"family": one.family_name, "given": one.given_names.split()},
                "relationship": [{"text": one.relationship}],
                "telecom": telecom(one),
            }
            for one in record.contacts
        ],
    }


@given(record=RECORDS, has_mrn=st.booleans(), goes_by=WORD)
def test_a_record_written_as_fhir_is_read_back_equal(record: PatientRecord, has_mrn: bool, goes_by: str) -> None:
    record = replace(record, mrn=record.source_id if has_mrn else "")
    if goes_by != record.given_names.split(" ")[0]:
        record = replace(record, preferred_name=goes_by)
    line = json.dumps(as_fhir(record)).encode()
    assert list(fhir.read_lines([line], today=TODAY)) == [record]
