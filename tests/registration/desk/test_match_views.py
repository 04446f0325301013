"""Merge Match as the desk sees it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Channel, OutgoingMessage, SuppressedAddress
from patients.models import Patient
from portal.audit import Actor
from portal.models import AuditEvent, Practice
from registration.desk import match_tags, match_views
from registration.matching import self_registrations
from registration.models import Association, PortalAccount, SelfRegistration
from tests import factories
from tests.factories import a_self_registration, an_account, an_association

pytestmark = pytest.mark.django_db


@pytest.fixture
def elena() -> PortalAccount:
    return an_account()


@pytest.fixture
def sofia(practice: Practice) -> Patient:
    patient = factories.a_patient(practice)
    factories.a_contact(patient)
    return patient


@pytest.fixture
def asked(practice: Practice, elena: PortalAccount, sofia: Patient) -> SelfRegistration:
    return a_self_registration(practice, elena)


def html(response: Any) -> str:
    return " ".join(response.content.decode().split())


def at(asked: SelfRegistration, *rest: str) -> str:
    return "/".join(["/matches", str(asked.pk), *rest, ""])


# --- The queue ---


def test_the_queue_shows_who_waits_the_oldest_first(
    desk: Client, practice: Practice, elena: PortalAccount, asked: SelfRegistration
) -> None:
    a_self_registration(practice, elena, "Mateo", created_at=timezone.now() - timedelta(days=2))
    page = html(desk.get("/matches/"))
    assert page.index("Mateo Garcia Lopez") < page.index("Sofia Garcia Lopez")
    assert "2 days" in page
    assert "Strong match" in page
    assert "elena@families.example" in page
    assert "(612) 555-0161" in page
    assert 'Merge Match <span class="nav-count">2<' in page


def test_the_queue_of_another_practice_is_not_ours(
    desk: Client, other_practice: Practice, elena: PortalAccount
) -> None:
    theirs = a_self_registration(other_practice, elena)
    page = html(desk.get("/matches/"))
    assert "Nobody waits" in page
    assert "nav-count" not in page
    assert desk.get(at(theirs)).status_code == 404
    assert desk.post(at(theirs, "refuse"), {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("rows", [2, 25])
def test_the_queue_costs_the_same_number_of_queries_whatever_its_length(
    desk: Client, practice: Practice, django_assert_max_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        elena = an_account(f"elena{number}@families.example", family=f"Garcia{number}")
        born = date(2015, 1, 2 + number)
        factories.a_contact(factories.a_patient(practice, f"Sofia{number}", f"Lopez{number}", birth_date=born))
        a_self_registration(practice, elena, f"Sofia{number}", f"Lopez{number}", born)
    with django_assert_max_num_queries(26):
        page = html(desk.get("/matches/"))
    assert page.count("Strong match") == rows


def test_a_long_queue_has_pages(desk: Client, practice: Practice, elena: PortalAccount, monkeypatch: Any) -> None:
    monkeypatch.setattr(match_views, "PAGE_SIZE", 2)
    for number in range(5):
        a_self_registration(practice, elena, f"Child{number}")
    seen, address = [], "/matches/"
    while address:
        page = html(desk.get(address))
        seen += [f"Child{number}" for number in range(5) if f">Child{number} " in page]
        start = page.find('href="?after=')
        address = "/matches/" + page[start + 6 :].split('"')[0].replace("&amp;", "&") if start > 0 else ""
    assert seen == [f"Child{number}" for number in range(5)]
    assert desk.get("/matches/?after=x&last=y").status_code == 200


def test_what_was_decided_in_the_last_days_can_be_looked_up(
    desk: Client, asked: SelfRegistration, sofia: Patient, actor: Actor
) -> None:
    self_registrations.match(asked, sofia, level="full", actor=actor)
    page = html(desk.get("/matches/?show=decided"))
    assert "García-López, Sofía" in page
    assert "Dana Fields" in page
    SelfRegistration.objects.update(decided_at=timezone.now() - timedelta(days=31))
    assert "Nothing was decided" in html(desk.get("/matches/?show=decided"))


def test_the_number_in_the_navigation_panel_is_that_of_the_desk_and_ends_at_99(
    practice: Practice, elena: PortalAccount, actor: Actor
) -> None:
    assert match_tags.waiting_matches(practice) == ""
    first = a_self_registration(practice, elena)
    assert match_tags.waiting_matches(practice) == "1"
    self_registrations.ask_for_information(first, question="?", actor=actor)
    assert match_tags.waiting_matches(practice) == ""
    fields = {"practice": practice, "account": elena, "birth_date": date(2020, 1, 1)}
    SelfRegistration.objects.bulk_create(SelfRegistration(**fields) for _ in range(120))
    assert match_tags.waiting_matches(practice) == "99+"


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "1 minute"),
        (timedelta(minutes=12), "12 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_how_long_somebody_waits_in_words(ago: timedelta, words: str) -> None:
    assert match_tags.waiting_time(timezone.now() - ago) == words


# --- One of them ---


def test_the_comparison_says_what_agrees_and_leaves_a_line_in_the_trail(
    desk: Client, asked: SelfRegistration, sofia: Patient
) -> None:
    page = html(desk.get(at(asked)))
    assert "García-López, Sofía" in page
    assert "Strong match" in page
    assert "agree" in page
    line = AuditEvent.objects.get(action="account_viewed")
    assert (line.patient_id, line.details) == (sofia.pk, {"in": "Merge Match"})


def test_match_by_one_click(desk: Client, asked: SelfRegistration, sofia: Patient) -> None:
    response = desk.post(at(asked, "match"), {"patient": str(sofia.pk), "level": "limited"}, follow=True)
    assert response.redirect_chain == [("/matches/", 302)]
    assert "Elena García has access now: García-López, Sofía" in html(response)
    assert Association.objects.get().level == "limited"
    again = desk.post(at(asked, "match"), {"patient": str(sofia.pk), "level": "full"}, follow=True)
    assert "Dana Fields made the match" in html(again)
    assert Association.objects.count() == 1


def test_what_differs_is_said_and_a_reason_wanted(desk: Client, practice: Practice, sofia: Patient) -> None:
    asked = a_self_registration(practice, an_account(), birth_date=date(2019, 5, 3))
    assert "Match…" in html(desk.get(at(asked)))
    page = html(desk.get(at(asked, "match"), {"patient": str(sofia.pk)}))
    assert "day and month the other way round" in page
    assert "“05/03/2019”" in page
    assert AuditEvent.objects.filter(action="account_viewed", patient_id=sofia.pk).count() == 2
    answer = {"patient": str(sofia.pk), "level": "full", "reason": ""}
    response = desk.post(at(asked, "match"), answer)
    assert response.status_code == 422
    assert "Nothing was matched yet" in html(response)
    assert not Association.objects.exists()
    desk.post(at(asked, "match"), answer | {"reason": "Rang the mother."})
    assert Association.objects.get().patient == sofia


def test_a_teens_record_is_opened_to_a_parent_with_a_reason_alone(desk: Client, practice: Practice) -> None:
    born = timezone.localdate() - timedelta(days=365 * 14)
    teen = factories.a_patient(practice, "Rosa", "García", birth_date=born)
    factories.a_contact(teen)
    asked = a_self_registration(practice, an_account(), "Rosa", "García", born)
    assert "You are asked for a reason first" in html(desk.get(at(asked)))
    page = html(desk.get(at(asked, "match"), {"patient": str(teen.pk)}))
    assert "Teens may have a right to privacy, and Elena García will be able to see the record" in page
    answer = {"patient": str(teen.pk), "level": "limited"}
    response = desk.post(at(asked, "match"), answer)  # by a click from a page of yesterday
    assert (response.status_code, "Before you match" in html(response)) == (422, True)
    response = desk.post(at(asked, "match"), answer | {"confirmed_teen": " "})
    assert (response.status_code, "Enter the reason" in html(response)) == (422, True)
    assert not Association.objects.exists()
    desk.post(at(asked, "match"), answer | {"confirmed_teen": "Rosa asked for it."})
    assert Association.objects.get().level == "limited"
    assert AuditEvent.objects.get(action="matched").details["confirmed teen"] == "Rosa asked for it."


def test_somebody_else_is_searched_compared_and_matched(
    desk: Client, practice: Practice, asked: SelfRegistration, sofia: Patient
) -> None:
    other = factories.a_patient(practice, "Zofia", "Novak", birth_date=date(2018, 1, 1), mrn="MG-9")
    page = html(desk.get(at(asked), {"look": "1", "last_name": "nov"}))
    assert f"?patient={other.pk}" in page
    assert AuditEvent.objects.get(action="searched").details == {"by": "last_name", "found": "1", "in": "Merge Match"}
    page = html(desk.get(at(asked), {"patient": str(other.pk)}))
    assert page.index("Novak, Zofia</a>") < page.index("García-López, Sofía</a>")
    assert "Type a name or a date of birth" in html(desk.get(at(asked), {"look": "1"}))
    assert "Nobody in this practice matches" in html(desk.get(at(asked), {"look": "1", "last_name": "q"}))


@pytest.mark.parametrize("wanted", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_patient_who_is_not_there_is_not_compared(desk: Client, asked: SelfRegistration, wanted: str) -> None:
    assert desk.get(at(asked), {"patient": wanted}).status_code == 404
    assert desk.get(at(asked, "match"), {"patient": wanted}).status_code == 404
    assert desk.post(at(asked, "match"), {"patient": wanted, "level": "full"}).status_code == 404


def test_a_patient_of_another_practice_is_neither_shown_nor_matched(
    desk: Client, other_practice: Practice, asked: SelfRegistration
) -> None:
    theirs = factories.a_patient(other_practice)
    assert desk.get(at(asked), {"patient": str(theirs.pk)}).status_code == 404
    assert desk.post(at(asked, "match"), {"patient": str(theirs.pk), "level": "full"}).status_code == 404
    assert not Association.objects.exists()


@pytest.mark.parametrize(("gone", "word"), [({"active": False}, "Inactive"), ({"deceased": True}, "Deceased")])
def test_who_is_gone_is_shown_as_such_and_cannot_be_matched(
    desk: Client, asked: SelfRegistration, sofia: Patient, gone: dict[str, Any], word: str
) -> None:
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    page = html(desk.get(at(asked)))
    assert word in page
    assert at(asked, "match") not in page
    response = desk.post(at(asked, "match"), {"patient": str(sofia.pk), "level": "full", "reason": "x"}, follow=True)
    assert "No registration can be issued" in html(response) or "inactive" in html(response)
    assert not Association.objects.exists()


def test_who_has_access_already_is_told(
    desk: Client, asked: SelfRegistration, elena: PortalAccount, sofia: Patient
) -> None:
    an_association(elena, sofia, level="limited")
    assert "has access to this record already (Limited" in html(desk.get(at(asked)))
    response = desk.post(at(asked, "match"), {"patient": str(sofia.pk), "level": "limited"}, follow=True)
    assert "had access already" in html(response)


def test_not_our_patient_with_a_reason_and_back_again(desk: Client, asked: SelfRegistration) -> None:
    assert desk.get(at(asked, "refuse")).status_code == 200
    assert desk.post(at(asked, "refuse"), {"reason": " "}).status_code == 422
    desk.post(at(asked, "refuse"), {"reason": "Moved away."})
    page = html(desk.get(at(asked)))
    assert "Reason: Moved away." in page
    assert "García-López, Sofía" not in page
    desk.post(at(asked, "reopen"))
    asked.refresh_from_db()
    assert asked.state == "waiting"


def test_ask_for_more_with_a_ready_sentence_or_an_own_one(desk: Client, asked: SelfRegistration) -> None:
    assert desk.post(at(asked, "ask"), {"ready": "own", "question": ""}).status_code == 422
    desk.post(at(asked, "ask"), {"ready": "call", "question": "ignored"})
    asked.refresh_from_db()
    assert asked.question.startswith("We could not find your child")
    desk.post(at(asked, "ask"), {"ready": "own", "question": "A middle name?"})
    page = html(desk.get(at(asked)))
    assert "A middle name?" in page
    assert "Family was asked" in page


@pytest.mark.parametrize("action", ["refuse", "ask", "match"])
def test_the_desk_promises_no_letter_to_who_asked_for_nothing_more(
    desk: Client, practice: Practice, asked: SelfRegistration, sofia: Patient, action: str
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address=asked.account.email, by_name="Dana"
    )
    typed = {"reason": "Unknown.", "ready": "call", "patient": str(sofia.pk), "level": "full"}
    page = html(desk.post(at(asked, action), typed, follow=True))
    assert "asked for no more e-mails" in page
    assert "told by e-mail" not in page
    assert not OutgoingMessage.objects.exists()


def test_a_family_that_types_markup_shows_it_as_it_is(desk: Client, practice: Practice) -> None:
    asked = a_self_registration(practice, an_account(given="<b>Eve</b>"), "<script>alert(1)</script>", "O'Brien")
    for path in ("/matches/", at(asked), at(asked, "refuse"), at(asked, "ask")):
        page = desk.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>Eve" not in page
