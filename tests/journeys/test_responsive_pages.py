"""The staff pages at 400% zoom, and the family pages at every size, in both themes: everything is visible and usable."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Practice
from tests import factories, signup_steps
from tests.journeys.conftest import (
    SIZES,
    check_accessibility,
    check_at_every_size,
    check_dark_theme,
    check_nothing_covered,
    check_stillness,
    check_width,
)
from tests.journeys.desk_steps import answer_required_questions


def test_staff_pages_fit_and_work_at_400_percent_zoom(
    desk_page: Page, portal: str, patient: Patient, mother: Contact
) -> None:
    page = desk_page
    page.set_viewport_size(SIZES[-1])
    page.emulate_media(reduced_motion="reduce")  # so that no check runs during a scroll animation
    account = f"{portal}/patients/{patient.pk}/"
    for address in (portal, f"{portal}/patients/?last_name=garcia", f"{portal}/patients/quick/?q=garcia", account):
        page.goto(address)
        check_width(page)
        check_nothing_covered(page)

    page.goto(portal)
    page.get_by_role("combobox", name="Quick search").fill("garcia")
    expect(page.get_by_role("option", name="García-López, Sofía")).to_be_in_viewport(ratio=1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(account)

    page.get_by_role("button", name="Register Patient").click()
    expect(page.get_by_role("dialog", name="Patient Registration")).to_be_visible()
    check_width(page)
    check_nothing_covered(page)
    check_stillness(page)
    answer_required_questions(page)
    check_accessibility(page)
    check_dark_theme(page)
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("heading", name="Registration completed")).to_be_visible()
    check_width(page)
    check_nothing_covered(page)
    check_accessibility(page)
    check_dark_theme(page)
    expect(page.get_by_role("group", name="Registration PIN")).to_be_visible()


PATHS = {
    "visitor": [
        "/start/?practice={slug}",
        "/start/?lang=es",
        "/start/sign-in/",
        "/start/help-signing-in/",
        "/start/request-access/",
        "/start/terms/",
        "/family/nowhere/",
    ],
    "after the PIN": ["/start/about-you/", "/start/sign-in-details/"],
    "account": ["/family/", "/start/", "/family/profile/", "/accounts/2fa/", "/accounts/2fa/webauthn/"],
}


@pytest.mark.parametrize("client_state", PATHS)
def test_family_page_is_accessible_at_every_size(
    page: Page, portal: str, practice: Practice, patient: Patient, actor: Actor, client: Client, client_state: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    if client_state == "after the PIN":
        signup_steps.enter_pin(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
        signup_steps.enter_about_you(client)
    elif client_state == "account":
        account = factories.an_account()
        factories.an_association(account, patient)
        client.force_login(account.user)
    if client_state != "visitor":
        page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": portal}])
    for path in PATHS[client_state]:
        page.goto(portal + path.format(slug=practice.slug))
        assert path.partition("?")[0] in page.url
        check_at_every_size(page)
