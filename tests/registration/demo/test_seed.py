"""The demo: invented people, the same on every machine, with the variety that a front desk meets."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from itertools import groupby

import phonenumbers
import pytest
from django.conf import LazySettings
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker
from PIL import Image

from patients import dates, names
from patients.intake.records import ContactRecord, PatientRecord
from patients.models import NameKey, Patient, PortalStatus
from portal.models import Logo, Membership, Practice, User
from registration.access import portal_status
from registration.demo import seed, staff
from registration.demo.cast import CAST
from registration.demo.families import HARBOR_STREET, families
from registration.models import VerificationQuestion

TODAY = date(2026, 11, 23)
CAST_SIZE = sum(len(family.children) for family in CAST)


@pytest.fixture(scope="module")
def people() -> list[PatientRecord]:
    return families(2_000, seed=10, today=TODAY)


@pytest.fixture
def quick_passwords(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def find(people: list[PatientRecord], family_name: str, given_names: str) -> PatientRecord:
    """Return the first person with this name. The cast comes first."""
    return next(person for person in people if (person.family_name, person.given_names) == (family_name, given_names))


def age(record: PatientRecord, *, on: date = TODAY) -> int:
    return dates.age(record.birth_date, on=on)


def share(part: int, *, of: int) -> float:
    return 100 * part / of


def adults_of(people: list[PatientRecord]) -> set[tuple[str, str, str, str]]:
    contacts = [contact for person in people for contact in person.contacts]
    return {(contact.given_names, contact.family_name, contact.email, contact.phone) for contact in contacts}


def persons_in(people: list[PatientRecord]) -> Iterator[PatientRecord | ContactRecord]:
    for person in people:
        yield person
        yield from person.contacts


def siblings_of(people: list[PatientRecord]) -> list[list[PatientRecord]]:
    """Return a list of siblings for each family that has contacts."""

    def contacts(record: PatientRecord) -> list[tuple[str, str, str]]:
        return [
            (contact.given_names, contact.family_name, contact.email + contact.phone) for contact in record.contacts
        ]

    return [list(siblings) for adults, siblings in groupby(people, key=contacts) if adults]


def test_same_seed_generates_the_same_people() -> None:
    assert families(200, seed=3, today=TODAY) == families(200, seed=3, today=TODAY)
    assert families(200, seed=3, today=TODAY) != families(200, seed=4, today=TODAY)


@pytest.mark.parametrize("count", [0, 1, 60, 2_000])
def test_requested_number_of_patients_with_unique_ids(count: int) -> None:
    found = families(count, seed=10, today=TODAY)
    assert [record.mrn for record in found] == [f"MG-{100_001 + number}" for number in range(count)]
    assert len({(record.source_system, record.source_id) for record in found}) == count


@given(today=st.dates(min_value=date(2024, 1, 1), max_value=date(2060, 12, 31)))
def test_cast_has_the_same_ages_on_every_date(today: date) -> None:
    people = families(CAST_SIZE, seed=10, today=today)
    expected = [int(child.age) for family in CAST for child in family.children]
    assert [age(person, on=today) for person in people] == expected
    assert all(person.birth_date < today for person in people)


def test_cast_matches_the_readme(people: list[PatientRecord]) -> None:
    sofia, mateo = find(people, "García-López", "Sofía"), find(people, "García-López", "Mateo")
    (elena,) = sofia.contacts
    assert (elena.given_names, elena.family_name, elena.relationship) == ("Elena", "García", "Mother")
    assert elena.has_authority
    assert (elena.email, elena.phone) == ("elena.garcia@mail.example", "(612) 555-0101")
    assert adults_of([sofia]) == adults_of([mateo])

    nora, sean = find(people, "O'Brien", "Liam").contacts
    assert (nora.given_names, nora.has_authority) == ("Nora", True)
    assert (sean.given_names, sean.relationship, sean.has_authority) == ("Sean", "Father", False)

    assert names.is_placeholder(find(people, "Smith", "Baby Boy").given_names)
    assert age(find(people, "Nguyễn", "Minh")) == 15
    assert age(find(people, "Johansson", "Astrid")) == 18
    assert find(people, "Okafor", "Ada").birth_date == find(people, "Okafor", "Obi").birth_date
    assert [contact.email for contact in find(people, "Müller", "Jürgen").contacts] == [""]
    assert find(people, "Whitfield", "William").preferred_name == "Billy"
    assert find(people, "Lindahl", "Nils").deceased_on is not None
    assert not find(people, "Castillo", "Marisol").active
    assert find(people, "Xiong", "Maly").contacts == ()


def test_phone_numbers_and_addresses_are_fictional(people: list[PatientRecord]) -> None:
    people = people + families(60, seed=10, today=TODAY, around=HARBOR_STREET)
    for person in persons_in(people):
        if person.phone:
            assert phonenumbers.is_valid_number(phonenumbers.parse(person.phone, "US")), person.phone
            assert person.phone[-8:-2] == "555-01", person.phone
        if person.email:
            assert person.email.isascii(), person.email
            assert person.email.endswith(".example"), person.email


def test_people_share_no_number_or_address(people: list[PatientRecord]) -> None:
    owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for person in persons_in(people):
        for address in filter(None, (person.phone, person.email)):
            owners[address].add((person.given_names, person.family_name))
    assert [address for address, people_with_it in owners.items() if len(people_with_it) > 1] == []
    assert "(612) 555-0142" not in owners  # This is the practice's number.


def test_family_sizes_and_ages_are_those_of_a_pediatric_practice(people: list[PatientRecord]) -> None:
    families_found = siblings_of(people)
    assert 650 <= len(families_found) <= 750
    assert {len(siblings) for siblings in families_found} == {1, 2, 3, 4, 5, 6}
    ages = [age(person) for person in people]
    assert (min(ages), max(ages)) == (0, 21)
    assert 300 <= sum(12 <= years <= 17 for years in ages) <= 700
    assert 50 <= sum(years >= 18 for years in ages) <= 200
    twins = [siblings for siblings in families_found if len({child.birth_date for child in siblings}) < len(siblings)]
    assert len(twins) > 10


def test_siblings_share_a_surname_and_differ_in_first_name(people: list[PatientRecord]) -> None:
    for siblings in siblings_of(people):
        assert len({child.family_name for child in siblings}) == 1
        assert len({child.given_names for child in siblings}) == len(siblings)


def test_some_parents_live_apart_and_some_are_barred(people: list[PatientRecord]) -> None:
    apart = [
        siblings for siblings in siblings_of(people) if len({(child.street, child.city) for child in siblings}) == 2
    ]
    assert len(apart) > 10
    barred = {adult.relationship for person in people for adult in person.contacts if adult.has_authority is False}
    assert {"Father", "Mother", "Stepfather", "Grandmother"} <= barred


def test_data_is_missing_about_as_often_as_in_real_life(people: list[PatientRecord]) -> None:
    adults = adults_of(people)
    assert 7 <= share(sum(not email for _, _, email, _ in adults), of=len(adults)) <= 13
    assert 3 <= share(sum(not phone for _, _, _, phone in adults), of=len(adults)) <= 7
    assert 5 <= sum(not person.contacts for person in people) <= 60
    assert 10 <= sum(not person.active for person in people) <= 80
    assert 2 <= sum(person.deceased for person in people) <= 10
    assert all(
        person.deceased_on is not None and person.birth_date < person.deceased_on
        for person in people
        if person.deceased
    )


def test_names_and_languages_have_many_origins(people: list[PatientRecord]) -> None:
    surnames = {person.family_name for person in people}
    assert len(surnames) > 200
    assert {"O'Brien", "Nguyễn", "Müller", "de la Cruz", "Al-Sayed", "St. Clair", "N'Diaye", "D'Angelo"} <= surnames
    assert sum(bool(person.preferred_name) for person in people) > 30
    spanish = sum(person.language == "es" for person in people)
    assert 9 <= share(spanish, of=len(people)) <= 15
    assert {person.language for person in people} == {"en", "es", "vi", "so", "hmn"}


@pytest.mark.slow
@pytest.mark.django_db
def test_seeding_twice_creates_one_demo(quick_passwords: None) -> None:
    seed.seed(today=TODAY)
    seed.seed(today=TODAY)
    maple_grove, harbor_street = Practice.objects.order_by("-name")
    assert (maple_grove.name, maple_grove.short_name) == ("Maple Grove Pediatrics", "Maple Grove Peds")
    assert [Patient.objects.for_practice(practice).count() for practice in (maple_grove, harbor_street)] == [2_000, 60]
    for practice in (maple_grove, harbor_street):
        practice.full_clean()
        assert VerificationQuestion.objects.filter(practice=practice, active=True).count() == 5
        logo = Image.open(BytesIO(Logo.objects.get(practice=practice).png))
        assert (logo.format, logo.size, logo.getpixel((0, 0))) == ("PNG", (256, 256), (255, 255, 255))
    assert User.objects.filter(portal_account=None).count() == len(staff.STAFF)


@pytest.mark.slow
@pytest.mark.django_db
def test_statuses_are_spread_and_match_the_name_keys(quick_passwords: None) -> None:
    seed.seed(today=TODAY)
    patients = Patient.objects.filter(practice__short_name="Maple Grove Peds")
    count = {status: patients.filter(portal_status=status).count() for status in PortalStatus}
    assert 30 <= share(count[PortalStatus.REGISTERED], of=2_000) <= 40
    assert 0.5 <= share(count[PortalStatus.SELF_REGISTERED], of=2_000) <= 2
    assert 1 <= share(count[PortalStatus.DECLINED], of=2_000) <= 4
    assert count[PortalStatus.PENDING] == 0
    assert all(portal_status.status_of(patient) == patient.portal_status for patient in patients.order_by("mrn")[::10])
    cast = patients.filter(mrn__lte=f"MG-{100_000 + CAST_SIZE}")
    assert set(cast.values_list("portal_status", flat=True)) == {PortalStatus.UNREGISTERED}
    keys = NameKey.objects.values_list("status", "patient__portal_status").distinct()
    assert all(status == of_patient for status, of_patient in keys)


@pytest.mark.slow
@pytest.mark.django_db
def test_command_creates_and_prints_the_accounts(settings: LazySettings, quick_passwords: None) -> None:
    settings.DEMO = True
    output = StringIO()
    call_command("seed_demo", stdout=output)
    lines = output.getvalue().splitlines()
    assert len(lines) == len(staff.accounts())
    for line, (role, email, password) in zip(lines, staff.accounts(), strict=True):
        assert line.split("  ")[0].strip() == role
        assert line.split()[-2:] == [email, password]
        user = User.objects.get(email=email)
        assert user.check_password(password)
        validate_password(password, user)
    assert len({line.index(email) for line, (_, email, _) in zip(lines, staff.accounts(), strict=True)}) == 1


@pytest.mark.django_db
def test_manager_works_in_both_practices_and_administrator_in_none(quick_passwords: None) -> None:
    practices = {prefix: baker.make(Practice, name=prefix) for prefix in ("MG", "HS")}
    staff.create(practices=practices)
    works_at: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for membership in Membership.objects.select_related("user", "practice"):
        works_at[membership.user.email].append((membership.practice.name, membership.role))
    assert works_at == {
        "frontdesk@maplegrove.example": [("MG", "front_desk")],
        "manager@maplegrove.example": [("MG", "manager"), ("HS", "front_desk")],
        "desk@harborstreet.example": [("HS", "front_desk")],
    }
    (administrator,) = User.objects.filter(is_superuser=True)
    assert (administrator.email, administrator.is_staff) == ("admin@demo.example", True)


@pytest.mark.django_db
def test_command_is_refused_outside_the_demo(settings: LazySettings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="publicly known passwords"):
        call_command("seed_demo")
    assert not Practice.objects.exists()
