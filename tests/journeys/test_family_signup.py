"""Browser tests of the family pages at 375 pixels, by label and role only, with an accessibility check of each page."""

import re
from collections.abc import Callable, Iterator
from datetime import date

import pypdfium2
import pytest
import zxingcpp
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from notifications.models import Carrier
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Practice, User
from registration.communications import pin_sheet
from registration.issuing import pin_display
from registration.models import Association, PortalAccount, SelfRegistration
from registration.values import ByText
from tests import factories, signup_steps
from tests.factories import SESSION_KEY, issue_registration
from tests.journeys.conftest import check_accessibility
from tests.journeys.desk_steps import answer_required_questions
from tests.journeys.mailbox import find_in_mail

PHONE = ViewportSize(width=375, height=667)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext, portal: str) -> Page:
    """Return a page on a family's phone. Script errors and policy violations fail the test."""
    page = phone.new_page()
    fail_on_errors(page)
    return page


def fail_on_errors(page: Page) -> None:
    def fail(error: object) -> None:
        raise AssertionError(str(error))

    page.on("pageerror", fail)
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => { throw new Error('CSP: ' + e.violatedDirective) })"
    )


@pytest.fixture
def brother(patient: Patient) -> Patient:
    return factories.a_patient(patient.practice, "Mateo", birth_date=date(2021, 11, 30), sex="male", mrn="MG-2")


# --- Steps ---


def expect_page(page: Page, heading: str | re.Pattern[str]) -> None:
    """Expect this heading, no accessibility problems, and no horizontal scrolling."""
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def press(page: Page, name: str = "Continue") -> None:
    page.get_by_role("button", name=name, exact=True).click()


def enter_date(page: Page, day: date) -> None:
    page.get_by_label("Month").select_option(str(day.month))
    page.get_by_label("Day").fill(str(day.day))
    page.get_by_label("Year").fill(str(day.year))


def enter_about_you(page: Page, **name: str) -> None:
    expect_page(page, "About you")
    page.get_by_label("Your first name").fill(name.get("first", "Elena"))
    page.get_by_label("Your last name").fill(name.get("last", "García"))
    page.get_by_label("Your relationship to the child").select_option("Mother")
    press(page)


def create_account(page: Page, email: str = signup_steps.EMAIL) -> None:
    expect_page(page, "Your account")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(signup_steps.PASSWORD)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_label("I accept the terms of use").check()
    press(page, "Create my account")


def enter_code(page: Page) -> None:
    expect_page(page, "Check your email")
    page.get_by_label("Code").fill(find_in_mail(page, r"\b\d{6}\b"))
    press(page)


# --- The journeys ---


