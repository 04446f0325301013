"""Check every page of the desk at every size and in both themes: axe finds nothing, and nothing is cut off."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Membership, Practice, User
from registration.issuing import declines
from tests import factories, signup_steps
from tests.factories import issue_registration
from tests.journeys.conftest import SIZES, check_at_every_size
from tests.journeys.desk_steps import answer_required_questions

PAGES = [
    "/",
    "/patients/",
    "/patients/?last_name=garcia",
    "/patients/?last_name=nobody",
    "/patients/?date_of_birth=2/30/2019",
    "/patients/?search_for=contact&last_name=garcia",
    "/patients/quick/",
    "/patients/quick/?q=garcia",
    "/patients/quick/?q=sofia+garcai",
    "/patients/{patient}/",
    "/patients/{patient}/register/",
    "/patients/{patient}/proxy/",
    "/patients/{patient}/decline/",
    "/matches/",
    "/minor-age-limit/",
    "/activity/",
    "/demo/mailbox/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/totp/activate/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/nowhere/",
]


BOTH_WIDTHS = SIZES[:2]
# These pages need records: an account, a registration, a request, and a message that failed.
PAGES_WITH_RECORDS = [
    "/",
    "/patients/{patient}/",
    "/activity/",
    "/matches/",
    "/matches/{self_registration}/",
    "/matches/{self_registration}/match/?patient={patient}",
    "/matches/{self_registration}/refuse/",
    "/matches/{self_registration}/ask/",
    "/registrations/{registration}/revoke/",
    "/registrations/{registration}/send-again/",
    "/associations/{association}/remove/",
    "/associations/{association}/reset-sign-in/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/reauthenticate/",
]
# The title of the error summary after each form is submitted without an answer.
SUMMARY_TITLES = {
    "/patients/?last_name=%3F": "Check what you entered:",
    "/patients/{declined}/register/": "Nothing was issued or sent. Fix the following:",
    "/patients/{patient}/proxy/": "Nothing was issued or sent. Fix the following:",
    "/patients/{declined}/decline/": "Nothing was saved. Fix the following:",
    "/registrations/{registration}/revoke/": "Nothing was revoked. Fix the following:",
    "/associations/{association}/remove/": "Nothing was removed. Fix the following:",
    "/associations/{association}/reset-sign-in/": "Nothing was removed. Fix the following:",
    "/matches/{self_registration}/refuse/": "Nothing was saved. Fix the following:",
    "/accounts/password/change/": "Nothing was saved. Fix the following:",
    "/accounts/reauthenticate/": "Nothing was saved. Fix the following:",
}


def in_parts(pages: Sequence[Any], count: int) -> list[Any]:
    """Split the pages into `count` parametrized tests of about the same length, so that they can run in parallel."""
    return [pytest.param(pages[part::count], id=f"{part + 1} of {count}") for part in range(count)]


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_page_before_sign_in_is_accessible_at_every_size(
    page: Page, portal: str, practice: Practice, path: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(portal + path)
    check_at_every_size(page)


@pytest.mark.parametrize("paths", in_parts(PAGES, 4))
def test_page_is_accessible_at_every_size(
    page: Page,
    portal: str,
    practice: Practice,
    patient: Patient,
    mother: Contact,
    sign_in: Callable[[Page, User], None],
    paths: list[str],
) -> None:
    factories.a_contact(patient, "Pablo", "López", has_authority=False, email="", phone="")
    manager = factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    Membership.objects.create(
        user=manager, practice=factories.a_practice("Harbor Street"), role=Membership.Role.FRONT_DESK
    )
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, manager)
    for path in paths:
        page.goto(portal + path.format(patient=patient.pk))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        check_quick_search(page)
        check_at_every_size(page)


@pytest.fixture
def record_ids(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> dict[str, object]:
    """Create one record of each kind. Return their primary keys by the names in the paths above."""
    brother = factories.a_patient(practice, "Mateo", mrn="MG-2")
    declined = factories.a_patient(practice, "Luz", mrn="MG-3")
    for child in (brother, declined):
        factories.a_contact(child)
    registration = issue_registration(patient, mother, actor=actor, delivery=signup_steps.by_email())
    account = factories.an_account("maria@families.example", "María", "Prado")
    declines.decline(declined, reason="Prefers to call", ask_again_on=timezone.localdate(), actor=actor)
    failed = issue_registration(brother, brother.contacts.get(), actor=actor, delivery=signup_steps.by_email())
    assert failed.message
    OutgoingMessage.objects.filter(pk=failed.message.pk).update(
        state="failed", due_at=None, outcome="The mail server refused the address.", address_refused=True
    )
    return {
        "patient": patient.pk,
        "declined": declined.pk,
        "registration": registration.pk,
        "association": factories.an_association(account, brother, relationship="guardian").pk,
        "self_registration": factories.a_self_registration(practice, account).pk,
    }


@pytest.fixture
def manager_page(page: Page, practice: Practice, portal: str, sign_in: Callable[[Page, User], None]) -> Page:
    sign_in(page, factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes"))
    page.emulate_media(reduced_motion="reduce")
    return page


@pytest.mark.parametrize("paths", in_parts(PAGES_WITH_RECORDS, 3))
def test_page_with_records_is_accessible_at_both_widths(
    manager_page: Page, portal: str, record_ids: dict[str, object], paths: list[str]
) -> None:
    for path in paths:
        manager_page.goto(portal + path.format(**record_ids))
        expect(manager_page.get_by_role("heading", level=1)).to_be_visible()
        expect(manager_page.get_by_role("heading", name="Page not found")).to_be_hidden()
        check_quick_search(manager_page)
        check_at_every_size(manager_page, BOTH_WIDTHS)


@pytest.mark.parametrize("forms", in_parts(list(SUMMARY_TITLES.items()), 2))
def test_invalid_form_is_summed_up_in_a_focused_alert(
    manager_page: Page, portal: str, record_ids: dict[str, object], forms: list[tuple[str, str]]
) -> None:
    page = manager_page
    for path, title in forms:
        page.goto(portal + path.format(**record_ids))
        if "?" not in path:
            page.locator("main form[method=post]").first.evaluate(
                "form => { form.noValidate = true; form.requestSubmit() }"
            )
        check_summary(page, title)
        check_at_every_size(page, BOTH_WIDTHS)


def test_failed_sign_in_is_summed_up_in_a_focused_alert(page: Page, portal: str, practice: Practice) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{portal}/accounts/login/")
    page.get_by_label("Email").fill("nobody@maplegrove.example")
    page.get_by_label("Password").fill("a wrong one")
    page.keyboard.press("Enter")
    check_summary(page, "You are not signed in. Fix the following:")
    check_at_every_size(page, BOTH_WIDTHS)


def check_quick_search(page: Page) -> None:
    """Check that the slash key opens quick search, except on the centered pages, such as signing in again."""
    if page.locator(".centered-page").count():
        return
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Quick search")).to_be_focused()


def check_summary(page: Page, title: str) -> None:
    """Check that the error summary has the focus and that each link leads to a field described by the same error."""
    summary = page.get_by_role("alert").filter(has_text=title)
    expect(summary).to_be_focused()
    for link in summary.get_by_role("link").all():
        field = page.locator(str(link.get_attribute("href")))
        expect(field).to_be_visible()
        # A link contains a label, a colon unless the label is a question, and the error.
        error = re.split(r": |\? ", (link.text_content() or "").strip(), maxsplit=1)[1]
        assert error in field.evaluate(DESCRIPTION), f"{page.url}: {error}"


# A screen reader announces the description of a field and that of its group.
DESCRIPTION = """field => [field, field.closest("fieldset")]
    .flatMap(element => (element?.getAttribute("aria-describedby") ?? "").split(" "))
    .map(id => document.getElementById(id)?.textContent ?? "").join(" ")"""


def test_practice_is_switched_in_the_navigation_panel(
    page: Page, portal: str, practice: Practice, patient: Patient, sign_in: Callable[[Page, User], None]
) -> None:
    manager = factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    other = factories.a_practice("Harbor Street")
    Membership.objects.create(user=manager, practice=other, role=Membership.Role.FRONT_DESK)
    sign_in(page, manager)
    page.get_by_label("Practice", exact=True).select_option("Harbor Street")
    page.get_by_role("button", name="Switch practice").click()
    expect(page.get_by_role("link", name="Harbor Street")).to_be_visible()
    expect(page.get_by_role("link", name="Activity")).to_be_hidden()
    page.goto(f"{portal}/patients/{patient.pk}/")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_registration_and_revocation_work_without_javascript(
    browser: Browser,
    portal: str,
    front_desk: User,
    patient: Patient,
    mother: Contact,
    sign_in: Callable[[Page, User], None],
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, front_desk)
        page.get_by_role("link", name="Patient Administration").click()
        page.get_by_label("Last name").fill("garcia")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Select").click()
        page.get_by_role("button", name="Register Patient").click()
        expect(page.get_by_role("heading", name="Patient Registration")).to_be_visible()
        answer_required_questions(page)
        page.get_by_role("textbox", name="Email Address").fill("")
        page.get_by_role("button", name="Complete Registration").click()
        expect(page.get_by_role("alert")).to_contain_text("Enter the email address")
        page.get_by_role("textbox", name="Email Address").fill("elena@families.example")
        page.get_by_role("button", name="Complete Registration").click()
        pin = page.get_by_role("group", name="Registration PIN").inner_text()
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", re.sub(r"\s", "", pin))
        page.get_by_role("link", name="Done").click()
        expect(page.get_by_role("region", name="Registrations")).to_contain_text("Elena García")
        page.get_by_role("link", name="Revoke").click()
        page.get_by_label("Reason").fill("sent to a wrong address")
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("has been revoked.")).to_be_visible()
