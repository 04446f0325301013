"""Tests for signing up with a PIN or link, from the start page to the account."""

import re
from datetime import date
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Actor
from portal.models import AuditEvent, Practice, User
from registration.claiming import one_time_codes
from registration.models import Association, PortalAccount, Registration
from registration.values import Recipient
from tests import factories, signup_steps


def test_mother_with_a_pin_creates_an_account(client: Client, patient: Patient, mother: Contact, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor, recipient=mother)
    assert signup_steps.enter_pin(client, pin, patient.birth_date).headers["Location"] == "/start/about-you/"
    assert 'value="Elena"' in client.get("/start/about-you/").content.decode()
    assert signup_steps.enter_about_you(client).headers["Location"] == "/start/sign-in-details/"
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/start/code/"
    assert signup_steps.enter_code(client).headers["Location"] == "/family/"
    home = client.get("/family/").content.decode()
    assert "Welcome, Elena" in home
    assert "Sofía García-López" in home
    account = PortalAccount.objects.get()
    assert account.user.check_password(signup_steps.PASSWORD)
    association = Association.objects.get()
    assert (association.account, association.patient, association.relationship) == (account, patient, "mother")
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.REGISTERED


@pytest.mark.parametrize(
    "typed", ["{}", "  {}  ", "{lower}", "{spaced}", "{run}", "https://x.example/start/?lang=es#pin={run}"]
)
def test_pin_is_accepted_however_it_is_typed(client: Client, patient: Patient, actor: Actor, typed: str) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    run = pin.replace("-", "")
    entered = typed.format(pin, lower=pin.lower(), spaced=" ".join(run), run=run)
    assert signup_steps.enter_pin(client, entered, patient.birth_date).headers["Location"] == "/start/about-you/"


@pytest.mark.parametrize("is_pasted", [False, True])
def test_link_in_the_email_verifies_the_address(
    client: Client, patient: Patient, actor: Actor, is_pasted: bool
) -> None:
    registration = factories.issue_registration(
        [patient], actor=actor, delivery=signup_steps.by_email("Elena@Families.example")
    )
    pin, mark = signup_steps.emailed_pin_and_mark(registration)
    if is_pasted:
        signup_steps.enter_pin(client, f"https://x.example/start/#pin={pin}.{mark}", patient.birth_date)
    else:
        signup_steps.enter_pin(client, pin, patient.birth_date, mark=mark)
    signup_steps.enter_about_you(client)
    assert "elena@families.example" in client.get("/start/sign-in-details/").content.decode().lower()
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/family/"
    assert PortalAccount.objects.get().email == "elena@families.example"


@pytest.mark.parametrize("mark", ["", "0" * 20, "ñ😀", "another"])
def test_typed_pin_does_not_verify_the_address(client: Client, patient: Patient, actor: Actor, mark: str) -> None:
    """The front desk may have mistyped the address, and the stranger who has it must not get the account."""
    registration = factories.issue_registration(
        [patient], actor=actor, delivery=signup_steps.by_email("elena@families.example")
    )
    OutgoingMessage.objects.update(state=OutgoingMessage.State.ACCEPTED, due_at=None)
    if mark == "another":
        father = Recipient(name="Luis García", relationship="Father")
        by_email = signup_steps.by_email("luis@families.example")
        _, mark = signup_steps.emailed_pin_and_mark(
            factories.issue_registration([patient], actor=actor, recipient=father, delivery=by_email)
        )
    signup_steps.enter_pin(client, signup_steps.pin_of(registration), patient.birth_date, mark=mark)
    signup_steps.enter_about_you(client)
    assert "elena@families.example" not in client.get("/start/sign-in-details/").content.decode()
    assert (
        signup_steps.enter_sign_in_details(client, email="elena@families.example").headers["Location"] == "/start/code/"
    )
    assert not PortalAccount.objects.exists()


