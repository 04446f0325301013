"""A family asks without a PIN; the practice will confirm."""

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

CHILD = {"given_names": "Sofía", "family_name": "García-López", **signup_steps.born(date(2019, 3, 5))}


def begin(client: Client, **you: str) -> Any:
    client.post("/start/request-access/", {})
    typed = {"who": "child", "given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    return client.post("/start/request-access/about-you/", typed | you)


def test_a_mother_without_a_pin(client: Client, patient: Patient) -> None:
    assert begin(client, street="14 Orchard Lane", postal_code="55311").headers["Location"].endswith("/children/")
    more = client.post("/start/request-access/children/", {**CHILD, "more": "yes"})
    assert more.headers["Location"] == "/start/request-access/children/"
    brother = {**CHILD, "given_names": "Mateo"}
    assert client.post("/start/request-access/children/", brother).headers["Location"] == "/start/sign-in-details/"
    assert signup_steps.details(client).headers["Location"] == "/start/code/"
    assert signup_steps.prove(client).headers["Location"] == "/family/"
    home = client.get("/family/").content.decode()
    assert "You asked for Sofía and Mateo. The practice will confirm" in home
    assert not Association.objects.exists()
    asked = SelfRegistration.objects.get(given_names="Sofía")
    assert (asked.street, asked.postal_code, asked.relationship) == ("14 Orchard Lane", "55311", "mother")


def test_it_shows_nothing_about_any_patient(client: Client, patient: Patient) -> None:
    """A child that is a patient and one that is none are asked for with the same answers."""
    pages = []
    for name in ("Sofía", "Nobody"):
        browser = Client()
        begin(browser)
        browser.post("/start/request-access/children/", {**CHILD, "given_names": name})
        signup_steps.details(browser, email=f"{name[0].lower()}@families.example")
        signup_steps.prove(browser, f"{name[0].lower()}@families.example")
        pages.append(browser.get("/family/").content.decode().replace(name, ""))
    assert len({re.sub(r'value="\w{64}"|[0-9a-f]{8}-[0-9a-f-]{27}', "", page) for page in pages}) == 1


def test_a_child_is_taken_off_again(client: Client, patient: Patient) -> None:
    begin(client)
    client.post("/start/request-access/children/", {**CHILD, "more": "yes"})
    client.post("/start/request-access/children/", {"take_off": "0"})
    assert client.post("/start/request-access/children/", {}).status_code == 422
    client.post("/start/request-access/children/", {**CHILD, "more": "yes"})
    assert client.post("/start/request-access/children/", {}).headers["Location"] == "/start/sign-in-details/"


def test_for_oneself(client: Client, practice: Practice) -> None:
    begin(client, who="self", given_names="Ana", family_name="Reyes", relationship="")
    assert "Your date of birth" in client.get("/start/request-access/children/").content.decode()
    client.post("/start/request-access/children/", signup_steps.born(date(2001, 5, 6)))
    signup_steps.details(client, email="ana@families.example")
    signup_steps.prove(client, "ana@families.example")
    asked = SelfRegistration.objects.get()
    assert (asked.given_names, asked.relationship) == ("Ana", "self")


def test_with_several_practices_it_is_asked_which(client: Client, practice: Practice, other_practice: Practice) -> None:
    page = client.get("/start/").content.decode()
    assert "Harbor Street" in page
    assert "Maple Grove" in page
    assert client.post("/start/request-access/", {}).status_code == 422
    chosen = client.post("/start/request-access/", {"practice": str(other_practice.pk)})
    assert chosen.headers["Location"] == "/start/request-access/about-you/"
    assert "Harbor Street" in client.get("/start/request-access/about-you/").content.decode()
    named = Client()
    assert "Maple Grove" in named.get(f"/start/?practice={practice.slug}").content.decode()
    assert "Harbor Street" not in named.get("/start/").content.decode()


def test_who_has_an_account_asks_with_it(family: Client, account: PortalAccount) -> None:
    family.post("/start/request-access/", {})
    family.post("/start/request-access/about-you/", {"who": "child", "relationship": "mother"})
    asked = family.post("/start/request-access/children/", {**CHILD, "given_names": "Leo"})
    assert asked.headers["Location"] == "/start/add/"
    assert family.post("/start/add/", {}).headers["Location"] == "/family/"
    assert account.self_registrations.get().given_names == "Leo"


def test_the_practice_asks_for_more_and_the_family_answers(
    family: Client, account: PortalAccount, actor: Actor
) -> None:
    test_who_has_an_account_asks_with_it(family, account)
    asked = account.self_registrations.get()
    self_registrations.ask_for_information(asked, question="Which doctor do you see?", actor=actor)
    assert "Which doctor do you see?" in family.get("/family/").content.decode()
    empty = family.post(f"/family/requests/{asked.pk}/answer/", {f"{asked.pk}-answer": " "})
    assert empty.headers["Location"] == "/family/"
    family.post(f"/family/requests/{asked.pk}/answer/", {f"{asked.pk}-answer": "Dr. Reyes"})
    asked.refresh_from_db()
    assert asked.answer == "Dr. Reyes"
    assert "Your answer is with the practice." in family.get("/family/").content.decode()


def test_a_family_withdraws(family: Client, account: PortalAccount) -> None:
    test_who_has_an_account_asks_with_it(family, account)
    asked = account.self_registrations.get()
    assert family.get(f"/family/requests/{asked.pk}/withdraw/").status_code == 405
    family.post(f"/family/requests/{asked.pk}/withdraw/")
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
    assert "Leo" not in family.get("/family/").content.decode().split("<h1>")[1]


def test_nobody_answers_or_withdraws_for_somebody_else(
    family: Client, account: PortalAccount, patient: Patient, actor: Actor
) -> None:
    test_who_has_an_account_asks_with_it(family, account)
    asked = account.self_registrations.get()
    other = Client()
    signup_steps.family_with(
        other, signup_steps.issued([patient], actor=actor), patient.birth_date, email="p@families.example"
    )
    assert other.post(f"/family/requests/{asked.pk}/withdraw/").status_code == 404
    assert other.post(f"/family/requests/{asked.pk}/answer/", {f"{asked.pk}-answer": "x"}).status_code == 404
