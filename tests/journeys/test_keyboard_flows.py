"""Flows by keyboard alone: at each step the focus is on a visible control with an outline, and is never lost."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.utils import timezone
from playwright.sync_api import ElementHandle, Locator, Page, Route, expect

from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import Membership, Practice, User
from registration.models import Association, SelfRegistration
from tests import factories, signup_steps
from tests.factories import issue_registration
from tests.journeys.mailbox import find_in_mail

MAX_KEYS = 60  # to reach one control

HAD_FOCUS = "addEventListener('focusin', () => { window.hadFocus = true; })"

# Returns where the focus is and what is wrong with it, if anything. The place is "on" for a wanted element, "group" for a
# radio button in the group of a wanted one, "gone" if a wanted element is no longer in the page, and otherwise "elsewhere".
# The focused element, or the label or box around it, must have an outline, and no other element may have one. Parts that
# the browser adds, such as the calendar of a date field, have the browser's own outline and are not checked.
LOOK = """wanted => {
    const focus = document.activeElement ?? document.body;
    const what = focus.outerHTML.slice(0, 120);
    if (focus === document.body) return ["elsewhere", window.hadFocus ? "The focus is lost or past the last control" : ""];

    const in_group = item => item.type === "radio" && item.name === focus.name && item.form === focus.form;
    const elsewhere = wanted.length && wanted.every(item => item.isConnected) ? "elsewhere" : "gone";
    const where = wanted.includes(focus) ? "on" : wanted.some(in_group) ? "group" : elsewhere;

    const labels = [...focus.labels ?? []];
    const box = focus.getClientRects()[0];
    if (!box || !focus.checkVisibility({ visibilityProperty: true })) return [where, `Not visible: ${what}`];
    const is_text = focus.matches("h1, main"); // Tab does not reach these: a screen reader starts to read here
    const [x, y] = [box.x + box.width / 2, is_text ? Math.max(box.y, 0) + 1 : box.y + box.height / 2];
    const top = document.elementFromPoint(x, y);
    if (![focus, ...labels].some(item => item.contains(top))) return [where, `Covered or off screen: ${what}`];
    if (is_text || !focus.matches(":focus")) return [where, ""];

    const outlined = [...document.querySelectorAll("*")].filter(item => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(item);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && !/, 0\\)$/.test(outlineColor);
    });
    const shows_focus = item => item === focus || labels.includes(item)
        || (focus.matches("[type=radio], [type=checkbox]") && item.contains(focus));
    if (!outlined.some(shows_focus)) return [where, `The focus has no visible outline: ${what}`];
    const other = outlined.find(item => !shows_focus(item));
    return [where, other ? `This has an outline but not the focus: ${other.outerHTML.slice(0, 120)}` : ""];
}"""

Role = Literal["button", "checkbox", "combobox", "link", "radio", "textbox"]


class Keys:
    """Operate a page by keyboard, and check the focus after each key."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.emulate_media(reduced_motion="reduce")
        page.add_init_script(HAD_FOCUS)
        page.goto(address)

    def check_focus(self, wanted: Sequence[ElementHandle] = ()) -> str:
        where, wrong = self.page.evaluate(LOOK, list(wanted))
        assert not wrong, f"{wrong} ({self.page.url})"
        return str(where)

    def expect_focus(self, wanted: Locator) -> None:
        expect(wanted).to_be_focused()
        self.check_focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def move_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press the key until the control has the focus. Within a group of radio buttons, press the down arrow."""
        self.page.wait_for_load_state()  # the scripts that listen to keys are loaded then
        where, handles = "gone", list[ElementHandle]()
        for _ in range(MAX_KEYS):
            if where == "gone":
                handles = wanted.element_handles()
            where = self.check_focus(handles)
            if where == "on":
                return
            self.press("ArrowDown" if where == "group" else key)
        pytest.fail(f"{key}, {MAX_KEYS} times, does not reach {wanted} on {self.page.url}")

    def to(self, role: Role, name: str | re.Pattern[str], *, back: bool = False) -> Locator:
        wanted = self.page.get_by_role(role, name=name, exact=True)
        self.move_to(wanted, "Shift+Tab" if back else "Tab")
        return wanted

    def use(self, role: Role, name: str | re.Pattern[str], *, back: bool = False) -> None:
        self.to(role, name, back=back)
        self.press("Enter")

    def check(self, role: Role, name: str | re.Pattern[str]) -> None:
        """Select the radio button or check the box, unless it is already checked."""
        box = self.to(role, name)
        if not box.is_checked():
            self.press("Space")
        expect(box).to_be_checked()

    def type(self, name: str, text: str) -> None:
        """Press the key of the first letter and insert the rest as one text, which is faster."""
        field = self.to("textbox", name)
        self.page.keyboard.type(text[0])
        self.page.keyboard.insert_text(text[1:])
        expect(field).to_have_value(text)

    def type_day(self, name: str, day: date) -> None:
        """Type a date into the browser's date field, which moves from one part to the next by itself."""
        field = self.to("textbox", name)
        self.page.keyboard.type(f"{day:%m%d%Y}")
        expect(field).to_have_value(day.isoformat())

    def pick(self, name: str, option: str) -> None:
        """Select an option by typing its first word."""
        chosen = self.to("combobox", name)
        self.page.keyboard.type(option.split()[0])
        expect(chosen.locator("option:checked")).to_have_text(option)

    def skip(self) -> None:
        """Skip the navigation. After a form is submitted, the next page already has the focus on its content."""
        self.page.wait_for_load_state()
        if self.check_focus(self.page.locator("main").element_handles()) != "on":
            self.use("link", "Skip to main content")

    def expect_heading(self, heading: str) -> None:
        self.page.get_by_role("heading", name=heading, exact=True).wait_for()  # polls more often than expect

    def expect_status(self, words: str) -> None:
        self.page.locator("main").get_by_role("status").filter(has_text=words).wait_for()


