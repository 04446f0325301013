"""A family that has an account already: another child, an offer of the practice, and nobody learns who has one."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from portal.models import Practice
from registration.models import Association, PortalAccount, Registration
from registration.values import Recipient, ToAccount
from tests import factories, signup_steps
from tests.factories import issue_registration


def sign_in(client: Client, email: str = signup_steps.ADDRESS, passphrase: str = signup_steps.PASSPHRASE) -> Any:
    return client.post("/start/sign-in/", {"login": email, "password": passphrase})


def test_another_child_is_added_by_who_is_signed_in(family: Client, brother: Patient, actor: Actor) -> None:
    assert "Add a child" in family.get("/start/").content.decode()
    pin = signup_steps.issued([brother], actor=actor)
    assert signup_steps.open_door(family, pin, brother.birth_date).headers["Location"] == "/start/add/"
    assert "Add Mateo to your account?" in family.get("/start/add/").content.decode()
    assert family.post("/start/add/", {"relationship": ""}).status_code == 422
    assert family.post("/start/add/", {"relationship": "mother"}).headers["Location"] == "/family/"
    home = family.get("/family/").content.decode()
    assert "You have access for Mateo now." in home
    assert Association.objects.live().count() == 2


def test_what_was_opened_is_added_after_the_sign_in(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    client.post("/family/sign-out/")
    signup_steps.open_door(client, signup_steps.issued([brother], actor=actor), brother.birth_date)
    assert client.get("/start/add/").headers["Location"] == "/start/sign-in/"
    assert "we add what you asked for" in client.get("/start/sign-in/").content.decode()
    assert sign_in(client).headers["Location"] == "/start/add/"
    client.post("/start/add/", {"relationship": "mother"})
    assert {each.patient_id for each in account.associations.all()} >= {brother.pk}


def test_only_who_proved_the_address_learns_that_it_has_an_account(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    client.post("/family/sign-out/")
    signup_steps.open_door(client, signup_steps.issued([brother], actor=actor), brother.birth_date)
    signup_steps.tell_you(client)
    assert signup_steps.details(client).headers["Location"] == "/start/code/"
    page = client.get("/start/code/").content.decode()
    assert "already" not in page
    assert client.get("/start/existing-account/").headers["Location"] == "/start/code/"
    assert signup_steps.prove(client).headers["Location"] == "/start/existing-account/"
    assert "You have an account already" in client.get("/start/existing-account/").content.decode()
    assert sign_in(client).headers["Location"] == "/start/add/"
    assert 'value="mother" selected' in client.get("/start/add/").content.decode()
    client.post("/start/add/", {"relationship": "mother"})
    assert PortalAccount.objects.count() == 1
    assert account.associations.live().count() == 2


def plain(response: Any) -> str:
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return re.sub(r"\S+@families\.example", "", text)


@pytest.mark.parametrize("whose", ["/start/sign-in-details/", "/start/sign-in/", "/accounts/password/reset/"])
def test_a_known_and_an_unknown_address_are_answered_alike(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor, whose: str
) -> None:
    answers = []
    for email in (signup_steps.ADDRESS, "nobody@families.example"):
        browser = Client()
        browser.get("/start/sign-in/")  # the family's door
        if whose == "/start/sign-in-details/":
            signup_steps.open_door(browser, signup_steps.issued([brother], actor=actor), brother.birth_date)
            signup_steps.tell_you(browser)
            response = signup_steps.details(browser, email=email)
            after = browser.get("/start/code/")
        elif whose == "/start/sign-in/":
            response = after = sign_in(browser, email, "not the right passphrase")
        else:
            response = browser.post(whose, {"email": email})
            after = browser.get("/accounts/password/reset/confirm/")
        answers.append((response.status_code, response.headers.get("Location"), set(response.cookies), plain(after)))
    assert answers[0] == answers[1]


def test_an_offer_of_the_practice_is_confirmed_in_the_account(
    family: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    offer = issue_registration(
        brother, Recipient(name=account.name), actor=actor, method=ToAccount(account), delivery=signup_steps.email()
    )
    assert "offers to add M.G." in family.get("/family/").content.decode()
    address = f"/family/offers/{offer.pk}/"
    assert family.get(address).status_code == 200
    assert family.post(address, signup_steps.born(date(2018, 1, 1))).status_code == 422
    assert family.post(address, signup_steps.born(brother.birth_date)).headers["Location"] == "/start/add/"
    family.post("/start/add/", {"relationship": "mother"})
    assert account.associations.live().filter(patient=brother).exists()
    assert family.get(address).status_code == 404


def test_an_offer_is_for_nobody_else(client: Client, account: PortalAccount, brother: Patient, actor: Actor) -> None:
    offer = issue_registration(
        brother, Recipient(name=account.name), actor=actor, method=ToAccount(account), delivery=signup_steps.email()
    )
    client.post("/family/sign-out/")
    assert client.get(f"/family/offers/{offer.pk}/").headers["Location"] == "/start/sign-in/"
    other = factories.a_patient(brother.practice, "Leo", "Reyes", birth_date=date(2020, 2, 2))
    signup_steps.family_with(
        client,
        signup_steps.issued([other], actor=actor),
        other.birth_date,
        email="r@families.example",
        given_names="Rosa",
    )
    assert client.get(f"/family/offers/{offer.pk}/").status_code == 404
    registration = Registration.objects.get(claimed_by=account)
    assert client.get(f"/family/children/{registration.pk}/{brother.pk}/").status_code == 404


def test_a_member_of_staff_who_is_a_parent_has_both(
    client: Client, practice: Practice, patient: Patient, actor: Actor
) -> None:
    factories.a_member(practice, email="nurse@maplegrove.example", name="Nora Quinn")
    signup_steps.open_door(client, signup_steps.issued([patient], actor=actor), patient.birth_date)
    signup_steps.tell_you(client, given_names="Nora", family_name="Quinn")
    signup_steps.details(client, email="nurse@maplegrove.example")
    assert signup_steps.prove(client, "nurse@maplegrove.example").headers["Location"] == "/start/existing-account/"
    assert sign_in(client, "nurse@maplegrove.example", factories.PASSWORD).headers["Location"] == "/start/add/"
    assert client.post("/start/add/", {"relationship": "mother"}).headers["Location"] == "/family/"
    assert PortalAccount.objects.get().name == "Nora Quinn"
