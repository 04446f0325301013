"""The family's side in a browser, at 375 pixels, by label and role alone, with axe at every page."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from notifications import demo_mailbox
from notifications.models import Carrier
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Practice, User
from registration.communications import pin_sheet
from registration.issuing import pin_display
from registration.models import Association, PortalAccount, Registration, SelfRegistration
from registration.values import ByText
from tests import factories, signup_steps
from tests.journeys.conftest import check_accessibility
from tests.journeys.test_register_a_patient import answer_what_is_always_asked

PHONE = ViewportSize(width=375, height=667)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True)
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext, portal: str) -> Page:
    """A family's phone. Whatever the browser complains of fails the test."""
    page = phone.new_page()
    watch(page)
    return page


def watch(page: Page) -> None:
    def fail(error: object) -> None:
        raise AssertionError(str(error))

    page.on("pageerror", fail)
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => { throw new Error('CSP: ' + e.violatedDirective) })"
    )


@pytest.fixture
def brother(patient: Patient) -> Patient:
    return factories.a_patient(patient.practice, "Mateo", birth_date=date(2021, 11, 30), sex="male", mrn="MG-2")


# --- What a family does ---


def seen(page: Page, heading: str | re.Pattern[str]) -> None:
    """The page has come, axe finds nothing, and nothing stands out to the side."""
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def go_on(page: Page, name: str = "Continue") -> None:
    page.get_by_role("button", name=name, exact=True).click()


def type_date(page: Page, day: date) -> None:
    page.get_by_label("Month").select_option(str(day.month))
    page.get_by_label("Day").fill(str(day.day))
    page.get_by_label("Year").fill(str(day.year))


def say_who_i_am(page: Page, **name: str) -> None:
    seen(page, "About you")
    page.get_by_label("Your first name").fill(name.get("first", "Elena"))
    page.get_by_label("Your last name").fill(name.get("last", "García"))
    page.get_by_label("You are the child’s").select_option("Mother")
    go_on(page)


def create_account(page: Page, email: str = signup_steps.EMAIL) -> None:
    seen(page, "Your account")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Passphrase", exact=True).fill(signup_steps.PASSWORD)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Passphrase", exact=True)).to_have_attribute("type", "text")
    page.get_by_label("I accept the terms of use").check()
    go_on(page, "Create my account")


def text_of_mail(page: Page, find: str) -> str:
    """What the pattern finds in the newest mail of the demo mailbox that has it; the worker takes a moment."""
    for _ in range(60):
        for each in sorted(demo_mailbox.all_mail(), key=lambda received: received.at, reverse=True):
            bodies = [each.mail.get_body((kind,)) for kind in ("plain", "html")]
            said = "\n".join(html.unescape(body.get_content()) for body in bodies if body)
            if found := re.search(find, said):
                return found[0]
        page.wait_for_timeout(250)
    raise AssertionError(f"no mail with {find}")


def type_code(page: Page) -> None:
    seen(page, "Check your e-mail")
    page.get_by_label("Code").fill(text_of_mail(page, r"\b\d{6}\b"))
    go_on(page)


def issue(patients: Sequence[Patient], actor: Actor, **options: Any) -> Registration:
    return signup_steps.issue(patients, actor=actor, **options)


# --- The journeys ---


