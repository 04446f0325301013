"""Every page of the desk, at every size, in both themes: axe finds nothing, nothing is cut off, no script is needed."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from patients.models import Contact, Patient
from portal.models import Membership, Practice, User
from tests import people
from tests.journeys.conftest import check_at_every_size
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
    "/age-limit/",
    "/activity/",
    "/demo/mailbox/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/totp/activate/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/nowhere/",
]


def test_a_tour(
    page: Page,
    portal: str,
    practice: Practice,
    patient: Patient,
    mother: Contact,
    sign_in: Callable[[Page, User], None],
) -> None:
    people.a_contact(patient, "Pablo", "López", has_authority=False, email="", phone="")
    manager = people.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    Membership.objects.create(
        user=manager, practice=people.a_practice("Harbor Street"), role=Membership.Role.FRONT_DESK
    )
    page.emulate_media(reduced_motion="reduce")
    for path in ("/accounts/login/", "/accounts/password/reset/"):
        page.goto(portal + path)
        check_at_every_size(page)
    sign_in(page, manager)
    for path in PAGES:
        page.goto(portal + path.format(patient=patient.pk))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        check_at_every_size(page)


def test_the_practice_is_chosen_in_the_navigation_panel(
    page: Page, portal: str, practice: Practice, patient: Patient, sign_in: Callable[[Page, User], None]
) -> None:
    manager = people.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    other = people.a_practice("Harbor Street")
    Membership.objects.create(user=manager, practice=other, role=Membership.Role.FRONT_DESK)
    sign_in(page, manager)
    page.get_by_label("Practice", exact=True).select_option("Harbor Street")
    page.get_by_role("button", name="Work in this practice").click()
    expect(page.get_by_role("link", name="Harbor Street")).to_be_visible()
    expect(page.get_by_role("link", name="Activity")).to_be_hidden()
    page.goto(f"{portal}/patients/{patient.pk}/")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()


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
        expect(page.get_by_text("is revoked.")).to_be_visible()