def test_session_key_changes_when_a_pin_is_accepted(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    session = client.session
    session["anything"] = "yes"
    session.save()
    before = client.cookies["session"].value
    signup_steps.enter_pin(client, pin, patient.birth_date)
    assert client.cookies["session"].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_draft_of_another_recipient_is_dropped(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client, given_names="Ann", family_name="Alpha")
    signup_steps.enter_sign_in_details(client, email="ann@families.example")
    other = Recipient(name="Luis Beta", relationship="Father")
    pin = signup_steps.issue_pin([brother], actor=actor, recipient=other)
    assert signup_steps.enter_pin(client, pin, brother.birth_date).headers["Location"] == "/start/about-you/"
    assert "Ann" not in client.get("/start/about-you/").content.decode()
    signup_steps.enter_about_you(client)
    assert "ann@families.example" not in client.get("/start/sign-in-details/").content.decode()


def test_second_pin_of_the_same_recipient_keeps_the_draft(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client, given_names="Ann", family_name="Alpha")
    pin = signup_steps.issue_pin([brother], actor=actor)
    assert signup_steps.enter_pin(client, pin, brother.birth_date).headers["Location"] == "/start/sign-in-details/"


def test_long_names_are_accepted(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    signup_steps.sign_up(client, pin, patient.birth_date, given_names="A" * 80, family_name="B" * 80)
    assert len(PortalAccount.objects.get().user.name) == 150


@pytest.mark.parametrize("field", ["birth_date_0", "birth_date_1"])
def test_huge_number_in_the_date_is_an_error(client: Client, practice: Practice, field: str) -> None:
    huge = {"pin": "K7QF-2M9T-XB4C", **signup_steps.birth_date_fields(date(2019, 3, 5)), field: "9" * 20}
    assert client.post("/start/", huge).status_code == 422


def test_email_address_other_than_the_recipients_must_be_verified(
    client: Client, patient: Patient, actor: Actor
) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor, delivery=signup_steps.by_email("elena@families.example"))
    signup_steps.enter_pin(client, pin, patient.birth_date)
    signup_steps.enter_about_you(client)
    assert (
        signup_steps.enter_sign_in_details(client, email="other@families.example").headers["Location"] == "/start/code/"
    )
    assert not PortalAccount.objects.exists()


def test_several_children_are_confirmed_one_at_a_time(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    pin = signup_steps.issue_pin([patient, brother], actor=actor)
    assert signup_steps.enter_pin(client, pin, patient.birth_date).headers["Location"] == "/start/children/"
    page = client.get("/start/children/").content.decode()
    assert "M.G." in page
    assert "Mateo" not in page
    wrong = client.post(
        "/start/children/", {"child": str(brother.pk), **signup_steps.birth_date_fields(patient.birth_date)}
    )
    assert wrong.status_code == 422
    right = client.post(
        "/start/children/", {"child": str(brother.pk), **signup_steps.birth_date_fields(brother.birth_date)}
    )
    assert right.headers["Location"] == "/start/about-you/"
    signup_steps.enter_about_you(client)
    signup_steps.enter_sign_in_details(client)
    signup_steps.enter_code(client)
    assert {association.patient for association in Association.objects.all()} == {patient, brother}


def test_skipped_child_is_added_later(client: Client, patient: Patient, brother: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient, brother], actor=actor)
    signup_steps.enter_pin(client, pin, brother.birth_date)
    later = client.post("/start/children/", {"child": str(patient.pk), "later": "yes"})
    assert later.headers["Location"] == "/start/about-you/"
    signup_steps.enter_about_you(client)
    signup_steps.enter_sign_in_details(client)
    signup_steps.enter_code(client)
    assert [association.patient for association in Association.objects.all()] == [brother]
    home = client.get("/family/").content.decode()
    assert "Add S.G." in home
    registration = Registration.objects.get()
    address = f"/family/children/{registration.pk}/{patient.pk}/"
    assert client.post(address, signup_steps.birth_date_fields(brother.birth_date)).status_code == 422
    assert client.post(address, signup_steps.birth_date_fields(patient.birth_date)).headers["Location"] == "/family/"
    assert Association.objects.count() == 2
    assert client.get(address).status_code == 404


def test_adult_patient_creates_their_own_account(client: Client, practice: Practice, actor: Actor) -> None:
    adult = factories.a_patient(practice, "Ana", "Reyes", birth_date=date(2004, 5, 6))
    pin = signup_steps.issue_pin([adult], actor=actor, recipient=Recipient(name="Ana Reyes", is_patient=True))
    signup_steps.enter_pin(client, pin, adult.birth_date)
    page = client.get("/start/about-you/").content.decode()
    assert 'value="self"' in page
    signup_steps.enter_about_you(client, who="self", given_names="Ana", family_name="Reyes", relationship="")
    signup_steps.enter_sign_in_details(client, email="ana@families.example")
    signup_steps.enter_code(client, "ana@families.example")
    assert Association.objects.get().relationship == "self"


def test_pin_issued_to_a_parent_is_not_accepted_from_the_patient(
    client: Client, practice: Practice, actor: Actor
) -> None:
    adult = factories.a_patient(practice, "Ana", "Reyes", birth_date=date(2004, 5, 6))
    pin = signup_steps.issue_pin([adult], actor=actor, override_reasons={"of_age": "Ana gave her permission."})
    signup_steps.enter_pin(client, pin, adult.birth_date)
    assert 'value="self"' not in client.get("/start/about-you/").content.decode()
    assert signup_steps.enter_about_you(client, who="self", relationship="").status_code == 422


def test_pin_of_a_child_never_offers_myself(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    assert 'value="self"' not in client.get("/start/about-you/").content.decode()
    assert signup_steps.enter_about_you(client, relationship="self").status_code == 422


# --- The same answer for every cause ---


def wrong_pin(pin: str) -> str:
    return ("Z" if pin[-1] != "Z" else "Y").join([pin[:-1], ""])


def test_every_pin_that_fails_gets_the_same_answer(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    unknown = signup_steps.enter_pin(client, "ZZZZ-ZZZZ-ZZZZ", patient.birth_date)
    mistyped = signup_steps.enter_pin(client, wrong_pin(pin), patient.birth_date)
    wrong_date = signup_steps.enter_pin(client, pin, date(2018, 1, 1))
    Registration.objects.update(state="revoked")
    revoked = signup_steps.enter_pin(client, pin, patient.birth_date)

    def without_values(response: Any) -> str:
        text = response.content.decode()
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
        return re.sub(r'value="[^"]*"| selected', "", text)

    assert [response.status_code for response in (unknown, mistyped, wrong_date, revoked)] == [422] * 4
    assert len({without_values(response) for response in (unknown, mistyped, wrong_date, revoked)}) == 1
    assert "(612) 555-0142" in without_values(unknown)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"pin": ""}, "Enter the PIN"),
        ({"pin": "K7QF"}, "12 letters and numbers"),
        ({"pin": "K7QF-2M9T-XB4!"}, "12 letters and numbers"),
        ({"birth_date_0": ""}, "Choose the month"),
        ({"birth_date_1": "31", "birth_date_0": "2"}, "doesn’t exist"),
        ({"birth_date_1": "x"}, "doesn’t exist"),
        ({"birth_date_2": "19"}, "four digits"),
        ({"birth_date_2": "2999"}, "in the future"),
        ({"birth_date_2": "1800"}, "Check the year."),
        ({"birth_date_0": "77"}, "doesn’t exist"),
    ],
)
def test_unreadable_field_gets_an_error_and_keeps_the_other_values(
    client: Client, practice: Practice, typed: dict[str, str], sentence: str
) -> None:
    response = client.post(
        "/start/", {"pin": "K7QF-2M9T-XB4C", **signup_steps.birth_date_fields(date(2019, 3, 5)), **typed}
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    if "pin" not in typed:
        assert "K7QF-2M9T-XB4C" in page


def test_secrets_are_in_no_address_session_log_or_audit_event(
    client: Client, patient: Patient, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    pin = signup_steps.issue_pin([patient], actor=actor)
    pages = [
        signup_steps.enter_pin(client, wrong_pin(pin), patient.birth_date),
        signup_steps.enter_pin(client, pin, patient.birth_date),
    ]
    signup_steps.enter_about_you(client)
    pages.append(signup_steps.enter_sign_in_details(client))
    secrets = {pin, pin.replace("-", ""), signup_steps.PASSWORD}
    for response in pages:
        assert not any(secret in response.headers.get("Location", "") for secret in secrets)
    sessions = str([session.get_decoded() for session in Session.objects.all()])
    trail = str(list(AuditEvent.objects.values_list("details", "actor_name")))
    for text in (sessions, trail, caplog.text):
        assert not any(secret in text for secret in secrets)
    assert signup_steps.EMAIL not in sessions


# --- Steps and drafts ---


def test_step_redirects_to_the_first_that_is_not_done(client: Client, patient: Patient, actor: Actor) -> None:
    for address in (
        "question",
        "children",
        "about-you",
        "sign-in-details",
        "code",
        "code/resend",
        "existing-account",
        "add",
    ):
        assert client.get(f"/start/{address}/").headers["Location"] == "/start/"
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    for address in ("sign-in-details", "code", "code/resend", "existing-account"):
        assert client.get(f"/start/{address}/").headers["Location"] == "/start/about-you/"


def test_going_back_keeps_what_was_entered(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client, given_names="Elena Sofía", phone="(612) 555-0161")
    signup_steps.enter_sign_in_details(client)
    about_you = client.get("/start/about-you/").content.decode()
    assert "Elena Sofía" in about_you
    assert "6125550161" in about_you
    details = client.get("/start/sign-in-details/").content.decode()
    assert signup_steps.EMAIL in details
    assert signup_steps.PASSWORD not in details
    assert signup_steps.enter_sign_in_details(client, password="").headers["Location"] == "/start/code/"
    signup_steps.enter_code(client)
    assert User.objects.get(email=signup_steps.EMAIL).check_password(signup_steps.PASSWORD)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"email": "elena"}, "Enter an email address like name@example.com."),
        ({"password": "short"}, "at least 15"),
        ({"password": ""}, "at least 15 characters"),
        ({"password": "elena@families.example"}, "too similar"),
        ({"terms": ""}, "terms of use"),
    ],
)
def test_invalid_sign_in_detail_gets_an_error(
    client: Client, patient: Patient, actor: Actor, typed: dict[str, str], sentence: str
) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client)
    response = signup_steps.enter_sign_in_details(client, **typed)
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    assert signup_steps.PASSWORD not in page


