"""Failures at the desk, in a browser: an expired session, two tabs, the back button, the network, the database."""

import sqlite3
from contextlib import closing
from datetime import timedelta

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from playwright.sync_api import Browser, Locator, Page, Route, expect

from patients.models import Contact, Patient
from portal.models import AuditEvent, Practice, User
from registration.models import Identification, Registration
from tests import factories
from tests.journeys.conftest import check_accessibility
from tests.journeys.desk_steps import (
    answer_required_questions,
    complete,
    open_account,
    open_window,
    shown_pin,
)

MOST_CLICKS = 7


def complete_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Complete Registration")


def type_an_address(page: Page) -> Locator:
    answer_required_questions(page)
    address = page.get_by_role("textbox", name="Email Address")
    address.fill("elena.new@families.example")
    return address


def test_window_left_open_overnight_asks_to_sign_in(
    desk_page: Page, patient: Patient, mother: Contact, front_desk: User
) -> None:
    page = desk_page
    open_account(page)
    account = page.url
    open_window(page)
    type_an_address(page)
    session = SessionStore(Session.objects.get().pk)
    for moment in ("signed_in_at", "seen_at"):
        session[moment] = session["signed_in_at"] - timedelta(hours=14).total_seconds()
    session.save()
    complete_button(page).click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(
        page.get_by_text("You were signed out, so your last change was not saved. Sign in and try again.")
    ).to_be_visible()
    check_accessibility(page)
    assert not Registration.objects.exists()
    assert not AuditEvent.objects.filter(action="registration_issued").exists()
    page.get_by_label("Email").fill(front_desk.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()
    assert page.url == account
    open_window(page)
    complete(page)
    assert Registration.objects.count() == 1


def test_second_tab_replaces_the_pin_of_the_first(desk_page: Page, patient: Patient, mother: Contact) -> None:
    first = desk_page
    open_account(first)
    second = first.context.new_page()
    second.goto(first.url)
    first.bring_to_front()
    open_window(first)
    second.bring_to_front()
    open_window(second)
    first.bring_to_front()
    complete(first)
    shown_pin(first)
    second.bring_to_front()
    complete(second)
    expect(second.get_by_text("The earlier registration for Elena García no longer works.")).to_be_visible()
    shown_pin(second)
    assert patient.registrations.live().count() == 1
    for page in (first, second):
        page.bring_to_front()
        page.get_by_role("link", name="Done").click()
        registrations = page.get_by_role("region", name="Registrations")
        expect(registrations.get_by_text("Replaced", exact=True)).to_be_visible()
        expect(registrations.get_by_text("PIN active", exact=True)).to_be_visible()


def test_back_and_forward_do_not_show_the_pin_again(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    complete(page)
    pin = shown_pin(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Patient Administration")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert pin not in page.content()
    assert Registration.objects.count() == 1


def test_reload_without_javascript_shows_the_same_pin(
    browser: Browser, portal: str, practice: Practice, patient: Patient, mother: Contact, front_desk: User
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{portal}/patients/{patient.pk}/register/")
        page.get_by_label("Email").fill(front_desk.email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        answer_required_questions(page)
        complete_button(page).click()
        pin = shown_pin(page)
        page.reload()  # sends the same window again
        assert shown_pin(page) == pin
        page.go_back()
        expect(complete_button(page)).to_be_visible()
        assert pin not in page.content()
        assert Registration.objects.count() == 1


def test_lost_response_creates_no_second_registration(desk_page: Page, patient: Patient, mother: Contact) -> None:
    """The request succeeds, but the browser never learns of it. Submitting again does no harm."""
    page = desk_page
    open_account(page)
    open_window(page)
    address = type_an_address(page)

    def loses_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/register/", loses_the_answer)
    complete_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("The server could not be reached. What you typed is still here")
    check_accessibility(page)
    expect(address).to_have_value("elena.new@families.example")
    first = Registration.objects.get()
    page.unroute("**/register/")
    complete(page)
    shown_pin(page)
    assert Registration.objects.get() == first


def test_window_that_cannot_open_reports_it(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Register Patient").click()
    expect(page.get_by_role("alert")).to_contain_text("The window could not be opened")
    check_accessibility(page)
    page.context.set_offline(False)
    open_window(page)
    complete(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("The window could not be opened")).to_be_hidden()


def test_locked_database_saves_nothing_and_keeps_the_input(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    address = type_an_address(page)
    patience = connection.settings_dict["OPTIONS"]["timeout"]
    connection.settings_dict["OPTIONS"]["timeout"] = 0.1
    try:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=patience)) as other:
            other.execute("BEGIN IMMEDIATE")
            complete_button(page).click()
            expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
            other.rollback()
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = patience
    check_accessibility(page)
    expect(address).to_have_value("elena.new@families.example")
    assert not Registration.objects.exists()
    complete(page)
    shown_pin(page)
    assert Registration.objects.count() == 1


def test_registration_by_mouse_stays_within_the_click_limit(
    desk_page: Page, practice: Practice, patient: Patient, mother: Contact
) -> None:
    """Count the clicks from the dashboard to the PIN. The second time for a patient takes fewer."""
    assert clicks_to_the_pin(desk_page) == MOST_CLICKS
    Practice.objects.update(usual_identification=Identification.KNOWN)
    assert clicks_to_the_pin(desk_page) == 4


def clicks_to_the_pin(page: Page) -> int:
    clicks = 0

    def click(what: Locator) -> None:
        nonlocal clicks
        what.click()
        clicks += 1

    page.goto(page.url.split("/patients/")[0])
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    click(page.get_by_role("combobox", name="Quick search"))
    page.keyboard.type("lop sof")
    click(page.get_by_role("option", name="García-López, Sofía"))
    click(page.locator("#register-patient"))
    window = page.get_by_role("dialog", name="Patient Registration")
    identified = window.get_by_label("How did you verify identity?")
    if not identified.input_value():
        click(identified)
        page.keyboard.press("Escape")
        identified.select_option("Photo ID")
        clicks += 1  # the option itself, which the browser draws outside the page
    risk = window.get_by_label("The family understands that email and texts")
    if not risk.is_checked():
        click(risk)
    click(complete_button(page))
    shown_pin(page)
    return clicks
