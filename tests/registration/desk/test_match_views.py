"""The Merge Match pages."""

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
def pending(practice: Practice, elena: PortalAccount, sofia: Patient) -> SelfRegistration:
    return a_self_registration(practice, elena)


def html(response: Any) -> str:
    return " ".join(response.content.decode().split())


def url(self_registration: SelfRegistration, *rest: str) -> str:
    return "/".join(["/matches", str(self_registration.pk), *rest, ""])


# --- The queue ---


def test_queue_lists_the_oldest_request_first(
    desk: Client, practice: Practice, elena: PortalAccount, pending: SelfRegistration
) -> None:
    a_self_registration(practice, elena, "Mateo", created_at=timezone.now() - timedelta(days=2))
    page = html(desk.get("/matches/"))
    assert page.index("Mateo Garcia Lopez") < page.index("Sofia Garcia Lopez")
    assert "2 days" in page
    assert "Strong match" in page
    assert "elena@families.example" in page
    assert "(612) 555-0161" in page
    assert 'Merge Match <span class="nav-count">2<' in page


def test_request_of_another_practice_is_not_found(desk: Client, other_practice: Practice, elena: PortalAccount) -> None:
    theirs = a_self_registration(other_practice, elena)
    page = html(desk.get("/matches/"))
    assert "No requests waiting" in page
    assert "nav-count" not in page
    assert desk.get(url(theirs)).status_code == 404
    assert desk.post(url(theirs, "refuse"), {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("rows", [2, 25])
def test_queue_needs_the_same_number_of_queries_for_any_length(
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


def test_long_queue_has_pages(desk: Client, practice: Practice, elena: PortalAccount, monkeypatch: Any) -> None:
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


def test_decisions_are_listed_for_thirty_days(
    desk: Client, pending: SelfRegistration, sofia: Patient, actor: Actor
) -> None:
    self_registrations.match(pending, sofia, level="full", actor=actor)
    page = html(desk.get("/matches/?show=decided"))
    assert "García-López, Sofía" in page
    assert "Dana Fields" in page
    SelfRegistration.objects.update(decided_at=timezone.now() - timedelta(days=31))
    assert "No decisions in the last 30 days" in html(desk.get("/matches/?show=decided"))


def test_navigation_panel_counts_requests_to_review_up_to_99(
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
def test_waiting_time_is_shown_in_words(ago: timedelta, words: str) -> None:
    assert match_tags.waiting_time(timezone.now() - ago) == words


# --- One request ---


def test_comparison_shows_what_matches_and_is_audited(desk: Client, pending: SelfRegistration, sofia: Patient) -> None:
    page = html(desk.get(url(pending)))
    assert "García-López, Sofía" in page
    assert "Strong match" in page
    assert ">✓</span> Yes </td>" in page
    event = AuditEvent.objects.get(action="account_viewed")
    assert (event.patient_id, event.details) == (sofia.pk, {"in": "Merge Match"})


def test_strong_match_takes_one_click_and_cannot_be_repeated(
    desk: Client, pending: SelfRegistration, sofia: Patient
) -> None:
    response = desk.post(url(pending, "match"), {"patient": str(sofia.pk), "level": "limited"}, follow=True)
    assert response.redirect_chain == [("/matches/", 302)]
    assert "Elena García now has access to the record of García-López, Sofía." in html(response)
    assert Association.objects.get().level == "limited"
    again = desk.post(url(pending, "match"), {"patient": str(sofia.pk), "level": "full"}, follow=True)
    assert "Dana Fields matched this request" in html(again)
    assert Association.objects.count() == 1


def test_match_with_a_difference_needs_a_reason(desk: Client, practice: Practice, sofia: Patient) -> None:
    pending = a_self_registration(practice, an_account(), birth_date=date(2019, 5, 3))
    assert "Match…" in html(desk.get(url(pending)))
    page = html(desk.get(url(pending, "match"), {"patient": str(sofia.pk)}))
    assert "month and day switched" in page
    assert "“05/03/2019”" in page
    assert AuditEvent.objects.filter(action="account_viewed", patient_id=sofia.pk).count() == 2
    answer = {"patient": str(sofia.pk), "level": "full", "reason": ""}
    response = desk.post(url(pending, "match"), answer)
    assert response.status_code == 422
    assert "Explain why this is the right patient." in html(response)
    assert not Association.objects.exists()
    desk.post(url(pending, "match"), answer | {"reason": "Called the mother."})
    assert Association.objects.get().patient == sofia


def test_match_of_a_parent_with_a_teen_needs_an_override_reason(desk: Client, practice: Practice) -> None:
    born = timezone.localdate() - timedelta(days=365 * 14)
    teen = factories.a_patient(practice, "Rosa", "García", birth_date=born)
    factories.a_contact(teen)
    pending = a_self_registration(practice, an_account(), "Rosa", "García", born)
    assert "You’ll be asked for a reason first" in html(desk.get(url(pending)))
    page = html(desk.get(url(pending, "match"), {"patient": str(teen.pk)}))
    assert "Teens may have a right to privacy, and Elena García will be able to see the record" in page
    answer = {"patient": str(teen.pk), "level": "limited"}
    response = desk.post(url(pending, "match"), answer)  # sent from a page that was open since yesterday
    assert (response.status_code, "Before you match" in html(response)) == (422, True)
    response = desk.post(url(pending, "match"), answer | {"confirmed_teen": " "})
    assert (response.status_code, "Enter the reason" in html(response)) == (422, True)
    assert not Association.objects.exists()
    desk.post(url(pending, "match"), answer | {"confirmed_teen": "Rosa asked for it."})
    assert Association.objects.get().level == "limited"
    assert AuditEvent.objects.get(action="matched").details["confirmed teen"] == "Rosa asked for it."


def test_another_patient_can_be_searched_and_compared(
    desk: Client, practice: Practice, pending: SelfRegistration, sofia: Patient
) -> None:
    other = factories.a_patient(practice, "Zofia", "Novak", birth_date=date(2018, 1, 1), mrn="MG-9")
    page = html(desk.get(url(pending), {"look": "1", "last_name": "nov"}))
    assert f"?patient={other.pk}" in page
    assert AuditEvent.objects.get(action="searched").details == {"by": "last_name", "found": "1", "in": "Merge Match"}
    page = html(desk.get(url(pending), {"patient": str(other.pk)}))
    assert page.index("Novak, Zofia</a>") < page.index("García-López, Sofía</a>")
    assert "Enter a name or a date of birth" in html(desk.get(url(pending), {"look": "1"}))
    assert "No patient in this practice matches" in html(desk.get(url(pending), {"look": "1", "last_name": "q"}))


@pytest.mark.parametrize("patient_id", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_unknown_patient_id_is_not_found(desk: Client, pending: SelfRegistration, patient_id: str) -> None:
    assert desk.get(url(pending), {"patient": patient_id}).status_code == 404
    assert desk.get(url(pending, "match"), {"patient": patient_id}).status_code == 404
    assert desk.post(url(pending, "match"), {"patient": patient_id, "level": "full"}).status_code == 404


def test_patient_of_another_practice_is_not_found(
    desk: Client, other_practice: Practice, pending: SelfRegistration
) -> None:
    theirs = factories.a_patient(other_practice)
    assert desk.get(url(pending), {"patient": str(theirs.pk)}).status_code == 404
    assert desk.post(url(pending, "match"), {"patient": str(theirs.pk), "level": "full"}).status_code == 404
    assert not Association.objects.exists()


@pytest.mark.parametrize(("gone", "word"), [({"active": False}, "Inactive"), ({"deceased": True}, "Deceased")])
def test_inactive_or_deceased_patient_is_marked_and_cannot_be_matched(
    desk: Client, pending: SelfRegistration, sofia: Patient, gone: dict[str, Any], word: str
) -> None:
    Patient.objects.filter(pk=sofia.pk).update(**gone)
    page = html(desk.get(url(pending)))
    assert word in page
    assert url(pending, "match") not in page
    response = desk.post(url(pending, "match"), {"patient": str(sofia.pk), "level": "full", "reason": "x"}, follow=True)
    assert "No registration can be issued" in html(response) or "inactive" in html(response)
    assert not Association.objects.exists()


def test_page_shows_access_that_the_requester_already_has(
    desk: Client, pending: SelfRegistration, elena: PortalAccount, sofia: Patient
) -> None:
    an_association(elena, sofia, level="limited")
    assert "already has access to this record (Limited" in html(desk.get(url(pending)))
    response = desk.post(url(pending, "match"), {"patient": str(sofia.pk), "level": "limited"}, follow=True)
    assert "already had access" in html(response)


def test_refused_request_shows_its_reason_and_can_be_reopened(desk: Client, pending: SelfRegistration) -> None:
    assert desk.get(url(pending, "refuse")).status_code == 200
    assert desk.post(url(pending, "refuse"), {"reason": " "}).status_code == 422
    desk.post(url(pending, "refuse"), {"reason": "Moved away."})
    page = html(desk.get(url(pending)))
    assert "Reason: Moved away." in page
    assert "García-López, Sofía" not in page
    desk.post(url(pending, "reopen"))
    pending.refresh_from_db()
    assert pending.state == "waiting"


def test_question_is_a_ready_one_or_typed(desk: Client, pending: SelfRegistration) -> None:
    assert desk.post(url(pending, "ask"), {"ready": "own", "question": ""}).status_code == 422
    desk.post(url(pending, "ask"), {"ready": "call", "question": "ignored"})
    pending.refresh_from_db()
    assert pending.question.startswith("We could not find your child")
    desk.post(url(pending, "ask"), {"ready": "own", "question": "A middle name?"})
    page = html(desk.get(url(pending)))
    assert "A middle name?" in page
    assert "Waiting for family" in page


@pytest.mark.parametrize("action", ["refuse", "ask", "match"])
def test_no_email_is_promised_to_a_family_that_opted_out(
    desk: Client, practice: Practice, pending: SelfRegistration, sofia: Patient, action: str
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address=pending.account.email, by_name="Dana"
    )
    typed = {"reason": "Unknown.", "ready": "call", "patient": str(sofia.pk), "level": "full"}
    page = html(desk.post(url(pending, action), typed, follow=True))
    assert "opted out of your emails" in page
    assert "notified by email" not in page
    assert not OutgoingMessage.objects.exists()


def test_markup_typed_by_a_family_is_escaped(desk: Client, practice: Practice) -> None:
    pending = a_self_registration(practice, an_account(given="<b>Eve</b>"), "<script>alert(1)</script>", "O'Brien")
    for path in ("/matches/", url(pending), url(pending, "refuse"), url(pending, "ask")):
        page = desk.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>Eve" not in page
