"""Do the front desk's steps in a browser, from the search to the completed registration."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import check_accessibility

PIN = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")


def open_account(page: Page) -> None:
    """Go from the Navigation Panel through the search to the Patient Account page: steps 1 to 3."""
    page.get_by_role("navigation", name="Navigation Panel").get_by_role("link", name="Patient Administration").click()
    expect(page.get_by_role("heading", name="Patient Administration")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("radio", name="Account").check()
    page.get_by_label("Last name").fill("lopez")
    page.get_by_label("Date of birth").fill("Mar 5 2019")
    page.get_by_label("Search by").select_option("Unregistered")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="1 patient")).to_be_visible()
    check_accessibility(page)
    page.get_by_role("link", name="Select").click()
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()
    check_accessibility(page)


def open_window(page: Page) -> None:
    """Open the Patient Registration window: step 4."""
    page.get_by_role("button", name="Register Patient").click()
    expect(page.get_by_role("dialog", name="Patient Registration")).to_be_visible()
    check_accessibility(page)


def answer_required_questions(page: Page) -> None:
    """Select how identity was verified and, if a message is sent, acknowledge the risk."""
    page.get_by_label("How did you verify identity?").select_option("Photo ID")
    risk = page.get_by_label("The family understands that email and texts")
    if risk.is_visible():
        risk.check()


def complete(page: Page) -> None:
    answer_required_questions(page)
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("heading", name="Registration completed")).to_be_visible()
    check_accessibility(page)


def shown_pin(page: Page) -> str:
    text = page.get_by_role("group", name="Registration PIN").inner_text()
    found = PIN.search(re.sub(r"\s", "", text))
    assert found, text
    return found[0]


def expect_accepted(page: Page) -> None:
    """Wait, without a reload, until the status is Pending and the message is accepted: step 5."""
    settings = page.get_by_role("region", name="Account Settings")
    expect(settings.get_by_text("Pending")).to_be_visible()
    expect(settings.get_by_text("PIN already assigned")).to_be_visible()
    expect(page.get_by_role("region", name="Registrations").get_by_text("Accepted", exact=True)).to_be_visible()
    check_accessibility(page)
