"""From the PIN to the account: each story, and each thing that goes wrong on the way."""

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
from tests.factories import issue_registration


def test_a_mother_with_a_pin_has_an_account(client: Client, patient: Patient, mother: Contact, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor, to=mother)
    assert signup_steps.open_door(client, pin, patient.birth_date).headers["Location"] == "/start/about-you/"
    assert 'value="Elena"' in client.get("/start/about-you/").content.decode()
    assert signup_steps.tell_you(client).headers["Location"] == "/start/sign-in-details/"
    assert signup_steps.details(client).headers["Location"] == "/start/code/"
    assert signup_steps.prove(client).headers["Location"] == "/family/"
    home = client.get("/family/").content.decode()
    assert "Welcome, Elena" in home
    assert "Sofía García-López" in home
    account = PortalAccount.objects.get()
    assert account.user.check_password(signup_steps.PASSPHRASE)
    association = Association.objects.get()
    assert (association.account, association.patient, association.relationship) == (account, patient, "mother")
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.REGISTERED


@pytest.mark.parametrize(
    "typed", ["{}", "  {}  ", "{lower}", "{spaced}", "{run}", "https://x.example/start/?lang=es#pin={run}"]
)
def test_a_pin_is_read_however_it_is_typed(client: Client, patient: Patient, actor: Actor, typed: str) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    run = pin.replace("-", "")
    as_typed = typed.format(pin, lower=pin.lower(), spaced=" ".join(run), run=run)
    assert signup_steps.open_door(client, as_typed, patient.birth_date).headers["Location"] == "/start/about-you/"


@pytest.mark.parametrize("is_pasted", [False, True])
def test_who_follows_the_link_of_the_e_mail_proves_nothing_again(
    client: Client, patient: Patient, actor: Actor, is_pasted: bool
) -> None:
    registration = issue_registration(patient, actor=actor, delivery=signup_steps.email("Elena@Families.example"))
    pin, mark = signup_steps.mailed(registration)
    if is_pasted:
        signup_steps.open_door(client, f"https://x.example/start/#pin={pin}.{mark}", patient.birth_date)
    else:
        signup_steps.open_door(client, pin, patient.birth_date, mark=mark)
    signup_steps.tell_you(client)
    assert "elena@families.example" in client.get("/start/sign-in-details/").content.decode().lower()
    assert signup_steps.details(client).headers["Location"] == "/family/"
    assert PortalAccount.objects.get().email == "elena@families.example"


@pytest.mark.parametrize("mark", ["", "0" * 20, "ñ😀", "another"])
def test_a_pin_that_was_typed_proves_no_address(client: Client, patient: Patient, actor: Actor, mark: str) -> None:
    """The desk mistyped the address, and the PIN was read from the sheet: the account must not be a stranger's."""
    registration = issue_registration(patient, actor=actor, delivery=signup_steps.email("elena@families.example"))
    OutgoingMessage.objects.update(state=OutgoingMessage.State.ACCEPTED, due_at=None)
    if mark == "another":
        father = Recipient(name="Luis García", relationship="Father")
        by_email = signup_steps.email("luis@families.example")
        _, mark = signup_steps.mailed(issue_registration(patient, father, actor=actor, delivery=by_email))
    signup_steps.open_door(client, signup_steps.pin_of(registration), patient.birth_date, mark=mark)
    signup_steps.tell_you(client)
    assert "elena@families.example" not in client.get("/start/sign-in-details/").content.decode()
    assert signup_steps.details(client, email="elena@families.example").headers["Location"] == "/start/code/"
    assert not PortalAccount.objects.exists()


