"""Requests without a PIN: families submit them, staff find the patient and decide."""

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
from registration.issuing.safety_checks import OverrideRequired
from registration.matching import candidates, likely_patients, self_registrations
from registration.matching.comparison import Field, Strength
from registration.matching.self_registrations import RequestedChild
from registration.models import Association, Decline, PortalAccount, SelfRegistration
from registration.values import ByEmail, Refused
from tests import factories
from tests.factories import a_self_registration, an_account, an_association, issue_registration

State = SelfRegistration.State
SOFIA = RequestedChild(given_names="Sofia", family_name="García", birth_date=date(2019, 3, 5), relationship="mother")

pytestmark = pytest.mark.django_db


@pytest.fixture
def elena() -> PortalAccount:
    return an_account()


@pytest.fixture
def sofia(practice: Practice) -> Patient:
    """Sofía López-García, with a mother on record."""
    patient = factories.a_patient(practice, family="López-García", street="12 Elm Street", postal_code="55311")
    factories.a_contact(patient)
    return patient


def actor_of(account: PortalAccount) -> Actor:
    return accounts.actor_for(account, "198.51.100.4")


def status_of(patient: Patient) -> str:
    patient.refresh_from_db()
    assert set(patient.name_keys.values_list("status", flat=True)) == {patient.portal_status}
    return patient.portal_status


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


# --- Families ---


