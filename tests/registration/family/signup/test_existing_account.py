"""Tests for families with an account: adding a child, offers, and not revealing who has an account."""

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


def sign_in(client: Client, email: str = signup_steps.EMAIL, password: str = signup_steps.PASSWORD) -> Any:
    return client.post("/start/sign-in/", {"login": email, "password": password})


def test_signed_in_family_adds_another_child(family: Client, brother: Patient, actor: Actor) -> None:
    assert "Add a child" in family.get("/start/").content.decode()
    pin = signup_steps.issue_pin([brother], actor=actor)
    assert signup_steps.enter_pin(family, pin, brother.birth_date).headers["Location"] == "/start/add/"
    assert "Add Mateo to your account?" in family.get("/start/add/").content.decode()
    assert family.post("/start/add/", {"relationship": ""}).status_code == 422
    assert family.post("/start/add/", {"relationship": "mother"}).headers["Location"] == "/family/"
    home = family.get("/family/").content.decode()
    assert "You now have access to the health records of Mateo." in home
    assert Association.objects.live().count() == 2


def test_opened_registration_is_added_after_sign_in(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    client.post("/family/sign-out/")
    signup_steps.enter_pin(client, signup_steps.issue_pin([brother], actor=actor), brother.birth_date)
    assert client.get("/start/add/").headers["Location"] == "/start/sign-in/"
    assert "we’ll add your request" in client.get("/start/sign-in/").content.decode()
    assert sign_in(client).headers["Location"] == "/start/add/"
    client.post("/start/add/", {"relationship": "mother"})
    assert {association.patient_id for association in account.associations.all()} >= {brother.pk}


def test_existing_account_is_revealed_only_after_the_email_is_verified(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    client.post("/family/sign-out/")
    signup_steps.enter_pin(client, signup_steps.issue_pin([brother], actor=actor), brother.birth_date)
    signup_steps.enter_about_you(client)
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/start/code/"
    page = client.get("/start/code/").content.decode()
    assert "already" not in page
    assert client.get("/start/existing-account/").headers["Location"] == "/start/code/"
    assert signup_steps.enter_code(client).headers["Location"] == "/start/existing-account/"
    assert "You already have an account" in client.get("/start/existing-account/").content.decode()
    assert sign_in(client).headers["Location"] == "/start/add/"
    assert 'value="mother" selected' in client.get("/start/add/").content.decode()
    client.post("/start/add/", {"relationship": "mother"})
    assert PortalAccount.objects.count() == 1
    assert account.associations.live().count() == 2


def comparable(response: Any) -> str:
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return re.sub(r"\S+@families\.example", "", text)


@pytest.mark.parametrize("address", ["/start/sign-in-details/", "/start/sign-in/", "/accounts/password/reset/"])
def test_known_and_unknown_email_addresses_get_the_same_response(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor, address: str
) -> None:
    responses = []
    for email in (signup_steps.EMAIL, "unknown@families.example"):
        browser = Client()
        browser.get("/start/sign-in/")  # marks the browser as a family's
        if address == "/start/sign-in-details/":
            signup_steps.enter_pin(browser, signup_steps.issue_pin([brother], actor=actor), brother.birth_date)
            signup_steps.enter_about_you(browser)
            response = signup_steps.enter_sign_in_details(browser, email=email)
            after = browser.get("/start/code/")
        elif address == "/start/sign-in/":
            response = after = sign_in(browser, email, "not the right password")
        else:
            response = browser.post(address, {"email": email})
            after = browser.get("/accounts/password/reset/confirm/")
        responses.append(
            (response.status_code, response.headers.get("Location"), set(response.cookies), comparable(after))
        )
    assert responses[0] == responses[1]


def test_offer_is_accepted_with_the_date_of_birth(
    family: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    offer = factories.issue_registration(
        [brother],
        actor=actor,
        recipient=Recipient(name=account.name),
        method=ToAccount(account),
        delivery=signup_steps.by_email(),
    )
    assert "would like to add M.G." in family.get("/family/").content.decode()
    address = f"/family/offers/{offer.pk}/"
    assert family.get(address).status_code == 200
    assert family.post(address, signup_steps.birth_date_fields(date(2018, 1, 1))).status_code == 422
    assert family.post(address, signup_steps.birth_date_fields(brother.birth_date)).headers["Location"] == "/start/add/"
    family.post("/start/add/", {"relationship": "mother"})
    assert account.associations.live().filter(patient=brother).exists()
    assert family.get(address).status_code == 404


def test_offer_is_hidden_from_other_accounts(
    client: Client, account: PortalAccount, brother: Patient, actor: Actor
) -> None:
    offer = factories.issue_registration(
        [brother],
        actor=actor,
        recipient=Recipient(name=account.name),
        method=ToAccount(account),
        delivery=signup_steps.by_email(),
    )
    client.post("/family/sign-out/")
    assert client.get(f"/family/offers/{offer.pk}/").headers["Location"] == "/start/sign-in/"
    other = factories.a_patient(brother.practice, "Leo", "Reyes", birth_date=date(2020, 2, 2))
    signup_steps.sign_up(
        client,
        signup_steps.issue_pin([other], actor=actor),
        other.birth_date,
        email="r@families.example",
        given_names="Rosa",
    )
    assert client.get(f"/family/offers/{offer.pk}/").status_code == 404
    registration = Registration.objects.get(claimed_by=account)
    assert client.get(f"/family/children/{registration.pk}/{brother.pk}/").status_code == 404


def test_staff_member_who_is_a_parent_gets_a_portal_account(
    client: Client, practice: Practice, patient: Patient, actor: Actor
) -> None:
    factories.a_member(practice, email="nurse@maplegrove.example", name="Nora Quinn")
    signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    signup_steps.enter_about_you(client, given_names="Nora", family_name="Quinn")
    signup_steps.enter_sign_in_details(client, email="nurse@maplegrove.example")
    assert signup_steps.enter_code(client, "nurse@maplegrove.example").headers["Location"] == "/start/existing-account/"
    assert sign_in(client, "nurse@maplegrove.example", factories.PASSWORD).headers["Location"] == "/start/add/"
    assert client.post("/start/add/", {"relationship": "mother"}).headers["Location"] == "/family/"
    assert PortalAccount.objects.get().name == "Nora Quinn"