def test_the_session_of_before_does_not_know_what_was_opened(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    session = client.session
    session["anything"] = "yes"
    session.save()
    before = client.cookies["session"].value
    signup_steps.open_door(client, pin, patient.birth_date)
    assert client.cookies["session"].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_what_another_family_left_on_a_shared_browser_is_forgotten(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client, given_names="Ann", family_name="Alpha")
    signup_steps.details(client, email="ann@families.example")
    other = Recipient(name="Luis Beta", relationship="Father")
    pin = signup_steps.issued([brother], actor=actor, recipient=other)
    assert signup_steps.open_door(client, pin, brother.birth_date).headers["Location"] == "/start/about-you/"
    assert "Ann" not in client.get("/start/about-you/").content.decode()
    signup_steps.tell_you(client)
    assert "ann@families.example" not in client.get("/start/sign-in-details/").content.decode()


def test_a_second_pin_of_the_same_person_asks_nothing_twice(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client, given_names="Ann", family_name="Alpha")
    pin = signup_steps.issued([brother], actor=actor)
    assert signup_steps.open_door(client, pin, brother.birth_date).headers["Location"] == "/start/sign-in-details/"


def test_long_names_are_no_trouble(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    signup_steps.family_with(client, pin, patient.birth_date, given_names="A" * 80, family_name="B" * 80)
    assert len(PortalAccount.objects.get().user.name) == 150


@pytest.mark.parametrize("field", ["birth_date_0", "birth_date_1"])
def test_a_huge_number_is_no_date(client: Client, practice: Practice, field: str) -> None:
    huge = {"pin": "K7QF-2M9T-XB4C", **signup_steps.born(date(2019, 3, 5)), field: "9" * 20}
    assert client.post("/start/", huge).status_code == 422


def test_another_address_than_the_one_that_got_it_is_proved(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor, delivery=signup_steps.email("elena@families.example"))
    signup_steps.open_door(client, pin, patient.birth_date)
    signup_steps.tell_you(client)
    assert signup_steps.details(client, email="other@families.example").headers["Location"] == "/start/code/"
    assert not PortalAccount.objects.exists()


def test_several_children_are_confirmed_one_after_the_other(
    client: Client, patient: Patient, brother: Patient, actor: Actor
) -> None:
    pin = signup_steps.issued([patient, brother], actor=actor)
    assert signup_steps.open_door(client, pin, patient.birth_date).headers["Location"] == "/start/children/"
    page = client.get("/start/children/").content.decode()
    assert "M.G." in page
    assert "Mateo" not in page
    wrong = client.post("/start/children/", {"child": str(brother.pk), **signup_steps.born(patient.birth_date)})
    assert wrong.status_code == 422
    right = client.post("/start/children/", {"child": str(brother.pk), **signup_steps.born(brother.birth_date)})
    assert right.headers["Location"] == "/start/about-you/"
    signup_steps.tell_you(client)
    signup_steps.details(client)
    signup_steps.prove(client)
    assert {each.patient for each in Association.objects.all()} == {patient, brother}


def test_what_is_not_known_now_is_added_later(client: Client, patient: Patient, brother: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient, brother], actor=actor)
    signup_steps.open_door(client, pin, brother.birth_date)
    later = client.post("/start/children/", {"child": str(patient.pk), "later": "yes"})
    assert later.headers["Location"] == "/start/about-you/"
    signup_steps.tell_you(client)
    signup_steps.details(client)
    signup_steps.prove(client)
    assert [each.patient for each in Association.objects.all()] == [brother]
    home = client.get("/family/").content.decode()
    assert "Add S.G." in home
    registration = Registration.objects.get()
    address = f"/family/children/{registration.pk}/{patient.pk}/"
    assert client.post(address, signup_steps.born(brother.birth_date)).status_code == 422
    assert client.post(address, signup_steps.born(patient.birth_date)).headers["Location"] == "/family/"
    assert Association.objects.count() == 2
    assert client.get(address).status_code == 404


def test_a_patient_of_age_has_an_account_of_their_own(client: Client, practice: Practice, actor: Actor) -> None:
    adult = factories.a_patient(practice, "Ana", "Reyes", birth_date=date(2004, 5, 6))
    pin = signup_steps.issued([adult], actor=actor, recipient=Recipient(name="Ana Reyes", is_patient=True))
    signup_steps.open_door(client, pin, adult.birth_date)
    page = client.get("/start/about-you/").content.decode()
    assert 'value="self"' in page
    signup_steps.tell_you(client, who="self", given_names="Ana", family_name="Reyes", relationship="")
    signup_steps.details(client, email="ana@families.example")
    signup_steps.prove(client, "ana@families.example")
    assert Association.objects.get().relationship == "self"


def test_nobody_is_the_patient_with_the_pin_of_a_parent(client: Client, practice: Practice, actor: Actor) -> None:
    adult = factories.a_patient(practice, "Ana", "Reyes", birth_date=date(2004, 5, 6))
    pin = signup_steps.issued([adult], actor=actor, override_reasons={"of_age": "Ana gave her permission."})
    signup_steps.open_door(client, pin, adult.birth_date)
    assert 'value="self"' not in client.get("/start/about-you/").content.decode()
    assert signup_steps.tell_you(client, who="self", relationship="").status_code == 422


def test_a_child_is_never_asked_whether_it_is_the_patient(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    assert 'value="self"' not in client.get("/start/about-you/").content.decode()
    assert signup_steps.tell_you(client, relationship="self").status_code == 422


# --- The one and same answer ---


def wrong_pin(pin: str) -> str:
    return ("Z" if pin[-1] != "Z" else "Y").join([pin[:-1], ""])


def test_whatever_does_not_open_is_answered_alike(client: Client, patient: Patient, actor: Actor) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    never = signup_steps.open_door(client, "ZZZZ-ZZZZ-ZZZZ", patient.birth_date)
    almost = signup_steps.open_door(client, wrong_pin(pin), patient.birth_date)
    other_day = signup_steps.open_door(client, pin, date(2018, 1, 1))
    Registration.objects.update(state="revoked")
    revoked = signup_steps.open_door(client, pin, patient.birth_date)

    def told(response: Any) -> str:
        text = response.content.decode()
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
        return re.sub(r'value="[^"]*"| selected', "", text)

    assert [each.status_code for each in (never, almost, other_day, revoked)] == [422] * 4
    assert len({told(each) for each in (never, almost, other_day, revoked)}) == 1
    assert "(612) 555-0142" in told(never)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"pin": ""}, "Type the PIN"),
        ({"pin": "K7QF"}, "12 letters and digits"),
        ({"pin": "K7QF-2M9T-XB4!"}, "12 letters and digits"),
        ({"birth_date_0": ""}, "Choose the month"),
        ({"birth_date_1": "31", "birth_date_0": "2"}, "no such day"),
        ({"birth_date_1": "x"}, "no such day"),
        ({"birth_date_2": "19"}, "four digits"),
        ({"birth_date_2": "2999"}, "in the future"),
        ({"birth_date_2": "1800"}, "check the year"),
        ({"birth_date_0": "77"}, "no such day"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    client: Client, practice: Practice, typed: dict[str, str], says: str
) -> None:
    response = client.post("/start/", {"pin": "K7QF-2M9T-XB4C", **signup_steps.born(date(2019, 3, 5)), **typed})
    assert response.status_code == 422
    page = response.content.decode()
    assert says in page
    if "pin" not in typed:
        assert "K7QF-2M9T-XB4C" in page