def test_family_signs_up_from_the_email_and_the_desk_sees_it(
    browser: Browser,
    page: Page,
    portal: str,
    patient: Patient,
    mother: Contact,
    brother: Patient,
    front_desk: User,
    sign_in: Callable[[Page, User], None],
) -> None:
    factories.a_contact(brother)
    desk = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    sign_in(desk, front_desk)
    desk.goto(f"{portal}/patients/{patient.pk}/register/")
    desk.get_by_role("checkbox", name=re.compile("Mateo")).check()
    answer_required_questions(desk)
    desk.get_by_role("button", name="Complete Registration").click()
    expect(desk.get_by_role("heading", name="Registration completed")).to_be_visible()

    page.goto(find_in_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    expect(page.get_by_text("We filled in your PIN.")).to_be_visible()
    assert "#" not in page.url
    expect_page(page, "Let’s get started")
    enter_date(page, patient.birth_date)
    press(page)
    expect_page(page, "One more child: M.G.")
    enter_date(page, brother.birth_date)
    press(page)
    expect_page(page, "About you")
    expect(page.get_by_label("Your last name")).to_have_value("García")
    expect(page.get_by_label("Your relationship to the child")).to_have_value("mother")
    press(page)
    expect(page.get_by_label("Email address")).to_have_value(mother.email)
    create_account(page, mother.email)
    expect_page(page, "My children")
    expect(page.get_by_text("Welcome, Elena. Your account is ready.")).to_be_visible()
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()
    expect(page.get_by_role("heading", name="Mateo García-López")).to_be_visible()

    desk.goto(f"{portal}/patients/{brother.pk}/")
    expect(desk.get_by_role("region", name="Account Settings").get_by_text("Registered", exact=True)).to_be_visible()
    expect(desk.get_by_role("region", name="Associations").get_by_text("Elena García")).to_be_visible()
    check_accessibility(desk)
    desk.context.close()


def test_wrong_pin_gets_an_error_and_keeps_what_was_entered(
    page: Page, portal: str, patient: Patient, actor: Actor
) -> None:
    issue_registration(patient, actor=actor)
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill("k7qf 2m9t xb4c")
    press(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Choose the month")
    expect_page(page, "Let’s get started")
    enter_date(page, patient.birth_date)
    press(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("don’t match our records")
    expect(alert.get_by_role("link", name="Call (612) 555-0142")).to_have_attribute("href", "tel:+16125550142")
    expect(page.get_by_label("PIN")).to_have_value("k7qf 2m9t xb4c")
    expect(page.get_by_label("Year")).to_have_value("2019")
    expect_page(page, "Let’s get started")


def test_link_with_a_question_leads_to_an_account(page: Page, patient: Patient, actor: Actor) -> None:
    issue_registration(patient, actor=actor, method=signup_steps.by_question(), delivery=signup_steps.by_email())
    page.goto(find_in_mail(page, r"http\S+/start/\S*#q=[\w-]+"))
    expect(page.get_by_text("Your link works.")).to_be_visible()
    expect(page.get_by_label("PIN", exact=True)).to_be_hidden()
    assert "#" not in page.url
    enter_date(page, patient.birth_date)
    press(page)
    expect_page(page, "One question")
    answer = page.get_by_label("What is the name of the family's first pet?")
    answer.fill("Rex")
    press(page)
    expect(page.get_by_role("alert")).to_contain_text("That answer doesn’t match")
    check_accessibility(page)
    answer.fill("señor bigotes")
    press(page)
    enter_about_you(page)
    create_account(page)
    expect_page(page, "My children")


def test_existing_account_adds_another_child(
    page: Page, portal: str, patient: Patient, brother: Patient, actor: Actor
) -> None:
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(signup_steps.pin_of(issue_registration(patient, actor=actor)))
    enter_date(page, patient.birth_date)
    press(page)
    enter_about_you(page)
    create_account(page)
    enter_code(page)
    expect_page(page, "My children")
    press(page, "Sign out")
    expect(page.get_by_text("You’re signed out.")).to_be_visible()
    expect_page(page, "Let’s get started")
    page.go_back()
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_hidden()
    expect_page(page, "Sign in")

    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(signup_steps.pin_of(issue_registration(brother, actor=actor)))
    enter_date(page, brother.birth_date)
    press(page)
    page.goto(f"{portal}/start/sign-in/")
    expect(page.get_by_text("Sign in and we’ll add your request")).to_be_visible()
    expect_page(page, "Sign in")
    page.get_by_label("Email address").fill(signup_steps.EMAIL)
    page.get_by_label("Password").fill(signup_steps.PASSWORD)
    press(page, "Sign in")
    expect_page(page, "Add Mateo to your account?")
    page.get_by_label("Your relationship to the child").select_option("Mother")
    press(page, "Add to my account")
    expect_page(page, "My children")
    expect(page.get_by_role("heading", name="Mateo García-López")).to_be_visible()
    assert PortalAccount.objects.count() == 1


def test_access_is_requested_without_a_pin(page: Page, portal: str, patient: Patient) -> None:
    page.goto(f"{portal}/start/")
    page.get_by_role("link", name="I don’t have a PIN").click()
    expect_page(page, "Request access without a PIN")
    press(page)
    enter_about_you(page)
    expect_page(page, "Which child is this for?")
    for name, button in (("Sofía", "Add another child"), ("Mateo", "Continue")):
        page.get_by_label("Child’s first name").fill(name)
        page.get_by_label("Child’s last name").fill("García-López")
        enter_date(page, date(2019, 3, 5))
        press(page, button)
    create_account(page)
    enter_code(page)
    expect_page(page, "My children")
    expect(page.get_by_text("You requested access to the health records of Sofía and Mateo.")).to_be_visible()
    assert SelfRegistration.objects.count() == 2
    assert not Association.objects.exists()


def test_account_is_created_with_a_passkey(
    phone: BrowserContext, page: Page, portal: str, patient: Patient, actor: Actor
) -> None:
    devtools = phone.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
    issue_registration(patient, actor=actor, delivery=signup_steps.by_email())
    page.goto(find_in_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    enter_date(page, patient.birth_date)
    press(page)
    enter_about_you(page)
    expect_page(page, "Your account")
    page.get_by_label("With a passkey").check()
    expect(page.get_by_label("Password", exact=True)).to_be_hidden()
    page.get_by_label("I accept the terms of use").check()
    press(page, "Create my account")
    expect_page(page, "Add a passkey")
    expect(page.get_by_role("link", name="Use a password instead")).to_be_visible()
    press(page, "Add a passkey")
    expect_page(page, "Recovery codes")
    page.get_by_role("link", name="I’ve saved my codes").click()
    expect_page(page, "My children")
    page.get_by_role("link", name="Sign-in settings").click()
    expect_page(page, "Sign-in settings")
    press(page, "Sign out")

    page.get_by_role("link", name="I already have an account").click()
    expect_page(page, "Sign in")
    page.get_by_role("button", name="Use a passkey").click()
    expect_page(page, "My children")
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()


def test_sign_up_works_without_javascript(browser: Browser, portal: str, patient: Patient, actor: Actor) -> None:
    registration = issue_registration(
        patient, actor=actor, method=signup_steps.by_question(), delivery=signup_steps.by_email()
    )
    assert registration.pk
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    link = find_in_mail(page, r"http\S+/start/\S*#q=[\w-]+")
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(link)
    enter_date(page, patient.birth_date)
    press(page)
    page.get_by_label("What is the name of the family's first pet?").fill("Señor Bigotes")
    press(page)
    page.get_by_label("Your first name").fill("Elena")
    page.get_by_label("Your last name").fill("García")
    page.get_by_label("Your relationship to the child").select_option("Mother")
    press(page)
    page.get_by_label("Password", exact=True).fill(signup_steps.PASSWORD)
    page.get_by_label("I accept the terms of use").check()
    press(page, "Create my account")
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()
    context.close()


def test_qr_code_on_the_sheet_fills_in_the_pin(page: Page, patient: Patient, actor: Actor) -> None:
    registration = issue_registration(patient, actor=actor)
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin
    pdf = pin_sheet.render(pin_sheet.sheet_for(registration, pin))
    with pypdfium2.PdfDocument(pdf) as document:
        (code,) = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
    page.goto(code.text)
    expect(page.get_by_label("PIN", exact=True)).to_have_value(pin.shown)
    assert "#" not in page.url
    enter_date(page, patient.birth_date)
    press(page)
    enter_about_you(page)
    create_account(page)
    enter_code(page)
    expect_page(page, "My children")


def test_pin_from_a_text_message_leads_to_an_account(page: Page, portal: str, patient: Patient, actor: Actor) -> None:
    carrier = Carrier.objects.get(name="US Cellular")
    issue_registration(patient, actor=actor, delivery=ByText("6125550161", carrier))
    text = find_in_mail(page, r"[\s\S]*[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}[\s\S]*")
    address, pin = re.search(r"http\S+/start/\S*", text), re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    assert address
    assert pin
    page.goto(address[0])
    page.get_by_label("PIN", exact=True).fill(pin[0].lower())
    enter_date(page, patient.birth_date)
    press(page)
    enter_about_you(page)
    create_account(page)
    enter_code(page)
    expect_page(page, "My children")


def test_sign_up_in_spanish(page: Page, patient: Patient, actor: Actor) -> None:
    """The pages are in the language of the message until the family switches, and then stay in the new language."""
    issue_registration(patient, actor=actor, delivery=signup_steps.by_email(), language="es")
    page.goto(find_in_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    with translation.override("es"):
        started, you, account = gettext("Let’s get started"), gettext("About you"), gettext("Your account")
        children, on, create = gettext("My children"), gettext("Continue"), gettext("Create my account")
        month, day, year = gettext("Month"), gettext("Day"), gettext("Year")
        first, last, child = (
            gettext("Your first name"),
            gettext("Your last name"),
            gettext("Your relationship to the child"),
        )
        password, terms, mother = gettext("Password"), gettext("I accept the terms of use"), gettext("Mother")
    assert (started, children) != ("Let’s get started", "My children")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect_page(page, started)
    page.get_by_label(month).select_option("marzo")
    page.get_by_label(day).fill("5")
    page.get_by_label(year).fill("2019")
    press(page, on)
    expect_page(page, you)
    page.get_by_label(first).fill("Elena")
    page.get_by_label(last).fill("García")
    page.get_by_label(child).select_option(mother)
    press(page, on)
    expect_page(page, account)
    page.get_by_label(password, exact=True).fill(signup_steps.PASSWORD)
    page.get_by_label(terms).check()
    press(page, create)
    expect_page(page, children)
    assert PortalAccount.objects.get().language == "es"
    page.get_by_role("link", name="English").click()
    expect_page(page, "My children")
    page.get_by_role("link", name="My details").click()
    expect_page(page, "My details")


def test_kiosk_is_cleared_when_the_family_finishes(
    page: Page, portal: str, patient: Patient, front_desk: User, actor: Actor, sign_in: Callable[[Page, User], None]
) -> None:
    """Staff start the kiosk from the registration window, and nothing is left on the screen afterward."""
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, front_desk)
    page.goto(f"{portal}/patients/{patient.pk}/register/")
    page.get_by_role("radio", name="Someone else").check()
    page.get_by_label("Name", exact=True).fill("Elena Prado")
    page.get_by_role("radio", name="Do not send PIN").check()
    answer_required_questions(page)
    page.get_by_role("button", name="Complete Registration").click()
    page.get_by_role("button", name="Hand this screen to the family").click()
    expect(page.get_by_text("This device belongs to the practice.")).to_be_visible()
    expect(page.get_by_text("We filled in your PIN.")).to_be_visible()
    assert "#" not in page.url
    page.set_viewport_size(PHONE)
    expect_page(page, "Let’s get started")
    enter_date(page, patient.birth_date)
    press(page)
    expect_page(page, "About you")
    press(page, "Finish and clear")
    expect_page(page, "This screen is cleared")
    page.go_back()
    expect(page.get_by_role("heading", name="About you")).to_be_hidden()
    page.goto(f"{portal}/start/about-you/")
    expect_page(page, "Let’s get started")
    assert page.context.cookies(portal) == [
        cookie for cookie in page.context.cookies(portal) if cookie["name"] != "session"
    ]


def test_idle_kiosk_clears_itself_after_a_warning(
    page: Page, portal: str, practice: Practice, front_desk: User, client: Client
) -> None:
    client.force_login(front_desk)
    client.post("/start/kiosk/")
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": portal}])
    page.clock.install()
    page.goto(f"{portal}/start/")
    expect_page(page, "Let’s get started")
    page.clock.run_for(151_000)
    expect(page.get_by_text("Are you still there? Touch the screen or it will be cleared.")).to_be_visible()
    check_accessibility(page)
    page.clock.run_for(31_000)
    expect_page(page, "This screen is cleared")


def test_idle_family_is_warned_before_the_draft_expires(
    page: Page, portal: str, patient: Patient, actor: Actor
) -> None:
    page.clock.install()
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN", exact=True).fill(signup_steps.pin_of(issue_registration(patient, actor=actor)))
    enter_date(page, patient.birth_date)
    press(page)
    expect_page(page, "About you")
    page.clock.run_for(28 * 60_000 + 15_000)
    still_here = page.get_by_role("button", name="I’m still here")
    expect(still_here).to_be_visible()
    check_accessibility(page)
    with page.expect_response("**/start/keep-alive/") as response:
        still_here.click()
    assert response.value.status == 204
    expect(still_here).to_be_hidden()


def test_family_pages_load_little_data(page: Page, portal: str, patient: Patient, actor: Actor) -> None:
    """Each page needs at most 100 kB and 10 requests when nothing is cached."""
    account = {"/family/", "/family/profile/", "/accounts/2fa/", "/accounts/2fa/webauthn/add/"}
    first = ["/start/", "/start/sign-in/", "/start/help-signing-in/", "/start/request-access/", "/start/terms/"]
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(
        signup_steps.pin_of(issue_registration(patient, actor=actor, delivery=signup_steps.by_email()))
    )
    enter_date(page, patient.birth_date)
    press(page)
    enter_about_you(page)
    create_account(page)
    enter_code(page)
    expect_page(page, "My children")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    loaded: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    for address in [*first, *sorted(account)]:
        loaded.clear()
        page.goto(f"{portal}{address}", wait_until="networkidle")
        assert len(loaded) <= 10, (address, len(loaded))
        assert sum(loaded) <= 100_000, (address, sum(loaded))
