"""The main task in a browser, by label and role only: from the search to the message and the PIN sheet."""

import io
import re
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect
from pypdf import PdfReader
from pytest_django import Settings

from patients.models import Contact, Patient
from portal.models import AuditEvent, Practice, User
from registration.models import Identification, Registration
from tests.journeys.conftest import check_accessibility
from tests.journeys.desk_steps import (
    answer_required_questions,
    complete,
    expect_accepted,
    open_account,
    open_window,
    shown_pin,
)


def sheet_text(page: Page, link: str = "Print PIN") -> str:
    """Return the text of the PIN sheet, fetched by the desk's own browser."""
    href = page.get_by_role("link", name=link).first.get_attribute("href")
    assert href
    response = page.request.get(page.url.split("/patients/")[0] + href)
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["cache-control"] == "no-store"
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(response.body())).pages)


def open_message(page: Page) -> None:
    page.get_by_role("link", name="Demo mailbox").click()
    expect(page.get_by_role("heading", name="Demo mailbox")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("region", name="Messages").get_by_role("link").click()
    expect(page.get_by_text("Demo mailbox / Message")).to_be_visible()
    check_accessibility(page)


def test_pin_by_email_matches_the_printed_sheet(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    expect(page.get_by_role("radio", name="PIN", exact=True)).to_be_checked()
    expect(page.get_by_role("radio", name="Email Address")).to_be_checked()
    expect(page.get_by_role("textbox", name="Email Address")).to_have_value("elena@families.example")
    complete(page)
    pin = shown_pin(page)

    assert pin in sheet_text(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.get_by_role("button", name="Register Patient").evaluate("e => e === document.activeElement")
    expect_accepted(page)
    assert pin not in page.content()

    open_message(page)
    expect(page.frame_locator("iframe").get_by_text(pin)).to_be_visible()
    page.get_by_role("link", name="Plain text").click()
    expect(page.get_by_text(pin)).to_be_visible()


def test_print_checkbox_opens_the_sheet(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_label("Print PIN").check()
    sheet = re.compile(r"/registrations/[0-9a-f-]+/sheet\.pdf$")
    with (
        page.context.expect_page(),
        page.context.expect_event("request", lambda request: sheet.search(request.url) is not None),
    ):
        complete(page)
    expect(page.get_by_role("link", name="Print PIN")).to_be_visible()
    assert AuditEvent.objects.filter(action="registration_issued").count() == 1


def test_pin_by_text_message_arrives(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_role("radio", name="Text Message").check()
    expect(page.get_by_label("Cell phone number")).to_have_value("(612) 555-0161")
    page.get_by_label("Cell Carrier").select_option("Verizon (until 03/31/2027)")
    expect(page.get_by_text("Verizon will stop delivering our texts (ends 03/31/2027).")).to_be_visible()
    complete(page)
    pin = shown_pin(page)
    page.get_by_role("link", name="Done").click()
    expect_accepted(page)
    open_message(page)
    expect(page.get_by_text(pin)).to_be_visible()
    expect(page.get_by_text("6125550161@vtext.com")).to_be_visible()


def test_pin_in_person_sends_no_message(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_role("radio", name="Do not send PIN").check()
    complete(page)
    pin = shown_pin(page)
    assert pin in sheet_text(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Given in person; nothing was sent.")).to_be_visible()
    page.get_by_role("link", name="Demo mailbox").click()
    expect(page.get_by_text("No messages yet.")).to_be_visible()


def test_verification_question_sends_a_link_without_the_answer(
    desk_page: Page, patient: Patient, mother: Contact
) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_role("radio", name="Do not send PIN").check()
    page.get_by_role("radio", name="Verification Question").check()
    expect(page.get_by_role("radio", name="Email Address")).to_be_checked()
    expect(page.get_by_role("radio", name="Do not send PIN")).to_be_hidden()
    page.get_by_label("Question", exact=True).select_option("What is the name of the family's first pet?")
    page.get_by_label("Answer").fill("Rex")
    check_accessibility(page)
    complete(page)
    expect(page.get_by_text("The verification question is set.")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("region", name="Account Settings").get_by_text("Verification question set")).to_be_visible()
    expect(page.get_by_role("region", name="Registrations").get_by_text("Accepted", exact=True)).to_be_visible()
    open_message(page)
    page.get_by_role("link", name="Plain text").click()
    expect(page.get_by_text("What is the name of the family's first pet?")).to_be_visible()
    expect(page.get_by_text("#q=")).to_be_visible()
    assert "Rex" not in page.content()


def test_invalid_input_is_reported_twice_and_kept(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_role("radio", name="Someone else").check()
    page.get_by_label("Name", exact=True).fill("Rosa Prado")
    page.get_by_role("radio", name="Text Message").check()
    page.get_by_label("Cell phone number").fill("555-12")
    page.get_by_label("Cell Carrier").select_option("AT&T (ended 06/17/2025)")
    expect(page.get_by_text("no longer delivers our texts (ended 06/17/2025)")).to_be_visible()
    page.get_by_role("button", name="Complete Registration").click()

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Nothing was issued or sent.")
    check_accessibility(page)
    assert page.locator("#id_cell_phone_error").inner_text().startswith("This is not a US phone number.")
    assert "Select how you verified" in page.locator("#id_identified_by_error").inner_text()
    expect(page.get_by_label("Cell Carrier")).to_have_value(re.compile(r"\d+"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("Rosa Prado")
    expect(page.get_by_label("Cell phone number")).to_have_value("555-12")
    summary.get_by_role("link", name="Cell phone number").click()
    expect(page.get_by_label("Cell phone number")).to_be_focused()
    assert not Registration.objects.exists()
    assert not AuditEvent.objects.filter(action="registration_issued").exists()


def test_registration_completes_after_a_network_failure(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.get_by_role("textbox", name="Email Address").fill("elena.new@families.example")
    page.context.set_offline(True)
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("alert")).to_contain_text("The server could not be reached")
    page.context.set_offline(False)
    expect(page.get_by_role("textbox", name="Email Address")).to_have_value("elena.new@families.example")
    complete(page)
    assert Registration.objects.count() == 1


def test_escape_closes_the_window_and_returns_the_focus(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Register Patient")).to_be_focused()


def test_address_follows_the_selected_recipient(
    desk_page: Page, patient: Patient, mother: Contact, father: Contact
) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    address = page.get_by_role("textbox", name="Email Address")
    page.get_by_role("radio", name="Pablo López").check()
    expect(address).to_have_value("pablo@families.example")
    address.fill("pablo.work@families.example")
    page.get_by_role("radio", name="Elena García").check()
    expect(address).to_have_value("elena@families.example")


def test_window_stays_open_while_submitting(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)

    held: list[Route] = []
    answer_required_questions(page)
    page.route("**/register/", lambda route: held.append(route))
    page.get_by_role("button", name="Complete Registration").click()
    while not held:  # the request is held until this test continues it
        page.wait_for_timeout(20)
    for _ in range(3):
        page.keyboard.press("Escape")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_role("heading", name="Registration completed")).to_be_visible()
    assert shown_pin(page)


def test_live_update_keeps_the_focus(desk_page: Page, patient: Patient, mother: Contact, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1  # no server there, so the message waits
    page = desk_page
    open_account(page)
    open_window(page)
    complete(page)
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#announcements")).to_contain_text("Waiting to try again")
    expect(page.get_by_text("Waiting to try again", exact=True)).to_be_visible()
    page.get_by_role("link", name="Revoke").focus()
    with page.expect_response(lambda response: "seen=" in response.url) as answered:
        pass
    assert answered.value.status == 204
    expect(page.get_by_role("link", name="Revoke")).to_be_focused()


def test_stale_page_issues_nothing(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_account(page)
    open_window(page)
    page.context.clear_cookies(name="csrf")
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was issued or sent. Reload the page")
    assert not Registration.objects.exists()


def test_window_works_as_a_page(desk_page: Page, patient: Patient, mother: Contact, father: Contact) -> None:
    page = desk_page
    page.goto(f"{page.url}patients/{patient.pk}/register/")
    address = page.get_by_role("textbox", name="Email Address")
    address.fill("")
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("radio", name="Pablo López").check()
    expect(address).to_have_value("pablo@families.example")
    complete(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()


def test_registration_by_keyboard_needs_one_checkbox_once(desk_page: Page, patient: Patient, mother: Contact) -> None:
    """The first time, one checkbox is needed. The second time, Enter is enough."""
    Practice.objects.update(usual_identification=Identification.KNOWN)
    page = desk_page
    page.goto(page.url + "patients/")
    page.get_by_label("Last name").focus()
    page.keyboard.type("garcia")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Select")).to_be_visible()
    tab_to(page, lambda: page.get_by_role("link", name="Select").evaluate("e => e === document.activeElement"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Register Patient")).to_be_visible()
    page.wait_for_load_state()  # without its scripts the button opens a page of its own
    tab_to(
        page, lambda: page.get_by_role("button", name="Register Patient").evaluate("e => e === document.activeElement")
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="PIN", exact=True)).to_be_focused()
    risk = page.get_by_label("The family understands that email and texts")
    tab_to(page, lambda: risk.evaluate("e => e === document.activeElement"))
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Registration completed")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Register Patient")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="PIN", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Registration completed")).to_be_focused()
    assert Registration.objects.count() == 2


def tab_to(page: Page, there: Callable[[], bool]) -> None:
    for _ in range(40):
        if there():
            return
        page.keyboard.press("Tab")
    pytest.fail("Tab does not lead there")


def test_idle_user_is_warned_before_the_session_ends(
    desk_page: Page, patient: Patient, mother: Contact, front_desk: User
) -> None:
    page = desk_page
    page.clock.install()
    page.goto(f"{page.url}patients/{patient.pk}/")
    warning = page.get_by_text("will be signed out in two minutes")
    page.clock.fast_forward("27:00")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("01:31")
    expect(warning).to_be_visible()
    check_accessibility(page)
    page.keyboard.press("Shift")
    expect(warning).to_be_hidden()
    open_window(page)
    page.clock.fast_forward("28:31")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("will be signed out")
    page.keyboard.press("Escape")
    expect(warning).to_be_hidden()
    expect(page.get_by_role("dialog")).to_be_visible()
    Session.objects.all().delete()  # as after 30 idle minutes
    page.clock.fast_forward("31:00")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
