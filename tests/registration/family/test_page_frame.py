"""Tests for what surrounds every family page, and for how long a draft is kept."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from portal.models import Logo, Practice
from registration.demo import logos
from registration.models import Association, PortalAccount
from registration.values import Recipient
from tests import factories, signup_steps

PUBLIC_PAGES = [
    "/start/",
    "/start/sign-in/",
    "/start/help-signing-in/",
    "/start/request-access/",
    "/start/terms/",
    "/start/cleared/",
]


@pytest.mark.parametrize("address", PUBLIC_PAGES)
def test_public_page_shows_the_practice_name_and_phone_number(client: Client, practice: Practice, address: str) -> None:
    page = client.get(address).content.decode()
    assert practice.name in page
    assert 'href="tel:+16125550142"' in page
    assert page.count("<h1") == 1
    assert '<meta name="description"' in page


def test_logo_is_small_and_cacheable(client: Client, practice: Practice) -> None:
    assert client.get(f"/start/logo/{practice.slug}.png").status_code == 404
    Logo.objects.create(practice=practice, png=logos.draw_maple_leaf())
    assert f"/start/logo/{practice.slug}.png" in client.get("/start/").content.decode()
    logo = client.get(f"/start/logo/{practice.slug}.png")
    assert logo.headers["Content-Type"] == "image/png"
    assert logo.headers["Cache-Control"] == "public, max-age=86400"
    assert len(logo.content) < 10_000


def test_terms_link_leads_to_the_practice_terms_if_it_has_its_own(client: Client, practice: Practice) -> None:
    assert client.get("/start/terms/").status_code == 200
    Practice.objects.update(terms_url="https://maplegrove.example/terms")
    assert client.get("/start/terms/").headers["Location"] == "https://maplegrove.example/terms"


def test_unknown_page_is_a_404_in_the_family_style(client: Client, practice: Practice) -> None:
    response = client.get("/start/nowhere/")
    assert response.status_code == 404
    page = response.content.decode()
    assert "css/family.css" in page
    assert "dashboard" not in page.lower()


def test_form_with_a_stale_csrf_token_gets_a_403_in_the_family_style(practice: Practice) -> None:
    response = Client(enforce_csrf_checks=True).post("/start/", {"pin": "K7QF"})
    assert response.status_code == 403
    page = response.content.decode()
    assert "This page has expired" in page
    assert "css/family.css" in page


def test_draft_is_kept_by_activity_and_expires_without_it(client: Client, patient: Patient, actor: Actor) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        assert client.post("/start/keep-alive/").status_code == 400
        signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
        clock.shift(timedelta(minutes=29))
        assert client.post("/start/keep-alive/").status_code == 204
        clock.shift(timedelta(minutes=29))
        assert client.get("/start/about-you/").status_code == 200
        clock.shift(timedelta(minutes=2))
        assert client.post("/start/keep-alive/").status_code == 400
        assert client.get("/start/about-you/").headers["Location"] == "/start/"


@pytest.mark.parametrize("next_page", ["/start/help-signing-in/", "/accounts/login/", "/accounts/session/"])
def test_expired_draft_is_deleted_from_the_session_on_the_next_page(
    client: Client, patient: Patient, actor: Actor, next_page: str
) -> None:
    with time_machine.travel("2026-11-23T14:00:00Z", tick=False) as clock:
        signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
        clock.shift(timedelta(minutes=30))
        client.get(next_page)
        assert "family_draft" in client.session
        clock.shift(timedelta(seconds=1))
        client.get(next_page)
        assert "family_draft" not in client.session


def test_person_who_signed_up_as_the_patient_is_asked_again_for_a_child(
    client: Client, patient: Patient, actor: Actor
) -> None:
    adult = factories.a_patient(patient.practice, "Ana", "Reyes", birth_date=date(2004, 5, 6))
    own_pin = signup_steps.issue_pin([adult], actor=actor, recipient=Recipient(name="Ana Reyes", is_patient=True))
    signup_steps.enter_pin(client, own_pin, adult.birth_date)
    signup_steps.enter_about_you(client, who="self", relationship="")
    signup_steps.enter_sign_in_details(client)
    pin = signup_steps.issue_pin([patient], actor=actor)
    assert signup_steps.enter_pin(client, pin, patient.birth_date).headers["Location"] == "/start/about-you/"
    signup_steps.enter_about_you(client)
    signup_steps.enter_sign_in_details(client)
    signup_steps.enter_code(client)
    assert Association.objects.get().relationship == "mother"
    assert PortalAccount.objects.count() == 1