# --- The desk ---


def test_desk_flows_work_by_keyboard(desk_page: Page, portal: str, patient: Patient, mother: Contact) -> None:
    page, keys = desk_page, Keys(desk_page, f"{portal}/patients/{patient.pk}/")
    window = page.get_by_role("dialog")
    register, first = (
        page.get_by_role("button", name="Register Patient"),
        page.get_by_role("radio", name="PIN", exact=True),
    )

    keys.skip()
    for link, back in (("Cancel", False), ("Close", True)):
        keys.use("button", "Register Patient")
        first.and_(page.locator(":focus")).wait_for()
        keys.use("link", link, back=back)
        expect(window).to_be_hidden()
        keys.expect_focus(register)

    keys.press("Enter")
    first.and_(page.locator(":focus")).wait_for()
    keys.check("radio", "Verification Question")
    keys.pick("Question", "What is the name of the family's first pet?")
    keys.use("button", "Complete Registration")
    page.get_by_role("alert").and_(page.locator(":focus")).wait_for()
    keys.check_focus()
    keys.use("link", "Answer: Enter the family’s answer.")
    expect(page.get_by_role("textbox", name="Answer")).to_be_focused()
    keys.type("Answer", "Rex")
    keys.check("checkbox", re.compile("The family understands that email and texts"))
    keys.pick("How did you verify identity?", "Photo ID")
    keys.use("button", "Complete Registration")
    keys.expect_heading("Registration completed")
    keys.use("link", "Done")
    expect(window).to_be_hidden()
    keys.expect_focus(register)

    keys.use("link", "Send again to Elena García")
    keys.expect_heading("Send again?")
    keys.skip()
    keys.use("button", "Send again")
    keys.expect_heading("Registration completed")
    keys.use("link", "Done")
    keys.expect_heading("García-López, Sofía")
    keys.use("link", "Revoke the registration for Elena García", back=True)
    keys.expect_heading("Revoke this registration?")
    keys.skip()
    keys.type("Reason", "sent to a wrong address")
    keys.use("button", "Revoke registration")
    keys.expect_status("has been revoked")

    keys.skip()
    keys.use("link", "Record a decline")
    keys.expect_heading("Record a decline")
    keys.skip()
    keys.type("Reason", "Prefers the phone")
    keys.type_day("Ask again on", timezone.localdate() + timedelta(days=90))
    keys.use("button", "Record the decline")
    keys.expect_status("Decline recorded")
    keys.skip()
    keys.use("button", "Undo the decline")
    keys.expect_status("You can register the family again")

    for button, status in (
        ("Stop messages to", "will no longer send messages to"),
        ("Allow messages to", "can send messages to"),
    ):
        keys.skip()
        keys.use("button", f"{button} {mother.email}")
        keys.expect_status(status)

    keys.skip()
    keys.use("link", "Add Proxy")
    keys.expect_heading("Add Proxy")
    keys.skip()
    keys.type("Name", "Rosa Prado")
    keys.type("Relationship to the patient", "Aunt")
    keys.pick("Access Level", "Limited")
    keys.type_day("Last day of access", timezone.localdate() + timedelta(days=90))
    keys.type("Authorization", "Written consent of the mother, on file")
    keys.check("radio", "Do not send PIN")
    keys.pick("How did you verify identity?", "Photo ID")
    keys.use("button", "Complete Registration")
    keys.expect_heading("Registration completed")
    keys.use("button", "Hand this screen to the family")
    keys.expect_heading("Let’s get started")
    keys.use("button", "Finish and clear")
    keys.expect_heading("This screen is cleared")
    keys.use("link", re.compile("^Front desk: sign in"))
    keys.expect_heading("Sign in")


