"""Merge Match in a browser, found by label and role: the queue, the comparison, the match, and the emails to the family."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from patients.models import Contact, Patient
from portal.models import Practice
from registration.models import Association, SelfRegistration
from tests import factories
from tests.factories import a_self_registration, an_account
from tests.journeys.conftest import check_accessibility

SHOTS = os.environ.get("SHOTS")  # a folder for screenshots, if set


def look_at(page: Page, name: str) -> None:
    """Check that axe finds nothing and that nothing is too wide. Take a screenshot if SHOTS is set."""
    check_accessibility(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is {overflow} pixels too wide"
    if SHOTS:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)


@pytest.fixture(params=[1280, 375])
def at_work(request: pytest.FixtureRequest, desk_page: Page) -> Page:
    desk_page.set_viewport_size({"width": request.param, "height": 800})
    return desk_page


@pytest.fixture
def pending(practice: Practice, patient: Patient, mother: Contact) -> SelfRegistration:
    """Elena requests access for Sofía and, two days ago with a mistyped date of birth, for Mateo."""
    mateo = factories.a_patient(practice, "Mateo", birth_date=date(2021, 8, 2), mrn="MG-2", street="12 Elm Street")
    factories.a_contact(mateo)
    elena = an_account()
    a_self_registration(
        practice,
        elena,
        "Matteo",
        birth_date=date(2021, 2, 8),
        street="12 Elm St.",
        postal_code="55311",
        created_at=timezone.now() - timedelta(days=2),
    )
    return a_self_registration(practice, elena)


def open_queue(page: Page) -> None:
    page.reload()  # to update the number in the menu
    menu = page.get_by_text("Menu", exact=True)
    if page.viewport_size and page.viewport_size["width"] < 768:
        menu.locator("..").click()
    panel = page.get_by_role("navigation", name="Navigation Panel")
    panel.get_by_role("link", name="Merge Match 2 waiting", exact=True).click()
    expect(page.get_by_role("heading", name="Merge Match", level=1)).to_be_visible()


def compare(page: Page, child: str) -> None:
    page.get_by_role("row", name=child).get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name=f"Which patient is {child}?")).to_be_visible()


def test_strong_match_needs_no_reason_and_a_different_one_does(
    at_work: Page, pending: SelfRegistration, patient: Patient
) -> None:
    page = at_work
    open_queue(page)
    look_at(page, "queue")
    compare(page, "Sofia Garcia Lopez")
    look_at(page, "compare")
    sofia = page.get_by_role("article", name="García-López, Sofía")
    expect(sofia.get_by_text("Strong match")).to_be_visible()
    sofia.get_by_role("radio", name="Full").check()
    sofia.get_by_role("button", name="Match").click()
    expect(page.get_by_text("Elena García now has access to the record of García-López, Sofía.")).to_be_visible()

    compare(page, "Matteo Garcia Lopez")
    look_at(page, "compare-differs")
    page.get_by_role("article", name="García-López, Mateo").get_by_role("button", name="Match…").click()
    expect(page.get_by_role("heading", name="Match anyway?")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="month and day switched")).to_be_visible()
    look_at(page, "confirm")
    page.get_by_role("button", name="Match").click()
    expect(page.get_by_role("alert")).to_contain_text("Explain why this is the right patient")
    look_at(page, "confirm-reason")
    page.get_by_label("Reason").fill("Called the mother: born on August 2.")
    page.get_by_role("button", name="Match").click()
    expect(page.get_by_text("No requests waiting.")).to_be_visible()
    look_at(page, "queue-empty")
    page.get_by_role("link", name="Decided in the last 30 days").click()
    expect(page.get_by_role("row", name="Matteo").get_by_text("Matched")).to_be_visible()
    look_at(page, "decided")
    assert Association.objects.count() == 2

    page.goto(page.url.split("/matches")[0] + "/demo/mailbox/")
    messages = page.get_by_role("region", name="Messages").get_by_role("link")
    for _ in range(60):  # the worker sends them one by one, and the mailbox page does not update itself
        if messages.count() == 2:
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(messages).to_have_count(2)


def test_question_another_patient_refusal_and_reopening(at_work: Page, pending: SelfRegistration) -> None:
    page = at_work
    open_queue(page)
    compare(page, "Sofia Garcia Lopez")
    page.get_by_role("link", name="Ask for more information").click()
    expect(page.get_by_role("heading", name="Ask Elena García for more information")).to_be_visible()
    look_at(page, "ask")
    page.get_by_role("radio", name="Write your own question").check()
    page.get_by_role("button", name="Send question").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your question.")
    page.get_by_label("Your question", exact=True).fill("Does she have a middle name?")
    page.get_by_role("button", name="Send question").click()
    row = page.get_by_role("row", name="Sofia Garcia Lopez")
    expect(row.get_by_text("Waiting for family")).to_be_visible()

    compare(page, "Sofia Garcia Lopez")
    expect(page.get_by_text("Does she have a middle name?")).to_be_visible()
    page.get_by_label("Last name").fill("garcia")
    page.get_by_label("Date of birth").fill("8/2/2021")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Compare")).to_have_count(1)
    look_at(page, "another-patient")
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("article").first).to_contain_text("García-López, Mateo")
    look_at(page, "chosen")

    page.get_by_role("link", name="Not our patient").click()
    look_at(page, "refuse")
    page.get_by_label("Reason").fill("No one with that name.")
    page.get_by_role("button", name="Mark as not our patient").click()
    expect(page.get_by_text("Marked as not our patient. The family will be notified by email.")).to_be_visible()
    page.get_by_role("link", name="Decided in the last 30 days").click()
    page.get_by_role("link", name="Sofia Garcia Lopez").click()
    look_at(page, "refused")
    page.get_by_role("button", name="Reopen request").click()
    expect(page.get_by_text("Request reopened. It is back in the queue.")).to_be_visible()
    expect(page.get_by_role("article", name="García-López, Sofía")).to_be_visible()
