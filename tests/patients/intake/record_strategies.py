"""Hypothesis strategies for patient records as they look after an import from FHIR."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from patients.intake.elements import Element
from patients.intake.records import ContactRecord, PatientRecord
from tests.patients.intake.fhir_patients import TODAY

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
    contacts=st.lists(CONTACTS, max_size=3, unique_by=lambda contact: contact.key).map(tuple),
).map(lambda record: replace(record, deceased=record.deceased or record.deceased_on is not None))
