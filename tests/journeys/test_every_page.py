"""Every page of the desk, at every size, in both themes: axe finds nothing, nothing is cut off, no script is needed."""

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
from tests.journeys.test_register_a_patient import answer_what_is_always_asked

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
# With one of everything behind them: an account, a registration, a request, a message that failed.
ABOUT = [
    "/",
    "/patients/{patient}/",
    "/activity/",
    "/matches/",
    "/matches/{asked}/",
    "/matches/{asked}/match/?patient={patient}",
    "/matches/{asked}/refuse/",
    "/matches/{asked}/ask/",
    "/registrations/{registration}/revoke/",
    "/registrations/{registration}/send-again/",
    "/associations/{association}/remove/",
    "/associations/{association}/reset-sign-in/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/reauthenticate/",
]
# Sent as they are, nothing in them is right: the page, and the words under which the summary stands.
EMPTY = {
    "/patients/?last_name=%3F": "Nothing was searched yet.",
    "/patients/{brother}/register/": "Nothing was issued or sent.",
    "/patients/{patient}/proxy/": "Nothing was issued or sent.",
    "/patients/{brother}/decline/": "Nothing was saved yet.",
    "/registrations/{registration}/revoke/": "Nothing was revoked yet.",
    "/associations/{association}/remove/": "Nothing was removed yet.",
    "/associations/{association}/reset-sign-in/": "Nothing was removed yet.",
    "/matches/{asked}/refuse/": "Nothing was said to the family yet.",
    "/accounts/password/change/": "Nothing was saved yet.",
    "/accounts/reauthenticate/": "Nothing was done yet.",
}


def in_parts(pages: Sequence[Any], count: int) -> list[Any]:
    """Deal the pages out to so many tests of about the same length, which run side by side."""
    return [pytest.param(pages[part::count], id=f"{part + 1} of {count}") for part in range(count)]


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_a_tour_before_the_sign_in(page: Page, portal: str, practice: Practice, path: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(portal + path)
    check_at_every_size(page)


@pytest.mark.parametrize("paths", in_parts(PAGES, 4))
def test_a_tour(
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
def something_of_each(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> dict[str, object]:
    """The keys of what the pages are about, by the names that stand in their addresses."""
    brother = factories.a_patient(practice, "Mateo", mrn="MG-2")
    declined = factories.a_patient(practice, "Luz", mrn="MG-3")
    for each in (brother, declined):
        factories.a_contact(each)
    registration = issue_registration(patient, mother, actor=actor, delivery=signup_steps.by_email())
    account = factories.an_account("maria@families.example", "María", "Prado")
    declines.decline(declined, reason="Rings instead", ask_again_on=timezone.localdate(), actor=actor)
    failed = issue_registration(brother, brother.contacts.get(), actor=actor, delivery=signup_steps.by_email())
    assert failed.message
    OutgoingMessage.objects.filter(pk=failed.message.pk).update(
        state="failed", due_at=None, outcome="The mail server refused the address.", address_refused=True
    )
    return {
        "patient": patient.pk,
        "brother": declined.pk,
        "registration": registration.pk,
        "association": factories.an_association(account, brother, relationship="guardian").pk,
        "asked": factories.a_self_registration(practice, account).pk,
    }


@pytest.fixture
def manager_page(page: Page, practice: Practice, portal: str, sign_in: Callable[[Page, User], None]) -> Page:
    sign_in(page, factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes"))
    page.emulate_media(reduced_motion="reduce")
    return page


@pytest.mark.parametrize("paths", in_parts(ABOUT, 3))
def test_with_something_behind_them(
    manager_page: Page, portal: str, something_of_each: dict[str, object], paths: list[str]
) -> None:
    for path in paths:
        manager_page.goto(portal + path.format(**something_of_each))
        expect(manager_page.get_by_role("heading", level=1)).to_be_visible()
        expect(manager_page.get_by_role("heading", name="Page not found")).to_be_hidden()
        check_quick_search(manager_page)
        check_at_every_size(manager_page, BOTH_WIDTHS)


@pytest.mark.parametrize("forms", in_parts(list(EMPTY.items()), 2))
def test_what_is_wrong_is_summed_up_at_the_top_and_has_the_focus(
    manager_page: Page, portal: str, something_of_each: dict[str, object], forms: list[tuple[str, str]]
) -> None:
    page = manager_page
    for path, said in forms:
        page.goto(portal + path.format(**something_of_each))
        if "?" not in path:
            page.locator("main form[method=post]").first.evaluate(
                "form => { form.noValidate = true; form.requestSubmit() }"
            )
        check_summary(page, said)
        check_at_every_size(page, BOTH_WIDTHS)


def test_what_is_wrong_at_the_sign_in_is_summed_up_at_the_top_and_has_the_focus(
    page: Page, portal: str, practice: Practice
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{portal}/accounts/login/")
    page.get_by_label("Email").fill("nobody@maplegrove.example")
    page.get_by_label("Password").fill("a wrong one")
    page.keyboard.press("Enter")
    check_summary(page, "You are not signed in yet.")
    check_at_every_size(page, BOTH_WIDTHS)


def check_quick_search(page: Page) -> None:
    """It is a key away, from wherever on the page one is and types nothing; where one proves who one is there is none."""
    if page.locator(".centered-page").count():
        return
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Quick search")).to_be_focused()


def check_summary(page: Page, said: str) -> None:
    """It says what is wrong, and each of its lines leads to a field that is marked, with its own words beside it."""
    summary = page.get_by_role("alert").filter(has_text=said)
    expect(summary).to_be_focused()
    for line in summary.get_by_role("link").all():
        field = page.locator(str(line.get_attribute("href")))
        expect(field).to_be_visible()
        words = (line.text_content() or "").partition(": ")[2]
        assert words in field.evaluate(DESCRIBED), f"{page.url}: {words}"


# What a screen reader tells with a field: its own description, and that of the group it stands in.
DESCRIBED = """field => [field, field.closest("fieldset")].flatMap(each => (each?.getAttribute("aria-describedby") ?? "").split(" "))
    .map(id => document.getElementById(id)?.textContent ?? "").join(" ")"""


def test_the_practice_is_chosen_in_the_navigation_panel(
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


def test_the_main_job_without_javascript(
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
        answer_what_is_always_asked(page)
        page.get_by_role("textbox", name="Email Address").fill("")
        page.get_by_role("button", name="Complete Registration").click()
        expect(page.get_by_role("alert")).to_contain_text("Type the e-mail address")
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
