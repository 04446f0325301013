"""Tests for requesting access without a PIN."""

import re
from datetime import date
from typing import Any

from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from portal.models import Practice
from registration.matching import self_registrations
from registration.models import Association, PortalAccount, SelfRegistration
from tests import signup_steps

CHILD = {"given_names": "Sofía", "family_name": "García-López", **signup_steps.birth_date_fields(date(2019, 3, 5))}


def start_request(client: Client, **about_you: str) -> Any:
    client.post("/start/request-access/", {})
    fields = {"who": "child", "given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    return client.post("/start/request-access/about-you/", fields | about_you)


def test_family_without_a_pin_requests_access_for_two_children(client: Client, patient: Patient) -> None:
    assert (
        start_request(client, street="14 Orchard Lane", postal_code="55311").headers["Location"].endswith("/children/")
    )
    first = client.post("/start/request-access/children/", {**CHILD, "add_another": "yes"})
    assert first.headers["Location"] == "/start/request-access/children/"
    brother = {**CHILD, "given_names": "Mateo"}
    assert client.post("/start/request-access/children/", brother).headers["Location"] == "/start/sign-in-details/"
    assert signup_steps.enter_sign_in_details(client).headers["Location"] == "/start/code/"
    assert signup_steps.enter_code(client).headers["Location"] == "/family/"
    home = client.get("/family/").content.decode()
    assert "You requested access to the health records of Sofía and Mateo." in home
    assert not Association.objects.exists()
    request = SelfRegistration.objects.get(given_names="Sofía")
    assert (request.street, request.postal_code, request.relationship) == ("14 Orchard Lane", "55311", "mother")


def test_request_reveals_nothing_about_any_patient(client: Client, patient: Patient) -> None:
    """The pages are the same for a child who is a patient and one who is not."""
    pages = []
    for name in ("Sofía", "Xavier"):
        browser = Client()
        start_request(browser)
        browser.post("/start/request-access/children/", {**CHILD, "given_names": name})
        signup_steps.enter_sign_in_details(browser, email=f"{name[0].lower()}@families.example")
        signup_steps.enter_code(browser, f"{name[0].lower()}@families.example")
        pages.append(browser.get("/family/").content.decode().replace(name, ""))
    assert len({re.sub(r'value="\w{64}"|[0-9a-f]{8}-[0-9a-f-]{27}', "", page) for page in pages}) == 1


def test_requested_child_can_be_removed(client: Client, patient: Patient) -> None:
    start_request(client)
    client.post("/start/request-access/children/", {**CHILD, "add_another": "yes"})
    client.post("/start/request-access/children/", {"remove": "0"})
    assert client.post("/start/request-access/children/", {}).status_code == 422
    client.post("/start/request-access/children/", {**CHILD, "add_another": "yes"})
    assert client.post("/start/request-access/children/", {}).headers["Location"] == "/start/sign-in-details/"


def test_patient_requests_their_own_record(client: Client, practice: Practice) -> None:
    start_request(client, who="self", given_names="Ana", family_name="Reyes", relationship="")
    assert "Your date of birth" in client.get("/start/request-access/children/").content.decode()
    client.post("/start/request-access/children/", signup_steps.birth_date_fields(date(2001, 5, 6)))
    signup_steps.enter_sign_in_details(client, email="ana@families.example")
    signup_steps.enter_code(client, "ana@families.example")
    request = SelfRegistration.objects.get()
    assert (request.given_names, request.relationship) == ("Ana", "self")


def test_family_chooses_the_practice_if_there_are_several(
    client: Client, practice: Practice, other_practice: Practice
) -> None:
    page = client.get("/start/").content.decode()
    assert "Harbor Street" in page
    assert "Maple Grove" in page
    assert client.post("/start/request-access/", {}).status_code == 422
    chosen = client.post("/start/request-access/", {"practice": str(other_practice.pk)})
    assert chosen.headers["Location"] == "/start/request-access/about-you/"
    assert "Harbor Street" in client.get("/start/request-access/about-you/").content.decode()
    from_link = Client()
    assert "Maple Grove" in from_link.get(f"/start/?practice={practice.slug}").content.decode()
    assert "Harbor Street" not in from_link.get("/start/").content.decode()


def test_family_with_an_account_requests_another_child(family: Client, account: PortalAccount) -> None:
    family.post("/start/request-access/", {})
    family.post("/start/request-access/about-you/", {"who": "child", "relationship": "mother"})
    response = family.post("/start/request-access/children/", {**CHILD, "given_names": "Leo"})
    assert response.headers["Location"] == "/start/add/"
    assert family.post("/start/add/", {}).headers["Location"] == "/family/"
    assert account.self_registrations.get().given_names == "Leo"


def test_family_answers_a_question_from_the_practice(family: Client, account: PortalAccount, actor: Actor) -> None:
    test_family_with_an_account_requests_another_child(family, account)
    request = account.self_registrations.get()
    self_registrations.ask_for_information(request, question="Which doctor do you see?", actor=actor)
    assert "Which doctor do you see?" in family.get("/family/").content.decode()
    empty = family.post(f"/family/requests/{request.pk}/answer/", {f"{request.pk}-answer": " "})
    assert empty.headers["Location"] == "/family/"
    family.post(f"/family/requests/{request.pk}/answer/", {f"{request.pk}-answer": "Dr. Reyes"})
    request.refresh_from_db()
    assert request.answer == "Dr. Reyes"
    assert "We sent your answer to the practice." in family.get("/family/").content.decode()


def test_family_cancels_a_request(family: Client, account: PortalAccount) -> None:
    test_family_with_an_account_requests_another_child(family, account)
    request = account.self_registrations.get()
    assert family.get(f"/family/requests/{request.pk}/withdraw/").status_code == 405
    family.post(f"/family/requests/{request.pk}/withdraw/")
    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert "Leo" not in family.get("/family/").content.decode().split("<h1>")[1]


def test_request_of_another_account_is_a_404(
    family: Client, account: PortalAccount, patient: Patient, actor: Actor
) -> None:
    test_family_with_an_account_requests_another_child(family, account)
    request = account.self_registrations.get()
    other = Client()
    signup_steps.sign_up(
        other, signup_steps.issue_pin([patient], actor=actor), patient.birth_date, email="p@families.example"
    )
    assert other.post(f"/family/requests/{request.pk}/withdraw/").status_code == 404
    assert other.post(f"/family/requests/{request.pk}/answer/", {f"{request.pk}-answer": "x"}).status_code == 404