def test_new_code_replaces_one_that_was_tried_too_often(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client)
    signup_steps.enter_sign_in_details(client)
    first = signup_steps.code_sent_to(signup_steps.EMAIL)
    wrong = "000000" if first != "000000" else "111111"
    assert client.post("/start/code/", {"code": wrong}).status_code == 422
    assert client.post("/start/code/", {"code": "12"}).status_code == 422
    assert client.post("/start/code/resend/").headers["Location"] == "/start/code/"
    assert "We sent a new code." in client.get("/start/code/").content.decode()
    for _ in range(5):
        last = client.post("/start/code/", {"code": wrong})
    assert "This code has expired." in last.content.decode()
    client.post("/start/code/resend/")
    assert signup_steps.enter_code(client).headers["Location"] == "/family/"


def test_pin_revoked_during_sign_up_ends_at_the_start_page(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client)
    signup_steps.enter_sign_in_details(client)
    Registration.objects.update(state="revoked")
    assert signup_steps.enter_code(client).headers["Location"] == "/start/"
    assert "don’t match our records" in client.get("/start/").content.decode()
    assert not PortalAccount.objects.exists()
    # The draft keeps what the family entered, so it continues where it was with a new PIN.
    assert (
        signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date).status_code
        == 302
    )


# --- Verification questions ---