def test_from_the_desk_by_e_mail_to_the_account_and_back_to_the_desk(
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
    answer_what_is_always_asked(desk)
    desk.get_by_role("button", name="Complete Registration").click()
    expect(desk.get_by_role("heading", name="Registration completed")).to_be_visible()

    page.goto(text_of_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    expect(page.get_by_text("The PIN was filled in for you.")).to_be_visible()
    assert "#" not in page.url
    seen(page, "Let’s get started")
    type_date(page, patient.birth_date)
    go_on(page)
    seen(page, "And M.G.?")
    type_date(page, brother.birth_date)
    go_on(page)
    seen(page, "About you")
    expect(page.get_by_label("Your last name")).to_have_value("García")
    expect(page.get_by_label("You are the child’s")).to_have_value("mother")
    go_on(page)
    expect(page.get_by_label("E-mail address")).to_have_value(mother.email)
    create_account(page, mother.email)
    seen(page, "My children")
    expect(page.get_by_text("Welcome, Elena. Your account is ready.")).to_be_visible()
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()
    expect(page.get_by_role("heading", name="Mateo García-López")).to_be_visible()

    desk.goto(f"{portal}/patients/{brother.pk}/")
    expect(desk.get_by_role("region", name="Account Settings").get_by_text("Registered", exact=True)).to_be_visible()
    expect(desk.get_by_role("region", name="Associations").get_by_text("Elena García")).to_be_visible()
    check_accessibility(desk)
    desk.context.close()


def test_what_is_wrong_is_told_kindly_and_nothing_is_lost(
    page: Page, portal: str, patient: Patient, actor: Actor
) -> None:
    issue([patient], actor)
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill("k7qf 2m9t xb4c")
    go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Choose the month")
    seen(page, "Let’s get started")
    type_date(page, patient.birth_date)
    go_on(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This did not open.")
    expect(alert.get_by_role("link", name="Call (612) 555-0142")).to_have_attribute("href", "tel:+16125550142")
    expect(page.get_by_label("PIN")).to_have_value("k7qf 2m9t xb4c")
    expect(page.get_by_label("Year")).to_have_value("2019")
    seen(page, "Let’s get started")


def test_a_link_with_a_question(page: Page, patient: Patient, actor: Actor) -> None:
    issue([patient], actor, method=signup_steps.by_question(), delivery=signup_steps.by_email())
    page.goto(text_of_mail(page, r"http\S+/start/\S*#q=[\w-]+"))
    expect(page.get_by_text("Your link was read.")).to_be_visible()
    expect(page.get_by_label("PIN", exact=True)).to_be_hidden()
    assert "#" not in page.url
    type_date(page, patient.birth_date)
    go_on(page)
    seen(page, "One question")
    answer = page.get_by_label("What is the name of the family's first pet?")
    answer.fill("Rex")
    go_on(page)
    expect(page.get_by_role("alert")).to_contain_text("This is not the answer")
    check_accessibility(page)
    answer.fill("señor bigotes")
    go_on(page)
    say_who_i_am(page)
    create_account(page)
    seen(page, "My children")


def test_an_account_that_is_there_gets_another_child(
    page: Page, portal: str, patient: Patient, brother: Patient, actor: Actor
) -> None:
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(signup_steps.pin_of(issue([patient], actor)))
    type_date(page, patient.birth_date)
    go_on(page)
    say_who_i_am(page)
    create_account(page)
    type_code(page)
    seen(page, "My children")
    go_on(page, "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    seen(page, "Let’s get started")
    page.go_back()
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_hidden()
    seen(page, "Sign in")

    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(signup_steps.pin_of(issue([brother], actor)))
    type_date(page, brother.birth_date)
    go_on(page)
    page.goto(f"{portal}/start/sign-in/")
    expect(page.get_by_text("Sign in, and we add what you asked for")).to_be_visible()
    seen(page, "Sign in")
    page.get_by_label("E-mail address").fill(signup_steps.EMAIL)
    page.get_by_label("Passphrase").fill(signup_steps.PASSWORD)
    go_on(page, "Sign in")
    seen(page, "Add Mateo to your account?")
    page.get_by_label("You are the child’s").select_option("Mother")
    go_on(page, "Add to my account")
    seen(page, "My children")
    expect(page.get_by_role("heading", name="Mateo García-López")).to_be_visible()
    assert PortalAccount.objects.count() == 1


def test_without_a_pin(page: Page, portal: str, patient: Patient) -> None:
    page.goto(f"{portal}/start/")
    page.get_by_role("link", name="I have no PIN").click()
    seen(page, "Without a PIN")
    go_on(page)
    say_who_i_am(page)
    seen(page, "For which child?")
    for name, then in (("Sofía", "Add another child"), ("Mateo", "Continue")):
        page.get_by_label("Child’s first name").fill(name)
        page.get_by_label("Child’s last name").fill("García-López")
        type_date(page, date(2019, 3, 5))
        go_on(page, then)
    create_account(page)
    type_code(page)
    seen(page, "My children")
    expect(page.get_by_text("You asked for Sofía and Mateo. The practice will confirm")).to_be_visible()
    assert SelfRegistration.objects.count() == 2
    assert not Association.objects.exists()


def test_with_a_passkey(phone: BrowserContext, page: Page, portal: str, patient: Patient, actor: Actor) -> None:
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
    issue([patient], actor, delivery=signup_steps.by_email())
    page.goto(text_of_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    type_date(page, patient.birth_date)
    go_on(page)
    say_who_i_am(page)
    seen(page, "Your account")
    page.get_by_label("With a passkey").check()
    expect(page.get_by_label("Passphrase", exact=True)).to_be_hidden()
    page.get_by_label("I accept the terms of use").check()
    go_on(page, "Create my account")
    seen(page, "Add a passkey")
    expect(page.get_by_role("link", name="Use a passphrase instead")).to_be_visible()
    go_on(page, "Add a passkey")
    seen(page, "Recovery codes")
    page.get_by_role("link", name="I have saved them").click()
    seen(page, "My children")
    page.get_by_role("link", name="Signing in").click()
    seen(page, "Passkeys and devices")
    go_on(page, "Sign out")

    page.get_by_role("link", name="I have an account already").click()
    seen(page, "Sign in")
    page.get_by_role("button", name="Use a passkey").click()
    seen(page, "My children")
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()


def test_without_javascript_with_a_pasted_link(browser: Browser, portal: str, patient: Patient, actor: Actor) -> None:
    registration = issue([patient], actor, method=signup_steps.by_question(), delivery=signup_steps.by_email())
    assert registration.pk
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    link = text_of_mail(page, r"http\S+/start/\S*#q=[\w-]+")
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(link)
    type_date(page, patient.birth_date)
    go_on(page)
    page.get_by_label("What is the name of the family's first pet?").fill("Señor Bigotes")
    go_on(page)
    page.get_by_label("Your first name").fill("Elena")
    page.get_by_label("Your last name").fill("García")
    page.get_by_label("You are the child’s").select_option("Mother")
    go_on(page)
    page.get_by_label("Passphrase", exact=True).fill(signup_steps.PASSWORD)
    page.get_by_label("I accept the terms of use").check()
    go_on(page, "Create my account")
    expect(page.get_by_role("heading", name="Sofía García-López")).to_be_visible()
    context.close()


def test_with_the_sheets_qr_code(page: Page, patient: Patient, actor: Actor) -> None:
    registration = issue([patient], actor)
    pin = pin_display.find_pin(registration, session_key="desk")
    assert pin
    pdf = pin_sheet.render([pin_sheet.sheet_for(registration, pin)])
    with pypdfium2.PdfDocument(pdf) as document:
        (code,) = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
    page.goto(code.text)
    expect(page.get_by_label("PIN", exact=True)).to_have_value(pin.shown)
    assert "#" not in page.url
    type_date(page, patient.birth_date)
    go_on(page)
    say_who_i_am(page)
    create_account(page)
    type_code(page)
    seen(page, "My children")


def test_with_a_text_message(page: Page, portal: str, patient: Patient, actor: Actor) -> None:
    carrier = Carrier.objects.get(name="US Cellular")
    issue([patient], actor, delivery=ByText("6125550161", carrier))
    text = text_of_mail(page, r"[\s\S]*[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}[\s\S]*")
    address, pin = re.search(r"http\S+/start/\S*", text), re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    assert address
    assert pin
    page.goto(address[0])
    page.get_by_label("PIN", exact=True).fill(pin[0].lower())
    type_date(page, patient.birth_date)
    go_on(page)
    say_who_i_am(page)
    create_account(page)
    type_code(page)
    seen(page, "My children")


def test_in_spanish(page: Page, patient: Patient, actor: Actor) -> None:
    """The message's language leads to pages that speak it, to the end; a switch that stays."""
    issue([patient], actor, delivery=signup_steps.by_email(), language="es")
    page.goto(text_of_mail(page, r"http\S+/start/\S*#pin=[\w.]+"))
    with translation.override("es"):
        started, you, account = gettext("Let’s get started"), gettext("About you"), gettext("Your account")
        children, on, create = gettext("My children"), gettext("Continue"), gettext("Create my account")
        month, day, year = gettext("Month"), gettext("Day"), gettext("Year")
        first, last, child = gettext("Your first name"), gettext("Your last name"), gettext("You are the child’s")
        passphrase, terms, mother = gettext("Passphrase"), gettext("I accept the terms of use"), gettext("Mother")
    assert (started, children) != ("Let’s get started", "My children")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    seen(page, started)
    page.get_by_label(month).select_option("marzo")
    page.get_by_label(day).fill("5")
    page.get_by_label(year).fill("2019")
    go_on(page, on)
    seen(page, you)
    page.get_by_label(first).fill("Elena")
    page.get_by_label(last).fill("García")
    page.get_by_label(child).select_option(mother)
    go_on(page, on)
    seen(page, account)
    page.get_by_label(passphrase, exact=True).fill(signup_steps.PASSWORD)
    page.get_by_label(terms).check()
    go_on(page, create)
    seen(page, children)
    assert PortalAccount.objects.get().language == "es"
    page.get_by_role("link", name="English").click()
    seen(page, "My children")
    page.get_by_role("link", name="My details").click()
    seen(page, "My details")


def test_the_practices_screen_is_cleared(
    page: Page, portal: str, patient: Patient, front_desk: User, actor: Actor, sign_in: Callable[[Page, User], None]
) -> None:
    """The desk's own window hands it over; the family makes its account; nothing is left."""
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, front_desk)
    page.goto(f"{portal}/patients/{patient.pk}/register/")
    page.get_by_role("radio", name="Somebody else").check()
    page.get_by_label("Name", exact=True).fill("Elena Prado")
    page.get_by_role("radio", name="Do not send PIN").check()
    answer_what_is_always_asked(page)
    page.get_by_role("button", name="Complete Registration").click()
    page.get_by_role("button", name="Hand this screen to the family").click()
    expect(page.get_by_text("This is the practice’s screen.")).to_be_visible()
    expect(page.get_by_text("The PIN was filled in for you.")).to_be_visible()
    assert "#" not in page.url
    page.set_viewport_size(PHONE)
    seen(page, "Let’s get started")
    type_date(page, patient.birth_date)
    go_on(page)
    seen(page, "About you")
    go_on(page, "Finish and clear")
    seen(page, "Everything is cleared")
    page.go_back()
    expect(page.get_by_role("heading", name="About you")).to_be_hidden()
    page.goto(f"{portal}/start/about-you/")
    seen(page, "Let’s get started")
    assert page.context.cookies(portal) == [each for each in page.context.cookies(portal) if each["name"] != "session"]


def test_a_screen_that_nobody_touches_clears_itself(
    page: Page, portal: str, practice: Practice, front_desk: User, client: Client
) -> None:
    client.force_login(front_desk)
    client.post("/start/kiosk/")
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": portal}])
    page.clock.install()
    page.goto(f"{portal}/start/")
    seen(page, "Let’s get started")
    page.clock.run_for(151_000)
    expect(page.get_by_text("Are you still there? Touch the screen, or it is cleared.")).to_be_visible()
    check_accessibility(page)
    page.clock.run_for(31_000)
    seen(page, "Everything is cleared")


def test_who_does_nothing_is_asked_before_the_session_ends(
    page: Page, portal: str, patient: Patient, actor: Actor
) -> None:
    page.clock.install()
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN", exact=True).fill(signup_steps.pin_of(issue([patient], actor)))
    type_date(page, patient.birth_date)
    go_on(page)
    seen(page, "About you")
    page.clock.run_for(28 * 60_000 + 15_000)
    still_here = page.get_by_role("button", name="I am still here")
    expect(still_here).to_be_visible()
    check_accessibility(page)
    with page.expect_response("**/start/keep-alive/") as answer:
        still_here.click()
    assert answer.value.status == 204
    expect(still_here).to_be_hidden()


def test_no_page_is_heavy(page: Page, portal: str, patient: Patient, actor: Actor) -> None:
    """At most 100 kB and 10 requests at first load, however often a page is opened anew."""
    account = {"/family/", "/family/profile/", "/accounts/2fa/", "/accounts/2fa/webauthn/add/"}
    first = ["/start/", "/start/sign-in/", "/start/help-signing-in/", "/start/request-access/", "/start/terms/"]
    page.goto(f"{portal}/start/")
    page.get_by_label("PIN").fill(signup_steps.pin_of(issue([patient], actor, delivery=signup_steps.by_email())))
    type_date(page, patient.birth_date)
    go_on(page)
    say_who_i_am(page)
    create_account(page)
    type_code(page)
    seen(page, "My children")
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