def test_no_pin_is_in_an_address_a_session_or_the_trail(
    client: Client, patient: Patient, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    pin = signup_steps.issued([patient], actor=actor)
    pages = [
        signup_steps.open_door(client, wrong_pin(pin), patient.birth_date),
        signup_steps.open_door(client, pin, patient.birth_date),
    ]
    signup_steps.tell_you(client)
    pages.append(signup_steps.details(client))
    secrets = {pin, pin.replace("-", ""), signup_steps.PASSPHRASE}
    for response in pages:
        assert not any(each in response.headers.get("Location", "") for each in secrets)
    kept = str([each.get_decoded() for each in Session.objects.all()])
    trail = str(list(AuditEvent.objects.values_list("details", "actor_name")))
    for text in (kept, trail, caplog.text):
        assert not any(each in text for each in secrets)
    assert signup_steps.ADDRESS not in kept


# --- Nothing typed twice, nothing lost ---


def test_each_step_leads_to_the_first_that_is_not_done(client: Client, patient: Patient, actor: Actor) -> None:
    for address in ("question", "children", "about-you", "sign-in-details", "code", "existing-account", "add"):
        assert client.get(f"/start/{address}/").headers["Location"] == "/start/"
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    for address in ("sign-in-details", "code", "existing-account"):
        assert client.get(f"/start/{address}/").headers["Location"] == "/start/about-you/"


def test_going_back_loses_nothing(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client, given_names="Elena Sofía", phone="(612) 555-0161")
    signup_steps.details(client)
    you = client.get("/start/about-you/").content.decode()
    assert "Elena Sofía" in you
    assert "6125550161" in you
    details = client.get("/start/sign-in-details/").content.decode()
    assert signup_steps.ADDRESS in details
    assert signup_steps.PASSPHRASE not in details
    assert signup_steps.details(client, passphrase="").headers["Location"] == "/start/code/"
    signup_steps.prove(client)
    assert User.objects.get(email=signup_steps.ADDRESS).check_password(signup_steps.PASSPHRASE)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"email": "elena"}, "Enter an email address like"),
        ({"passphrase": "short"}, "at least 15"),
        ({"passphrase": ""}, "15 characters or more"),
        ({"passphrase": "elena@families.example"}, "too similar"),
        ({"terms": ""}, "terms of use"),
    ],
)
def test_a_bad_detail_is_said_and_the_rest_stays(
    client: Client, patient: Patient, actor: Actor, typed: dict[str, str], says: str
) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client)
    response = signup_steps.details(client, **typed)
    assert response.status_code == 422
    page = response.content.decode()
    assert says in page
    assert signup_steps.PASSPHRASE not in page