def test_link_asks_the_verification_question(client: Client, patient: Patient, actor: Actor) -> None:
    registration = factories.issue_registration(
        [patient], actor=actor, method=signup_steps.by_question(), delivery=signup_steps.by_email()
    )
    link = signup_steps.question_link(registration)
    token = link.split("#q=")[1]
    OutgoingMessage.objects.update(state=OutgoingMessage.State.ACCEPTED, due_at=None)
    opened = client.post("/start/", {"pin": "", "link": token, **signup_steps.birth_date_fields(patient.birth_date)})
    assert opened.headers["Location"] == "/start/question/"
    assert client.get("/start/about-you/").headers["Location"] == "/start/question/"
    assert "first pet" in client.get("/start/question/").content.decode()
    assert client.post("/start/question/", {"answer": "Rex"}).status_code == 422
    assert client.post("/start/question/", {"answer": "senor  BIGOTES"}).headers["Location"] == "/start/about-you/"
    signup_steps.enter_about_you(client)
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/family/"


def test_whole_link_can_be_pasted_without_javascript(client: Client, patient: Patient, actor: Actor) -> None:
    registration = factories.issue_registration(
        [patient], actor=actor, method=signup_steps.by_question(), delivery=signup_steps.by_email()
    )
    opened = signup_steps.enter_pin(client, signup_steps.question_link(registration), patient.birth_date)
    assert opened.headers["Location"] == "/start/question/"


def test_three_wrong_answers_lock_the_link(client: Client, patient: Patient, actor: Actor) -> None:
    registration = factories.issue_registration(
        [patient], actor=actor, method=signup_steps.by_question(), delivery=signup_steps.by_email()
    )
    signup_steps.enter_pin(client, signup_steps.question_link(registration), patient.birth_date)
    responses = [client.post("/start/question/", {"answer": "Rex"}) for _ in range(3)]
    assert [response.status_code for response in responses] == [422, 422, 302]
    assert responses[-1].headers["Location"] == "/start/"
    assert (
        signup_steps.enter_pin(client, signup_steps.question_link(registration), patient.birth_date).status_code == 422
    )


def test_codes_requested_by_strangers_do_not_block_someone_with_a_pin(
    client: Client, patient: Patient, actor: Actor
) -> None:
    for number in range(1, 10):
        one_time_codes.send_code(
            signup_steps.EMAIL, practice=None, language="en", requester_address=f"203.0.113.{number}"
        )
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client)
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/start/code/"
    assert signup_steps.enter_code(client).headers["Location"] == "/family/"
