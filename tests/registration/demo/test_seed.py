"""The demo: people who do not exist, the same on every machine, in the shapes that a front desk meets."""

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
    """The one of the cast, which stands before everybody else."""
    return next(each for each in people if (each.family_name, each.given_names) == (family_name, given_names))


def age(record: PatientRecord, *, on: date = TODAY) -> int:
    return dates.age(record.birth_date, on=on)


def share(part: int, *, of: int) -> float:
    return 100 * part / of


def adults_of(people: list[PatientRecord]) -> set[tuple[str, str, str, str]]:
    return {(each.given_names, each.family_name, each.email, each.phone) for one in people for each in one.contacts}


def persons_in(people: list[PatientRecord]) -> Iterator[PatientRecord | ContactRecord]:
    for one in people:
        yield one
        yield from one.contacts


def siblings_of(people: list[PatientRecord]) -> list[list[PatientRecord]]:
    """Patients with the same contacts, a list for each family that has any."""

    def contacts(record: PatientRecord) -> list[tuple[str, str, str]]:
        return [(each.given_names, each.family_name, each.email + each.phone) for each in record.contacts]

    return [list(siblings) for adults, siblings in groupby(people, key=contacts) if adults]


def test_the_same_seed_thinks_up_the_same_people() -> None:
    assert families(200, seed=3, today=TODAY) == families(200, seed=3, today=TODAY)
    assert families(200, seed=3, today=TODAY) != families(200, seed=4, today=TODAY)


@pytest.mark.parametrize("count", [0, 1, 60, 2_000])
def test_there_are_as_many_patients_as_were_asked_for_each_with_a_number_of_its_own(count: int) -> None:
    found = families(count, seed=10, today=TODAY)
    assert [each.mrn for each in found] == [f"MG-{100_001 + place}" for place in range(count)]
    assert len({(each.source_system, each.source_id) for each in found}) == count


@given(today=st.dates(min_value=date(2024, 1, 1), max_value=date(2060, 12, 31)))
def test_the_cast_has_its_ages_on_every_day(today: date) -> None:
    people = families(CAST_SIZE, seed=10, today=today)
    expected = [int(child.age) for family in CAST for child in family.children]
    assert [age(each, on=today) for each in people] == expected
    assert all(each.birth_date < today for each in people)


def test_the_cast_stands_where_the_walk_through_looks_for_it(people: list[PatientRecord]) -> None:
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
    assert [each.email for each in find(people, "Müller", "Jürgen").contacts] == [""]
    assert find(people, "Whitfield", "William").preferred_name == "Billy"
    assert find(people, "Lindahl", "Nils").deceased_on is not None
    assert not find(people, "Castillo", "Marisol").active
    assert find(people, "Xiong", "Maly").contacts == ()


def test_no_number_and_no_address_could_reach_anybody(people: list[PatientRecord]) -> None:
    people = people + families(60, seed=10, today=TODAY, around=HARBOR_STREET)
    for person in persons_in(people):
        if person.phone:
            assert phonenumbers.is_valid_number(phonenumbers.parse(person.phone, "US")), person.phone
            assert person.phone[-8:-2] == "555-01", person.phone
        if person.email:
            assert person.email.isascii(), person.email
            assert person.email.endswith(".example"), person.email


def test_nobody_shares_a_number_or_an_address_with_a_stranger(people: list[PatientRecord]) -> None:
    owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for person in persons_in(people):
        for way in filter(None, (person.phone, person.email)):
            owners[way].add((person.given_names, person.family_name))
    assert [way for way, who in owners.items() if len(who) > 1] == []
    assert "(612) 555-0142" not in owners  # the practice's own


def test_families_have_the_sizes_and_the_ages_of_a_children_s_practice(people: list[PatientRecord]) -> None:
    families_found = siblings_of(people)
    assert 650 <= len(families_found) <= 750
    assert {len(each) for each in families_found} == {1, 2, 3, 4, 5, 6}
    ages = [age(each) for each in people]
    assert (min(ages), max(ages)) == (0, 21)
    assert 300 <= sum(12 <= each <= 17 for each in ages) <= 700
    assert 50 <= sum(each >= 18 for each in ages) <= 200
    twins = [each for each in families_found if len({one.birth_date for one in each}) < len(each)]
    assert len(twins) > 10


def test_siblings_bear_one_surname_and_no_first_name_twice(people: list[PatientRecord]) -> None:
    for siblings in siblings_of(people):
        assert len({each.family_name for each in siblings}) == 1
        assert len({each.given_names for each in siblings}) == len(siblings)


def test_some_parents_live_apart_and_some_may_not_see_the_record(people: list[PatientRecord]) -> None:
    apart = [each for each in siblings_of(people) if len({(one.street, one.city) for one in each}) == 2]
    assert len(apart) > 10
    barred = {adult.relationship for one in people for adult in one.contacts if adult.has_authority is False}
    assert {"Father", "Mother", "Stepfather", "Grandmother"} <= barred