def test_a_wrong_code_and_a_new_one(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client)
    signup_steps.details(client)
    first = signup_steps.code_sent_to(signup_steps.ADDRESS)
    wrong = "000000" if first != "000000" else "111111"
    assert client.post("/start/code/", {"code": wrong}).status_code == 422
    assert client.post("/start/code/", {"code": "12"}).status_code == 422
    assert client.post("/start/code/", {"action": "resend"}).headers["Location"] == "/start/code/?again=yes"
    for _ in range(5):
        last = client.post("/start/code/", {"code": wrong})
    assert "no longer good" in last.content.decode()
    client.post("/start/code/", {"action": "resend"})
    assert signup_steps.prove(client).headers["Location"] == "/family/"


def test_what_was_revoked_meanwhile_ends_kindly(client: Client, patient: Patient, actor: Actor) -> None:
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client)
    signup_steps.details(client)
    Registration.objects.update(state="revoked")
    assert signup_steps.prove(client).headers["Location"] == "/start/"
    assert "This did not open" in client.get("/start/").content.decode()
    assert not PortalAccount.objects.exists()
    # Who they are is still known: with a new PIN the family goes on where it was.
    assert (
        signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date).status_code
        == 302
    )


# --- A link with a question ---


def test_a_link_with_a_question(client: Client, patient: Patient, actor: Actor) -> None:
    registration = issue_registration(
        patient, actor=actor, method=signup_steps.question(), delivery=signup_steps.email()
    )
    link = signup_steps.link_of(registration)
    token = link.split("#q=")[1]
    OutgoingMessage.objects.update(state=OutgoingMessage.State.ACCEPTED, due_at=None)
    opened = client.post("/start/", {"pin": "", "link": token, **signup_steps.born(patient.birth_date)})
    assert opened.headers["Location"] == "/start/question/"
    assert client.get("/start/about-you/").headers["Location"] == "/start/question/"
    assert "first pet" in client.get("/start/question/").content.decode()
    assert client.post("/start/question/", {"answer": "Rex"}).status_code == 422
    assert client.post("/start/question/", {"answer": "senor  BIGOTES"}).headers["Location"] == "/start/about-you/"
    signup_steps.tell_you(client)
    assert signup_steps.details(client).headers["Location"] == "/family/"


def test_without_javascript_a_whole_link_is_pasted(client: Client, patient: Patient, actor: Actor) -> None:
    registration = issue_registration(
        patient, actor=actor, method=signup_steps.question(), delivery=signup_steps.email()
    )
    opened = signup_steps.open_door(client, signup_steps.link_of(registration), patient.birth_date)
    assert opened.headers["Location"] == "/start/question/"


def test_three_wrong_answers_close_it(client: Client, patient: Patient, actor: Actor) -> None:
    registration = issue_registration(
        patient, actor=actor, method=signup_steps.question(), delivery=signup_steps.email()
    )
    signup_steps.open_door(client, signup_steps.link_of(registration), patient.birth_date)
    answers = [client.post("/start/question/", {"answer": "Rex"}) for _ in range(3)]
    assert [each.status_code for each in answers] == [422, 422, 302]
    assert answers[-1].headers["Location"] == "/start/"
    assert signup_steps.open_door(client, signup_steps.link_of(registration), patient.birth_date).status_code == 422


def test_strangers_who_ask_for_codes_do_not_keep_a_pins_holder_out(
    client: Client, patient: Patient, actor: Actor
) -> None:
    for number in range(1, 10):
        one_time_codes.send_code(
            signup_steps.ADDRESS, practice=None, language="en", requester_address=f"203.0.113.{number}"
        )
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client)
    assert signup_steps.details(client).headers["Location"] == "/start/code/"
    assert signup_steps.prove(client).headers["Location"] == "/family/"
