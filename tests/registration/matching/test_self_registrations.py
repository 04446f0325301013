"""A family asks without a PIN; the practice finds out whose child it is, and decides."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.models import OutgoingMessage
from patients.models import Contact, NameKey, Patient, keys_of
from portal import audit
from portal.audit import Actor
from portal.models import AuditEvent, Practice, User
from registration.access import accounts
from registration.issuing import registrations
from registration.issuing.safety_checks import OverrideRequired
from registration.matching import candidates, self_registrations
from registration.matching.self_registrations import RequestedChild
from registration.models import Association, Decline, PortalAccount, Registration, SelfRegistration
from registration.values import ByEmail, ByPin, Recipient, Refused
from tests import factories
from tests.factories import a_self_registration, an_account, an_association

State = SelfRegistration.State
SOFIA = RequestedChild(given_names="Sofia", family_name="García", birth_date=date(2019, 3, 5), relationship="mother")

pytestmark = pytest.mark.django_db


@pytest.fixture
def elena() -> PortalAccount:
    return an_account()


@pytest.fixture
def sofia(practice: Practice) -> Patient:
    """López-García, Sofía, with a mother on record."""
    patient = factories.a_patient(practice, family="López-García", street="12 Elm Street", postal_code="55311")
    factories.a_contact(patient)
    return patient


def theirs(account: PortalAccount) -> Actor:
    return accounts.actor_for(account, "198.51.100.4")


def status_of(patient: Patient) -> str:
    patient.refresh_from_db()
    assert set(patient.name_keys.values_list("status", flat=True)) == {patient.portal_status}
    return patient.portal_status


def issue(patients: list[Patient], contact: Contact, actor: Actor) -> Registration:
    return registrations.register_patients(
        practice=patients[0].practice,
        patients=patients,
        recipient=Recipient(name=contact.name, contact=contact),
        method=ByPin(),
        delivery=ByEmail(contact.email),
        form_token=uuid.uuid4(),
        session_key="-",
        actor=actor,
    )


def trail(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


# --- The family asks ---


def test_a_mother_asks_and_the_patient_with_that_name_and_birthday_waits_for_the_match(
    practice: Practice, elena: PortalAccount, sofia: Patient
) -> None:
    (row,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    assert (row.state, row.likely) == (State.WAITING, sofia)
    assert status_of(sofia) == "self_registered"
    (line,) = trail("self_registered")
    assert (line.patient_id, line.actor, line.practice) == (sofia.pk, elena.user, practice)
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == elena.email
    assert "Sofia" not in letter.content.text


def test_nobody_is_likely_where_two_have_that_name_and_birthday(practice: Practice, elena: PortalAccount) -> None:
    factories.a_patient(practice, "Sofía", "García")
    factories.a_patient(practice, "Sofía Isabel", "García")
    (row,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    assert row.likely is None
    assert trail("self_registered")[0].patient_id is None


@pytest.mark.parametrize("gone", [{"active": False}, {"deceased": True}, {"birth_date": date(2019, 5, 3)}])
def test_who_is_gone_or_born_on_another_day_is_not_likely(
    practice: Practice, elena: PortalAccount, sofia: Patient, gone: dict[str, Any]
) -> None:
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    sofia.refresh_from_db()
    sofia.name_keys.all().delete()
    NameKey.objects.bulk_create(keys_of(sofia, []))
    (row,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    assert row.likely is None
    assert status_of(sofia) == "unregistered"


def test_the_same_child_asked_for_again_is_no_second_row(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    again = RequestedChild(
        given_names="SOFÍA", family_name="Garcia", birth_date=SOFIA.birth_date, relationship="mother"
    )
    (first,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA, again], actor=theirs(elena))
    assert self_registrations.ask(account=elena, practice=practice, children=[again], actor=theirs(elena)) == [first]
    self_registrations.match(first, sofia, level="full", actor=actor)
    assert self_registrations.ask(account=elena, practice=practice, children=[again], actor=theirs(elena)) == [first]
    assert SelfRegistration.objects.count() == 1
    assert len(trail("self_registered")) == 1


def test_who_has_access_by_a_pin_has_nothing_to_ask_for(
    practice: Practice, elena: PortalAccount, sofia: Patient
) -> None:
    an_association(elena, sofia)
    assert self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena)) == []
    assert not SelfRegistration.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_after_access_was_removed_it_may_be_asked_for_again(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    (first,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    association = self_registrations.match(first, sofia, level="full", actor=actor)
    Association.objects.filter(pk=association.pk).update(ended_at=timezone.now())
    (second,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    assert second != first
    assert second.state == State.WAITING


def test_an_account_asks_for_no_more_children_than_a_family_has(practice: Practice, elena: PortalAccount) -> None:
    many = [
        RequestedChild(
            given_names=f"Child{number}", family_name="X", birth_date=date(2019, 1, 1), relationship="mother"
        )
        for number in range(self_registrations.MAX_OPEN + 1)
    ]
    self_registrations.ask(account=elena, practice=practice, children=many[:-1], actor=theirs(elena))
    with pytest.raises(self_registrations.TooManyRequests):
        self_registrations.ask(account=elena, practice=practice, children=many[-1:], actor=theirs(elena))
    assert SelfRegistration.objects.count() == self_registrations.MAX_OPEN


def test_a_new_account_comes_with_what_it_asks_for_or_not_at_all(practice: Practice, sofia: Patient) -> None:
    details = accounts.Details(
        email="Elena@families.example", password_hash=None, given_names="Elena", family_name="García", terms="portal"
    )
    account = self_registrations.ask_with_new_account(
        details, practice=practice, children=[SOFIA], address="198.51.100.4"
    )
    assert account.self_registrations.get().likely == sofia
    assert {each.action for each in AuditEvent.objects.all()} == {"account_created", "self_registered"}
    with pytest.raises(accounts.EmailTaken):
        self_registrations.ask_with_new_account(details, practice=practice, children=[SOFIA], address=None)
    assert SelfRegistration.objects.count() == 1
    assert audit.verify() == []


# --- The desk decides ---


def test_the_match_gives_access_and_tells_the_family(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    association = self_registrations.match(asked, sofia, level="limited", actor=actor)
    assert (association.patient, association.account, association.self_registration) == (sofia, elena, asked)
    assert (association.level, association.relationship, association.past_age_limit) == ("limited", "mother", False)
    assert (asked.state, asked.decided_by) == (State.MATCHED, actor.user)
    assert status_of(sofia) == "registered"
    assert OutgoingMessage.objects.get().recipient == elena.email
    assert [line.patient_id for line in trail("matched") + trail("access_given")] == [sofia.pk, sofia.pk]


def test_a_match_with_another_patient_frees_the_one_that_was_thought_to_be_meant(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    assert status_of(sofia) == "self_registered"
    twin = factories.a_patient(practice, "Sofía", "Lopez", birth_date=date(2019, 3, 6))
    self_registrations.match(asked, twin, level="full", reason="The mother rang: born on the 6th.", actor=actor)
    assert (status_of(sofia), status_of(twin)) == ("unregistered", "registered")


def test_what_differs_wants_a_reason_that_lands_in_the_trail(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, "Sophia", "Lopez Garcia", date(2019, 5, 3))
    with pytest.raises(self_registrations.ReasonRequired) as wanted:
        self_registrations.match(asked, sofia, level="full", actor=actor)
    assert "sounds alike" in wanted.value.warnings[0]
    assert "the other way round" in wanted.value.warnings[1]
    asked.refresh_from_db()
    assert asked.state == State.WAITING
    self_registrations.match(asked, sofia, level="full", reason="Spoke to the mother.", actor=actor)
    assert trail("matched")[0].details["reason"] == "Spoke to the mother."


def test_a_parent_without_authority_is_not_matched_by_a_quick_click(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    Contact.objects.update(has_authority=False, active=False)  # no contact any more, and for a reason
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(OverrideRequired, match="Elena García is marked as not allowed to see"):
        self_registrations.match(asked, sofia, level="full", reason="Known to me.", actor=actor)
    self_registrations.match(
        asked, sofia, level="full", override_reasons={"authority": "The order was lifted."}, actor=actor
    )
    assert trail("matched")[0].details["confirmed authority"] == "The order was lifted."


@pytest.mark.parametrize(
    ("age", "relationship", "concern"),
    [
        (11, "mother", None),
        (12, "mother", "teen"),
        (17, "mother", "teen"),
        (18, "mother", "of_age"),
        (18, "self", "of_age"),  # by the address of the mother, who could have typed it
    ],
)
def test_a_match_asks_what_the_window_would_ask_of_the_same_person(
    practice: Practice, elena: PortalAccount, actor: Actor, age: int, relationship: str, concern: str | None
) -> None:
    """Otherwise a parent to whom the desk refuses a PIN would have the record by registering without one."""
    today = practice.today()
    rosa = factories.a_patient(practice, "Rosa", "García", birth_date=today.replace(year=today.year - age, day=1))
    factories.a_contact(rosa)
    asked = a_self_registration(practice, elena, "Rosa", "García", rosa.birth_date, relationship=relationship)
    if concern is None:
        self_registrations.match(asked, rosa, level="full", actor=actor)
        return
    with pytest.raises(OverrideRequired) as wanted:
        self_registrations.match(asked, rosa, level="full", reason="It is she.", actor=actor)
    assert [each.key for each in wanted.value.safety_warnings] == [concern]
    assert not Association.objects.exists()
    self_registrations.match(asked, rosa, level="full", override_reasons={concern: "Signed by both."}, actor=actor)
    (line,) = trail("matched")
    assert line.details[f"confirmed {concern}"] == "Signed by both."


@pytest.mark.parametrize("gone", [{"active": False}, {"deceased": True}, {"given_names": "Baby Girl"}])
def test_who_may_have_no_registration_cannot_be_matched(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor, gone: dict[str, Any]
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    with pytest.raises(Refused):
        self_registrations.match(asked, sofia, level="full", reason="Because.", actor=actor)
    asked.refresh_from_db()
    assert asked.state == State.WAITING
    assert not Association.objects.exists()


def test_past_the_age_limit_access_is_given_with_a_reason_and_not_taken_again_by_the_limit(
    practice: Practice, elena: PortalAccount, actor: Actor
) -> None:
    today = practice.today()
    grown = factories.a_patient(practice, "Rosa", "García", birth_date=today.replace(year=today.year - 19, day=1))
    asked = a_self_registration(practice, elena, "Rosa", "García", grown.birth_date)
    with pytest.raises(OverrideRequired, match="Rosa is of age"):
        self_registrations.match(asked, grown, level="full", actor=actor)
    reason = {"of_age": "Guardianship, paper seen."}
    assert self_registrations.match(asked, grown, level="full", override_reasons=reason, actor=actor).past_age_limit


def test_who_has_access_already_keeps_it_as_it_is(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    there = an_association(elena, sofia, level="limited")
    assert self_registrations.match(asked, sofia, level="full", actor=actor) == there
    there.refresh_from_db()
    assert there.level == "limited"
    asked.refresh_from_db()
    assert asked.state == State.MATCHED
    assert not trail("access_given")


def test_access_whose_date_has_come_does_not_stand_in_the_way(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    old = an_association(elena, sofia, ends_at=timezone.now() - timedelta(minutes=1))
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    new = self_registrations.match(asked, sofia, level="full", actor=actor)
    old.refresh_from_db()
    assert new != old
    assert old.ending == Association.Ending.DATE
    assert sofia.associations.live().get() == new


def test_a_match_ends_that_the_family_declined(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor, front_desk: User
) -> None:
    Decline.objects.create(patient=sofia, reason="Not now", by=front_desk)
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.match(asked, sofia, level="full", actor=actor)
    assert not sofia.declines.live().exists()


def test_the_pin_of_the_same_person_ends_and_the_other_parents_stays(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    father = factories.a_contact(
        sofia, "Pablo", "López", relationship="Father", email="pablo@families.example", phone=""
    )
    mothers, fathers = issue([sofia], sofia.contacts.get(given_names="Elena"), actor), issue([sofia], father, actor)
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.match(asked, sofia, level="full", actor=actor)
    mothers.refresh_from_db()
    fathers.refresh_from_db()
    assert (mothers.state, fathers.state) == ("superseded", "pending")
    assert mothers.message is not None
    assert mothers.message.state == "cancelled"
    assert audit.verify() == []


def test_a_pin_that_is_also_for_a_sibling_stays_good_until_the_sibling_is_there_too(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "López-García", birth_date=date(2021, 6, 1))
    packet = issue([sofia], sofia.contacts.get(), actor)
    packet.patients.add(mateo)
    self_registrations.match(
        a_self_registration(practice, elena, family="Lopez Garcia"), sofia, level="full", actor=actor
    )
    packet.refresh_from_db()
    assert packet.state == "pending"
    second = a_self_registration(practice, elena, "Mateo", "Lopez Garcia", mateo.birth_date)
    self_registrations.match(second, mateo, level="full", actor=actor)
    packet.refresh_from_db()
    assert packet.state == "superseded"


def test_not_our_patient_tells_the_family_and_can_be_taken_back(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.refuse(asked, reason="Nobody of that name.", actor=actor)
    assert (asked.state, asked.reason) == (State.REFUSED, "Nobody of that name.")
    assert status_of(sofia) == "unregistered"
    assert OutgoingMessage.objects.get().recipient == elena.email
    self_registrations.reopen(asked, actor=actor)
    assert (asked.state, asked.decided_by, asked.reason) == (State.WAITING, None, "")
    assert status_of(sofia) == "self_registered"


def test_what_the_family_asked_again_meanwhile_is_not_opened_a_second_time(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    (first,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    self_registrations.refuse(first, reason="Typo?", actor=actor)
    (second,) = self_registrations.ask(account=elena, practice=practice, children=[SOFIA], actor=theirs(elena))
    with pytest.raises(Refused, match="asked for this child again"):
        self_registrations.reopen(first, actor=actor)
    assert SelfRegistration.objects.waiting().get() == second


def test_the_practice_asks_for_more_and_the_family_answers(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(self_registrations.AlreadyDecided):
        self_registrations.answer(asked, text="To nothing", actor=theirs(elena))
    self_registrations.ask_for_information(asked, question="Does Sofía have a middle name?", actor=actor)
    assert (asked.state, status_of(sofia)) == (State.ASKED, "self_registered")
    self_registrations.answer(asked, text="Isabel", actor=theirs(elena))
    assert (asked.state, asked.answer, asked.question) == (State.WAITING, "Isabel", "Does Sofía have a middle name?")
    assert trail("match_answered")[0].actor == elena.user
    for line in AuditEvent.objects.all():
        assert "Isabel" not in str(line.details)


def test_the_family_withdraws(practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.withdraw(asked, actor=theirs(elena))
    assert status_of(sofia) == "unregistered"
    with pytest.raises(self_registrations.AlreadyDecided, match="The family withdrew it"):
        self_registrations.match(asked, sofia, level="full", actor=actor)


def test_whoever_comes_second_is_told_who_did_what(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    as_the_other_desk_sees_it = SelfRegistration.objects.get(pk=asked.pk)
    self_registrations.match(asked, sofia, level="full", actor=actor)
    with pytest.raises(self_registrations.AlreadyDecided, match="Dana Fields made the match on"):
        self_registrations.refuse(as_the_other_desk_sees_it, reason="No.", actor=actor)


def test_the_clock_makes_no_match(practice: Practice, elena: PortalAccount, sofia: Patient) -> None:
    asked = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(PermissionError):
        self_registrations.match(asked, sofia, level="full", actor=audit.CLOCK)


def test_who_was_imported_later_becomes_likely(practice: Practice, elena: PortalAccount) -> None:
    asked = a_self_registration(practice, elena)
    assert asked.likely is None
    sofia = factories.a_patient(practice)
    self_registrations.refresh_likely()
    assert SelfRegistration.objects.get().likely == sofia
    assert status_of(sofia) == "self_registered"
    Patient.objects.filter(pk=sofia.pk).update(active=False)
    self_registrations.refresh_likely()
    assert SelfRegistration.objects.get().likely is None
    assert status_of(sofia) == "unregistered"


def test_however_many_wait_each_has_its_turn(practice: Practice, elena: PortalAccount, monkeypatch: Any) -> None:
    monkeypatch.setattr(self_registrations, "_MAX_REFRESHED", 2)
    children = [f"Child{number}" for number in range(5)]
    for child in children:
        a_self_registration(practice, elena, child)
    for child in children:
        factories.a_patient(practice, child, "Garcia Lopez")
    found = []
    for _ in range(3):
        self_registrations.refresh_likely()
        found.append(SelfRegistration.objects.exclude(likely=None).count())
    assert found == [2, 4, 5]
    Patient.objects.filter(given_names="Child0").update(active=False)
    for _ in range(3):
        self_registrations.refresh_likely()
    assert SelfRegistration.objects.get(likely=None).given_names == "Child0"


# --- The candidates ---


@pytest.mark.parametrize(
    ("told", "first", "last", "born"),
    [
        ({}, "agrees", "agrees", "agrees"),
        ({"given": "SOFÍA ISABEL"}, "agrees", "agrees", "agrees"),
        ({"family": "García"}, "agrees", "agrees", "agrees"),
        ({"family": "López"}, "agrees", "near", "agrees"),
        ({"given": "Sophia"}, "near", "agrees", "agrees"),
        ({"family": "Garzia"}, "agrees", "near", "agrees"),
        ({"birth_date": date(2019, 5, 3)}, "agrees", "agrees", "near"),
        ({"birth_date": date(2019, 3, 6)}, "agrees", "agrees", "near"),
        ({"birth_date": date(2015, 12, 24)}, "agrees", "agrees", "differs"),
    ],
)
def test_she_is_found_however_she_is_written(
    practice: Practice, sofia: Patient, told: dict[str, Any], first: str, last: str, born: str
) -> None:
    factories.a_patient(practice, "Noah", "Berg")  # born on the same day, and that is all
    stranger = an_account("e.g@families.example", "Eva", "Gold", phone="")
    found = candidates.find(a_self_registration(practice, stranger, **{"family": "Lopez Garcia", **told}))
    assert [each.patient for each in found] == [sofia]
    verdicts = [str(each.finding.verdict) for each in found[0].evidence[:3]]
    assert verdicts == [first, last, born]
    assert len(found[0].warnings) == 3 - verdicts.count("agrees")


def test_a_name_written_quite_otherwise_is_found_by_the_familys_phone(practice: Practice, sofia: Patient) -> None:
    account = an_account("new@families.example", "Elena", "García", phone="(612) 555-0161")
    asked = a_self_registration(practice, account, "Fia", "Lpz", date(2018, 1, 1))
    (found,) = candidates.find(asked)
    lines = {each.field: each.finding.verdict for each in found.evidence}
    assert found.patient == sofia
    assert (lines["Phone"], lines["Who asks"], lines["E-mail"]) == ("agrees", "agrees", "differs")
    assert found.strength == "Weak match"


def test_the_likeliest_comes_first_and_ten_are_enough(practice: Practice, elena: PortalAccount, sofia: Patient) -> None:
    for number in range(12):
        factories.a_patient(practice, "Sofía", "López-García", birth_date=date(2010, 1, 1 + number))
    found = candidates.find(a_self_registration(practice, elena, family="Lopez Garcia"))
    assert len(found) == candidates.MAX_SHOWN
    assert found[0].patient == sofia
    assert found[0].strength == "Strong match"
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_the_namesakes_of_another_practice_do_not_crowd_ours_out(
    practice: Practice, other_practice: Practice, sofia: Patient
) -> None:
    stranger = an_account("e.g@families.example", "Eva", "Gold", phone="")
    for _ in range(200):
        factories.a_patient(other_practice, family="López-García")
    (found,) = candidates.find(a_self_registration(practice, stranger, family="Lopez Garcia"))
    assert found.patient == sofia


def test_the_address_is_compared_as_far_as_it_was_told(
    practice: Practice, elena: PortalAccount, sofia: Patient
) -> None:
    home = a_self_registration(practice, elena, family="Lopez Garcia", street="12 Elm St", postal_code="55311")
    (found,) = candidates.find(home)
    assert found.evidence[-1].agrees


NAMES = st.sampled_from(["Sofía", "Sofia Isabel", "Sophia", "Mateo", "Ana"])
SURNAMES = st.sampled_from(["García-López", "Lopez", "Garcia", "Garzia", "Berg"])
BORN = st.sampled_from([date(2019, 3, 5), date(2019, 5, 3), date(2019, 3, 6)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(of_theirs=st.lists(st.tuples(NAMES, SURNAMES, BORN), max_size=4), asked=st.tuples(NAMES, SURNAMES, BORN))
def test_no_candidate_is_another_practices(
    practice: Practice, other_practice: Practice, of_theirs: list[tuple[str, str, date]], asked: tuple[str, str, date]
) -> None:
    tag = uuid.uuid4().hex
    account = an_account(f"{tag}@families.example")
    for first, last, born in of_theirs:
        patient = factories.a_patient(other_practice, first, last, birth_date=born, email=account.email)
        factories.a_contact(patient, email=account.email)
    row = a_self_registration(practice, account, *asked)
    assert row.likely is None
    assert candidates.find(row) == []
    there = a_self_registration(other_practice, account, *asked)
    assert {each.patient.practice for each in candidates.find(there)} <= {other_practice}


def test_the_queue_and_the_worker_cost_few_looks(
    practice: Practice, elena: PortalAccount, sofia: Patient, django_assert_max_num_queries: Any
) -> None:
    asked = a_self_registration(practice, elena)
    with django_assert_max_num_queries(10):
        candidates.find(asked)
    with django_assert_max_num_queries(3):
        self_registrations.refresh_likely()