def test_failed_request_and_live_update_keep_the_focus(
    desk_page: Page, portal: str, patient: Patient, mother: Contact, actor: Actor
) -> None:
    """Check the focus after a request fails, and when a live update replaces the part of the page with the focus."""
    elena = factories.an_account()
    factories.an_association(elena, patient, ended_at=timezone.now(), ending=Association.Ending.REMOVED)
    page, keys = desk_page, Keys(desk_page, f"{portal}/patients/{patient.pk}/")
    keys.skip()
    keys.use("button", "Register Patient")
    expect(page.get_by_role("radio", name="Add to this account")).to_be_focused()
    complete = keys.to("button", "Complete Registration")
    held: list[Route] = []
    page.route("**/register/", lambda route: held.append(route))
    with page.expect_request("**/register/"):
        keys.press("Enter")
    page.evaluate("new Promise(requestAnimationFrame)")
    keys.expect_focus(complete)
    held[0].abort()
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    keys.expect_focus(complete)
    keys.press("Escape")

    keys.move_to(page.get_by_text("Ended (1)"))
    keys.press("Enter")
    for name, back in (("Restore access for Elena García", False), ("Record a decline", True)):
        link = keys.to("link", name, back=back)
        issue_registration(patient, mother, actor=actor)
        with page.expect_response("**/registrations/?seen=*"):
            page.evaluate("htmx.trigger(document.body, 'registration-issued')")
        expect(page.get_by_text("Replaced", exact=True)).to_have_count(int(back))
        keys.expect_focus(link)


def test_merge_match_and_access_work_by_keyboard(
    desk_page: Page, portal: str, practice: Practice, front_desk: User
) -> None:
    elsewhere = factories.a_practice("Harbor Street")
    Membership.objects.create(user=front_desk, practice=elsewhere, role=Membership.Role.FRONT_DESK)
    mateo = factories.a_patient(practice, "Mateo", birth_date=date(2021, 8, 2))
    factories.a_contact(mateo)
    elena = factories.an_account()
    factories.a_self_registration(practice, elena, "Matteo", birth_date=date(2021, 2, 8))
    factories.a_self_registration(practice, elena, "Somebody", "Else", birth_date=date(2015, 1, 1))
    page, keys = desk_page, Keys(desk_page, portal)

    keys.use("link", "Merge Match 2 waiting")
    keys.expect_heading("Merge Match")
    keys.skip()
    keys.move_to(page.get_by_role("row", name="Matteo").get_by_role("link", name="Compare"))
    keys.press("Enter")
    keys.expect_heading("Which patient is Matteo Garcia Lopez?")
    keys.skip()
    keys.use("button", "Match…")
    keys.expect_heading("Match anyway?")
    keys.skip()
    keys.check("radio", "Limited")
    keys.use("button", "Match")
    page.get_by_role("alert").and_(page.locator(":focus")).wait_for()
    keys.type("Reason", "Called the mother: born on August 2.")
    keys.press("Enter")
    keys.expect_status("now has access")

    keys.skip()
    keys.use("link", "Somebody Else")
    keys.expect_heading("Which patient is Somebody Else?")
    keys.skip()
    keys.use("link", "Not our patient")
    keys.expect_heading("Not our patient?")
    keys.skip()
    keys.type("Reason", "No patient has that name.")
    keys.use("button", "Mark as not our patient")
    keys.expect_status("Marked as not our patient.")

    page.goto(f"{portal}/patients/{mateo.pk}/")
    keys.use("link", "Remove Access for Elena García", back=True)
    keys.expect_heading("Remove this access?")
    keys.skip()
    keys.type("Reason", "The parents’ agreement changed.")
    keys.use("button", "Remove Access")
    keys.expect_status("no longer has access")
    keys.skip()
    keys.move_to(page.get_by_text("Ended (1)"))
    keys.press("Enter")
    keys.use("link", "Restore access for Elena García")
    keys.expect_heading("Restore this access?")
    keys.skip()
    keys.type("Reason", "Removed by mistake.")
    keys.use("button", "Restore access")
    keys.expect_status("has access again")

    keys.move_to(page.get_by_role("combobox", name="Practice", exact=True), "Shift+Tab")
    keys.pick("Practice", "Harbor Street")
    keys.use("button", "Switch practice")
    expect(page.get_by_role("link", name="Harbor Street")).to_be_visible()