def test_request_makes_the_patient_with_that_name_and_birth_date_self_registered(
    practice: Practice, elena: PortalAccount, sofia: Patient
) -> None:
    (row,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    assert (row.state, row.likely) == (State.WAITING, sofia)
    assert status_of(sofia) == "self_registered"
    (line,) = events("self_registered")
    assert (line.patient_id, line.actor, line.practice) == (sofia.pk, elena.user, practice)
    message = OutgoingMessage.objects.get()
    assert message.recipient == elena.email
    assert "Sofia" not in message.content.text


def test_no_patient_is_likely_if_two_have_the_name_and_birth_date(practice: Practice, elena: PortalAccount) -> None:
    factories.a_patient(practice, "Sofía", "García")
    factories.a_patient(practice, "Sofía Isabel", "García")
    (row,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    assert row.likely is None
    assert events("self_registered")[0].patient_id is None


@pytest.mark.parametrize("gone", [{"active": False}, {"deceased": True}, {"birth_date": date(2019, 5, 3)}])
def test_inactive_deceased_or_differently_born_patient_is_not_likely(
    practice: Practice, elena: PortalAccount, sofia: Patient, gone: dict[str, Any]
) -> None:
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    sofia.refresh_from_db()
    sofia.name_keys.all().delete()
    NameKey.objects.bulk_create(keys_of(sofia, []))
    (row,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    assert row.likely is None
    assert status_of(sofia) == "unregistered"


def test_second_request_for_a_child_returns_the_first_one(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    again = RequestedChild(
        given_names="SOFÍA", family_name="Garcia", birth_date=SOFIA.birth_date, relationship="mother"
    )
    (first,) = self_registrations.submit(
        account=elena, practice=practice, children=[SOFIA, again], actor=actor_of(elena)
    )
    assert self_registrations.submit(account=elena, practice=practice, children=[again], actor=actor_of(elena)) == [
        first
    ]
    self_registrations.match(first, sofia, level="full", actor=actor)
    assert self_registrations.submit(account=elena, practice=practice, children=[again], actor=actor_of(elena)) == [
        first
    ]
    assert SelfRegistration.objects.count() == 1
    assert len(events("self_registered")) == 1


def test_request_for_a_child_with_access_is_left_out(practice: Practice, elena: PortalAccount, sofia: Patient) -> None:
    an_association(elena, sofia)
    assert self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena)) == []
    assert not SelfRegistration.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_child_can_be_requested_again_after_access_ended(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    (first,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    association = self_registrations.match(first, sofia, level="full", actor=actor)
    Association.objects.filter(pk=association.pk).update(ended_at=timezone.now())
    (second,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    assert second != first
    assert second.state == State.WAITING


def test_account_cannot_exceed_the_number_of_open_requests(practice: Practice, elena: PortalAccount) -> None:
    many = [
        RequestedChild(
            given_names=f"Child{number}", family_name="X", birth_date=date(2019, 1, 1), relationship="mother"
        )
        for number in range(self_registrations.MAX_OPEN + 1)
    ]
    self_registrations.submit(account=elena, practice=practice, children=many[:-1], actor=actor_of(elena))
    with pytest.raises(self_registrations.TooManyRequests):
        self_registrations.submit(account=elena, practice=practice, children=many[-1:], actor=actor_of(elena))
    assert SelfRegistration.objects.count() == self_registrations.MAX_OPEN


def test_new_account_and_its_request_are_created_together_or_not_at_all(practice: Practice, sofia: Patient) -> None:
    details = accounts.Details(
        email="Elena@families.example", password_hash=None, given_names="Elena", family_name="García", terms="portal"
    )
    account = self_registrations.submit_with_new_account(
        details, practice=practice, children=[SOFIA], address="198.51.100.4"
    )
    assert account.self_registrations.get().likely == sofia
    assert {event.action for event in AuditEvent.objects.all()} == {"account_created", "self_registered"}
    with pytest.raises(accounts.EmailTaken):
        self_registrations.submit_with_new_account(details, practice=practice, children=[SOFIA], address=None)
    assert SelfRegistration.objects.count() == 1
    assert audit.verify() == []


# --- Staff ---


def test_match_gives_access_and_notifies_the_family(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    association = self_registrations.match(request, sofia, level="limited", actor=actor)
    assert (association.patient, association.account, association.self_registration) == (sofia, elena, request)
    assert (association.level, association.relationship, association.past_age_limit) == ("limited", "mother", False)
    assert (request.state, request.decided_by) == (State.MATCHED, actor.user)
    assert status_of(sofia) == "registered"
    assert OutgoingMessage.objects.get().recipient == elena.email
    assert [line.patient_id for line in events("matched") + events("access_given")] == [sofia.pk, sofia.pk]


def test_match_with_another_patient_resets_the_likely_one(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    assert status_of(sofia) == "self_registered"
    twin = factories.a_patient(practice, "Sofía", "Lopez", birth_date=date(2019, 3, 6))
    self_registrations.match(request, twin, level="full", reason="The mother called: born on the 6th.", actor=actor)
    assert (status_of(sofia), status_of(twin)) == ("unregistered", "registered")


def test_differences_need_a_reason_that_is_audited(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, "Sophia", "Lopez Garcia", date(2019, 5, 3))
    with pytest.raises(self_registrations.ReasonRequired) as error:
        self_registrations.match(request, sofia, level="full", actor=actor)
    assert "sounds similar" in error.value.warnings[0]
    assert "month and day switched" in error.value.warnings[1]
    request.refresh_from_db()
    assert request.state == State.WAITING
    self_registrations.match(request, sofia, level="full", reason="Spoke to the mother.", actor=actor)
    assert events("matched")[0].details["reason"] == "Spoke to the mother."


def test_match_of_a_contact_without_authority_needs_an_override_reason(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    Contact.objects.update(has_authority=False, active=False)  # a former contact
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(OverrideRequired, match="Elena García is marked as not authorized to see"):
        self_registrations.match(request, sofia, level="full", reason="Known to me.", actor=actor)
    self_registrations.match(
        request, sofia, level="full", override_reasons={"authority": "The order was lifted."}, actor=actor
    )
    assert events("matched")[0].details["confirmed authority"] == "The order was lifted."


@pytest.mark.parametrize(
    ("age", "relationship", "warning"),
    [
        (11, "mother", None),
        (12, "mother", "teen"),
        (17, "mother", "teen"),
        (18, "mother", "of_age"),
        (18, "self", "of_age"),  # by the address of the mother, who could have typed it
    ],
)
def test_match_needs_the_same_override_reasons_as_a_registration(
    practice: Practice, elena: PortalAccount, actor: Actor, age: int, relationship: str, warning: str | None
) -> None:
    """Otherwise a parent who is refused a PIN could get access by requesting it without one."""
    today = practice.today()
    rosa = factories.a_patient(practice, "Rosa", "García", birth_date=today.replace(year=today.year - age, day=1))
    factories.a_contact(rosa)
    request = a_self_registration(practice, elena, "Rosa", "García", rosa.birth_date, relationship=relationship)
    if warning is None:
        self_registrations.match(request, rosa, level="full", actor=actor)
        return
    with pytest.raises(OverrideRequired) as error:
        self_registrations.match(request, rosa, level="full", reason="It is she.", actor=actor)
    assert [found.key for found in error.value.safety_warnings] == [warning]
    assert not Association.objects.exists()
    self_registrations.match(request, rosa, level="full", override_reasons={warning: "Signed by both."}, actor=actor)
    (line,) = events("matched")
    assert line.details[f"confirmed {warning}"] == "Signed by both."


@pytest.mark.parametrize("gone", [{"active": False}, {"deceased": True}, {"given_names": "Baby Girl"}])
def test_inactive_deceased_or_unnamed_patient_cannot_be_matched(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor, gone: dict[str, Any]
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    with pytest.raises(Refused):
        self_registrations.match(request, sofia, level="full", reason="Because.", actor=actor)
    request.refresh_from_db()
    assert request.state == State.WAITING
    assert not Association.objects.exists()


def test_match_past_the_age_limit_needs_a_reason_and_is_kept_by_the_limit(
    practice: Practice, elena: PortalAccount, actor: Actor
) -> None:
    today = practice.today()
    grown = factories.a_patient(practice, "Rosa", "García", birth_date=today.replace(year=today.year - 19, day=1))
    request = a_self_registration(practice, elena, "Rosa", "García", grown.birth_date)
    with pytest.raises(OverrideRequired, match="Rosa is of age"):
        self_registrations.match(request, grown, level="full", actor=actor)
    reason = {"of_age": "Guardianship, paper seen."}
    assert self_registrations.match(request, grown, level="full", override_reasons=reason, actor=actor).past_age_limit


def test_match_does_not_change_existing_access(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    existing = an_association(elena, sofia, level="limited")
    assert self_registrations.match(request, sofia, level="full", actor=actor) == existing
    existing.refresh_from_db()
    assert existing.level == "limited"
    request.refresh_from_db()
    assert request.state == State.MATCHED
    assert not events("access_given")


def test_match_replaces_access_whose_end_date_was_reached(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    old = an_association(elena, sofia, ends_at=timezone.now() - timedelta(minutes=1))
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    new = self_registrations.match(request, sofia, level="full", actor=actor)
    old.refresh_from_db()
    assert new != old
    assert old.ending == Association.Ending.DATE
    assert sofia.associations.live().get() == new


def test_match_ends_an_open_decline(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor, front_desk: User
) -> None:
    Decline.objects.create(patient=sofia, reason="Not now", by=front_desk)
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.match(request, sofia, level="full", actor=actor)
    assert not sofia.declines.live().exists()


def test_match_supersedes_the_pin_of_the_same_person_only(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    father = factories.a_contact(
        sofia, "Pablo", "López", relationship="Father", email="pablo@families.example", phone=""
    )
    mother = sofia.contacts.get(given_names="Elena")
    mothers = issue_registration(sofia, mother, actor=actor, delivery=ByEmail(mother.email))
    fathers = issue_registration(sofia, father, actor=actor, delivery=ByEmail(father.email))
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.match(request, sofia, level="full", actor=actor)
    mothers.refresh_from_db()
    fathers.refresh_from_db()
    assert (mothers.state, fathers.state) == ("superseded", "pending")
    assert mothers.message is not None
    assert mothers.message.state == "cancelled"
    assert audit.verify() == []


def test_pin_for_siblings_is_superseded_only_when_all_are_matched(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    mateo = factories.a_patient(practice, "Mateo", "López-García", birth_date=date(2021, 6, 1))
    mother = sofia.contacts.get()
    packet = issue_registration(sofia, mother, actor=actor, delivery=ByEmail(mother.email))
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


def test_refusal_notifies_the_family_and_can_be_reopened(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.refuse(request, reason="No one with that name.", actor=actor)
    assert (request.state, request.reason) == (State.REFUSED, "No one with that name.")
    assert status_of(sofia) == "unregistered"
    assert OutgoingMessage.objects.get().recipient == elena.email
    self_registrations.reopen(request, actor=actor)
    assert (request.state, request.decided_by, request.reason) == (State.WAITING, None, "")
    assert status_of(sofia) == "self_registered"


def test_refused_request_cannot_be_reopened_after_a_new_one(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    (first,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    self_registrations.refuse(first, reason="Typo?", actor=actor)
    (second,) = self_registrations.submit(account=elena, practice=practice, children=[SOFIA], actor=actor_of(elena))
    with pytest.raises(Refused, match="sent a new request for this child"):
        self_registrations.reopen(first, actor=actor)
    assert SelfRegistration.objects.waiting().get() == second


def test_family_can_answer_only_a_question_that_staff_asked(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(self_registrations.AlreadyDecided):
        self_registrations.answer(request, text="No question was asked", actor=actor_of(elena))
    self_registrations.ask_for_information(request, question="Does Sofía have a middle name?", actor=actor)
    assert (request.state, status_of(sofia)) == (State.ASKED, "self_registered")
    self_registrations.answer(request, text="Isabel", actor=actor_of(elena))
    assert (request.state, request.answer, request.question) == (
        State.WAITING,
        "Isabel",
        "Does Sofía have a middle name?",
    )
    assert events("match_answered")[0].actor == elena.user
    for line in AuditEvent.objects.all():
        assert "Isabel" not in str(line.details)


def test_withdrawn_request_cannot_be_matched(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    self_registrations.withdraw(request, actor=actor_of(elena))
    assert status_of(sofia) == "unregistered"
    with pytest.raises(self_registrations.AlreadyDecided, match="The family withdrew this request"):
        self_registrations.match(request, sofia, level="full", actor=actor)


def test_second_decision_is_rejected_with_the_name_of_who_decided_first(
    practice: Practice, elena: PortalAccount, sofia: Patient, actor: Actor
) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    seen_by_other_desk = SelfRegistration.objects.get(pk=request.pk)
    self_registrations.match(request, sofia, level="full", actor=actor)
    with pytest.raises(self_registrations.AlreadyDecided, match="Dana Fields matched this request on"):
        self_registrations.refuse(seen_by_other_desk, reason="No.", actor=actor)


def test_match_without_a_person_is_rejected(practice: Practice, elena: PortalAccount, sofia: Patient) -> None:
    request = a_self_registration(practice, elena, family="Lopez Garcia")
    with pytest.raises(PermissionError):
        self_registrations.match(request, sofia, level="full", actor=audit.CLOCK)


def test_patient_imported_later_becomes_likely(practice: Practice, elena: PortalAccount) -> None:
    request = a_self_registration(practice, elena)
    assert request.likely is None
    sofia = factories.a_patient(practice)
    likely_patients.refresh_likely()
    assert SelfRegistration.objects.get().likely == sofia
    assert status_of(sofia) == "self_registered"
    Patient.objects.filter(pk=sofia.pk).update(active=False)
    likely_patients.refresh_likely()
    assert SelfRegistration.objects.get().likely is None
    assert status_of(sofia) == "unregistered"


def test_every_waiting_request_is_refreshed_in_turn(practice: Practice, elena: PortalAccount, monkeypatch: Any) -> None:
    monkeypatch.setattr(likely_patients, "_MAX_REFRESHED", 2)
    children = [f"Child{number}" for number in range(5)]
    for child in children:
        a_self_registration(practice, elena, child)
    for child in children:
        factories.a_patient(practice, child, "Garcia Lopez")
    found = []
    for _ in range(3):
        likely_patients.refresh_likely()
        found.append(SelfRegistration.objects.exclude(likely=None).count())
    assert found == [2, 4, 5]
    Patient.objects.filter(given_names="Child0").update(active=False)
    for _ in range(3):
        likely_patients.refresh_likely()
    assert SelfRegistration.objects.get(likely=None).given_names == "Child0"


# --- Candidates ---


@pytest.mark.parametrize(
    ("submitted", "first", "last", "born"),
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
def test_patient_is_found_despite_spelling_and_date_differences(
    practice: Practice, sofia: Patient, submitted: dict[str, Any], first: str, last: str, born: str
) -> None:
    factories.a_patient(practice, "Noah", "Berg")  # shares only the date of birth
    stranger = an_account("e.g@families.example", "Eva", "Gold", phone="")
    found = candidates.find(a_self_registration(practice, stranger, **{"family": "Lopez Garcia", **submitted}))
    assert [candidate.patient for candidate in found] == [sofia]
    verdicts = [str(row.finding.verdict) for row in found[0].evidence[:3]]
    assert verdicts == [first, last, born]
    assert len(found[0].warnings) == 3 - verdicts.count("agrees")


def test_patient_with_another_name_is_found_by_the_phone_number(practice: Practice, sofia: Patient) -> None:
    account = an_account("new@families.example", "Elena", "García", phone="(612) 555-0161")
    request = a_self_registration(practice, account, "Fia", "Lpz", date(2018, 1, 1))
    (found,) = candidates.find(request)
    verdicts = {row.field: row.finding.verdict for row in found.evidence}
    assert found.patient == sofia
    assert (verdicts[Field.PHONE], verdicts[Field.REQUESTER], verdicts[Field.EMAIL]) == ("agrees", "agrees", "differs")
    assert found.strength == Strength.WEAK


def test_at_most_ten_candidates_are_returned_best_first(
    practice: Practice, elena: PortalAccount, sofia: Patient
) -> None:
    for number in range(12):
        factories.a_patient(practice, "Sofía", "López-García", birth_date=date(2010, 1, 1 + number))
    found = candidates.find(a_self_registration(practice, elena, family="Lopez Garcia"))
    assert len(found) == candidates.MAX_SHOWN
    assert found[0].patient == sofia
    assert found[0].strength == Strength.STRONG
    assert [candidate.score for candidate in found] == sorted((candidate.score for candidate in found), reverse=True)


def test_same_names_in_another_practice_do_not_crowd_out_ours(
    practice: Practice, other_practice: Practice, sofia: Patient
) -> None:
    stranger = an_account("e.g@families.example", "Eva", "Gold", phone="")
    for _ in range(200):
        factories.a_patient(other_practice, family="López-García")
    (found,) = candidates.find(a_self_registration(practice, stranger, family="Lopez Garcia"))
    assert found.patient == sofia


def test_submitted_home_address_is_compared(practice: Practice, elena: PortalAccount, sofia: Patient) -> None:
    home = a_self_registration(practice, elena, family="Lopez Garcia", street="12 Elm St", postal_code="55311")
    (found,) = candidates.find(home)
    assert found.evidence[-1].agrees


NAMES = st.sampled_from(["Sofía", "Sofia Isabel", "Sophia", "Mateo", "Ana"])
SURNAMES = st.sampled_from(["García-López", "Lopez", "Garcia", "Garzia", "Berg"])
BORN = st.sampled_from([date(2019, 3, 5), date(2019, 5, 3), date(2019, 3, 6)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(theirs=st.lists(st.tuples(NAMES, SURNAMES, BORN), max_size=4), child=st.tuples(NAMES, SURNAMES, BORN))
def test_candidates_are_never_patients_of_another_practice(
    practice: Practice, other_practice: Practice, theirs: list[tuple[str, str, date]], child: tuple[str, str, date]
) -> None:
    tag = uuid.uuid4().hex
    account = an_account(f"{tag}@families.example")
    for first, last, born in theirs:
        patient = factories.a_patient(other_practice, first, last, birth_date=born, email=account.email)
        factories.a_contact(patient, email=account.email)
    row = a_self_registration(practice, account, *child)
    assert row.likely is None
    assert candidates.find(row) == []
    elsewhere = a_self_registration(other_practice, account, *child)
    assert {candidate.patient.practice for candidate in candidates.find(elsewhere)} <= {other_practice}


def test_candidates_and_refresh_need_few_queries(
    practice: Practice, elena: PortalAccount, sofia: Patient, django_assert_max_num_queries: Any
) -> None:
    request = a_self_registration(practice, elena)
    with django_assert_max_num_queries(10):
        candidates.find(request)
    with django_assert_max_num_queries(3):
        likely_patients.refresh_likely()