def test_what_is_missing_is_missing_about_as_often_as_it_is_in_life(people: list[PatientRecord]) -> None:
    adults = adults_of(people)
    assert 7 <= share(sum(not email for _, _, email, _ in adults), of=len(adults)) <= 13
    assert 3 <= share(sum(not phone for _, _, _, phone in adults), of=len(adults)) <= 7
    assert 5 <= sum(not each.contacts for each in people) <= 60
    assert 10 <= sum(not each.active for each in people) <= 80
    assert 2 <= sum(each.deceased for each in people) <= 10
    assert all(each.deceased_on is not None and each.birth_date < each.deceased_on for each in people if each.deceased)


def test_names_and_languages_are_those_of_many_origins(people: list[PatientRecord]) -> None:
    surnames = {each.family_name for each in people}
    assert len(surnames) > 200
    assert {"O'Brien", "Nguyễn", "Müller", "de la Cruz", "Al-Sayed", "St. Clair", "N'Diaye", "D'Angelo"} <= surnames
    assert sum(bool(each.preferred_name) for each in people) > 30
    spanish = sum(each.language == "es" for each in people)
    assert 9 <= share(spanish, of=len(people)) <= 15
    assert {each.language for each in people} == {"en", "es", "vi", "so", "hmn"}


@pytest.mark.slow
@pytest.mark.django_db
def test_seeding_twice_is_seeding_once(quick_passwords: None) -> None:
    seed.seed(today=TODAY)
    seed.seed(today=TODAY)
    maple_grove, harbor_street = Practice.objects.order_by("-name")
    assert (maple_grove.name, maple_grove.short_name) == ("Maple Grove Pediatrics", "Maple Grove Peds")
    assert [Patient.objects.for_practice(each).count() for each in (maple_grove, harbor_street)] == [2_000, 60]
    for practice in (maple_grove, harbor_street):
        practice.full_clean()
        assert VerificationQuestion.objects.filter(practice=practice, active=True).count() == 5
        logo = Image.open(BytesIO(Logo.objects.get(practice=practice).png))
        assert (logo.format, logo.size, logo.getpixel((0, 0))) == ("PNG", (256, 256), (255, 255, 255))
    assert User.objects.filter(portal_account=None).count() == len(staff.STAFF)


@pytest.mark.slow
@pytest.mark.django_db
def test_statuses_are_spread_and_the_keys_say_the_same(quick_passwords: None) -> None:
    seed.seed(today=TODAY)
    patients = Patient.objects.filter(practice__short_name="Maple Grove Peds")
    count = {status: patients.filter(portal_status=status).count() for status in PortalStatus}
    assert 30 <= share(count[PortalStatus.REGISTERED], of=2_000) <= 40
    assert 0.5 <= share(count[PortalStatus.SELF_REGISTERED], of=2_000) <= 2
    assert 1 <= share(count[PortalStatus.DECLINED], of=2_000) <= 4
    assert count[PortalStatus.PENDING] == 0
    assert all(portal_status.status_of(each) == each.portal_status for each in patients.order_by("mrn")[::10])
    cast = patients.filter(mrn__lte=f"MG-{100_000 + CAST_SIZE}")
    assert set(cast.values_list("portal_status", flat=True)) == {PortalStatus.UNREGISTERED}
    keys = NameKey.objects.values_list("status", "patient__portal_status").distinct()
    assert all(status == of_patient for status, of_patient in keys)


@pytest.mark.slow
@pytest.mark.django_db
def test_the_command_makes_the_accounts_and_says_how_to_sign_in(settings: LazySettings, quick_passwords: None) -> None:
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
def test_one_person_works_in_both_practices_and_the_administrator_in_none(quick_passwords: None) -> None:
    practices = {prefix: baker.make(Practice, name=prefix) for prefix in ("MG", "HS")}
    staff.create(practices=practices)
    works_at: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in Membership.objects.select_related("user", "practice"):
        works_at[each.user.email].append((each.practice.name, each.role))
    assert works_at == {
        "frontdesk@maplegrove.example": [("MG", "front_desk")],
        "manager@maplegrove.example": [("MG", "manager"), ("HS", "front_desk")],
        "desk@harborstreet.example": [("HS", "front_desk")],
    }
    (administrator,) = User.objects.filter(is_superuser=True)
    assert (administrator.email, administrator.is_staff) == ("admin@demo.example", True)


@pytest.mark.django_db
def test_outside_the_demo_nothing_is_seeded(settings: LazySettings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="not a demo"):
        call_command("seed_demo")
    assert not Practice.objects.exists()