def test_sign_in_security_works_by_keyboard(desk_page: Page, portal: str) -> None:
    page, keys = desk_page, Keys(desk_page, f"{portal}/accounts/2fa/")
    keys.skip()
    keys.use("link", "Set up the app")
    keys.expect_heading("Verify it’s you")
    keys.type("Password", factories.PASSWORD)
    keys.use("button", "Continue")
    keys.expect_heading("Set up an authenticator app")
    secret = page.locator("code").inner_text()
    keys.skip()
    keys.type("Authenticator code", format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))
    keys.use("button", "Turn on")
    keys.expect_heading("Recovery codes")
    keys.skip()
    keys.use("link", "Back")
    keys.expect_heading("Sign-in settings")
    keys.skip()
    keys.use("link", "Change password")
    keys.expect_heading("Change password")
    keys.skip()
    keys.type("Current Password", factories.PASSWORD)
    keys.type("New Password", signup_steps.PASSWORD)
    keys.type("New Password (again)", signup_steps.PASSWORD)
    keys.use("button", "Save password")
    keys.expect_status("has been changed")
    assert User.objects.get().check_password(signup_steps.PASSWORD)


# --- The family ---


def type_date(keys: Keys, day: date) -> None:
    keys.pick("Month", f"{day:%B}")
    keys.type("Day", str(day.day))
    keys.type("Year", str(day.year))


def test_family_goes_from_the_pin_to_a_new_password(
    page: Page, portal: str, patient: Patient, practice: Practice, actor: Actor
) -> None:
    brother = factories.a_patient(practice, "Mateo", birth_date=date(2021, 11, 30), mrn="MG-2")
    keys = Keys(page, f"{portal}/start/")
    keys.skip()
    keys.type("PIN", signup_steps.issue_pin([patient], actor=actor))
    type_date(keys, patient.birth_date)
    keys.press("Enter")
    keys.expect_heading("About you")
    keys.skip()
    keys.type("Your first name", "Elena")
    keys.type("Your last name", "García")
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Continue")
    keys.expect_heading("Your account")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.type("Password", signup_steps.PASSWORD)
    keys.use("button", "Show")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    keys.check("checkbox", re.compile("I accept the terms of use"))
    keys.use("button", "Create my account")
    keys.expect_heading("Check your email")
    keys.skip()
    keys.type("Code", find_in_mail(page, r"\b\d{6}\b"))
    keys.use("button", "Continue")

    keys.expect_heading("My children")
    keys.use("link", "Add a child")
    keys.expect_heading("Add a child")
    keys.type("PIN", signup_steps.issue_pin([brother], actor=actor))
    type_date(keys, brother.birth_date)
    keys.use("button", "Continue")
    keys.expect_heading("Add Mateo to your account?")
    keys.skip()
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Add to my account")
    keys.expect_heading("Mateo García-López")

    keys.use("link", "Add a child")
    keys.expect_heading("Add a child")
    keys.skip()
    keys.use("link", re.compile("^I don’t have a PIN"))
    keys.expect_heading("Request access without a PIN")
    keys.use("button", "Continue")
    keys.expect_heading("About you")
    keys.skip()
    keys.check("radio", "A child or someone I care for")
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Continue")
    keys.expect_heading("Which child is this for?")
    keys.skip()
    keys.type("Child’s first name", "Luz")
    keys.type("Child’s last name", "García-López")
    type_date(keys, patient.birth_date)
    keys.use("button", "Continue")
    keys.expect_heading("Add Luz to your account?")
    keys.skip()
    keys.use("button", "Send my request")
    keys.expect_heading("Luz García-López")
    assert (Association.objects.count(), SelfRegistration.objects.count()) == (2, 1)

    keys.use("button", "Sign out")
    keys.expect_heading("Let’s get started")
    keys.use("link", re.compile("^I already have an account"), back=True)
    keys.expect_heading("Sign in")
    keys.use("link", "Forgot your password or lost your passkey?", back=True)
    keys.expect_heading("Help signing in")
    keys.use("link", "Send me a code")
    keys.expect_heading("Reset your password")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.use("button", "Send me a code")
    keys.expect_heading("Check your email")
    keys.skip()
    keys.type("Code", find_in_mail(page, r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b"))
    keys.use("button", "Continue")
    keys.expect_heading("Create a new password")
    keys.skip()
    keys.type("New password", factories.PASSWORD)
    keys.type("Repeat new password", factories.PASSWORD)
    keys.use("button", "Save password")
    keys.expect_heading("Password changed")
    keys.skip()
    keys.use("link", "Sign in")
    keys.expect_heading("Sign in")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.type("Password", factories.PASSWORD)
    keys.press("Enter")
    keys.expect_heading("My children")
