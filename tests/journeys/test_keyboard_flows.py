"""Every other flow by keyboard alone: at each step the focus is somewhere, in sight, and seen; no window takes it away."""

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

MOST_KEYS = 60  # to one control

HAD_FOCUS = "addEventListener('focusin', () => { window.hadFocus = true; })"

# Where the focus is ("on" what is wanted, in the "group" of a radio button that is, or elsewhere; "gone" where what is
# wanted is not in the page any more), and what is wrong with it. It is seen by its outline, round itself or round what
# shows it, and nothing else on the page has one; a part that the browser adds, as a date's calendar, has the browser's.
LOOK = """wanted => {
    const focus = document.activeElement ?? document.body;
    const what = focus.outerHTML.slice(0, 120);
    if (focus === document.body) return ["elsewhere", window.hadFocus ? "The focus is lost, or past the last control" : ""];

    const alike = each => each.type === "radio" && each.name === focus.name && each.form === focus.form;
    const elsewhere = wanted.length && wanted.every(each => each.isConnected) ? "elsewhere" : "gone";
    const where = wanted.includes(focus) ? "on" : wanted.some(alike) ? "group" : elsewhere;

    const labels = [...focus.labels ?? []];
    const box = focus.getClientRects()[0];
    if (!box || !focus.checkVisibility({ visibilityProperty: true })) return [where, `Not visible: ${what}`];
    const is_text = focus.matches("h1, main"); // reached by no Tab: where a screen reader begins to read
    const [x, y] = [box.x + box.width / 2, is_text ? Math.max(box.y, 0) + 1 : box.y + box.height / 2];
    const top = document.elementFromPoint(x, y);
    if (![focus, ...labels].some(each => each.contains(top))) return [where, `Covered, or out of sight: ${what}`];
    if (is_text || !focus.matches(":focus")) return [where, ""];

    const outlined = [...document.querySelectorAll("*")].filter(each => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(each);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && !/, 0\\)$/.test(outlineColor);
    });
    const shows = each => each === focus || labels.includes(each) || (focus.matches("[type=radio], [type=checkbox]") && each.contains(focus));
    if (!outlined.some(shows)) return [where, `The focus is not seen: ${what}`];
    const besides = outlined.find(each => !shows(each));
    return [where, besides ? `It looks as if this had the focus: ${besides.outerHTML.slice(0, 120)}` : ""];
}"""

Role = Literal["button", "checkbox", "combobox", "link", "radio", "textbox"]


class Keys:
    """Hands on a keyboard, and eyes that look for the focus after each key. They know no mouse."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.emulate_media(reduced_motion="reduce")
        page.add_init_script(HAD_FOCUS)
        page.goto(address)

    def look(self, wanted: Sequence[ElementHandle] = ()) -> str:
        where, wrong = self.page.evaluate(LOOK, list(wanted))
        assert not wrong, f"{wrong} ({self.page.url})"
        return str(where)

    def is_on(self, wanted: Locator) -> None:
        expect(wanted).to_be_focused()
        self.look()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def walk(self, wanted: Locator, key: str = "Tab") -> None:
        """With this key to the control, and among radio buttons with an arrow."""
        self.page.wait_for_load_state()  # and with it for what listens to keys
        where, handles = "gone", list[ElementHandle]()
        for _ in range(MOST_KEYS):
            if where == "gone":
                handles = wanted.element_handles()
            where = self.look(handles)
            if where == "on":
                return
            self.press("ArrowDown" if where == "group" else key)
        pytest.fail(f"{key}, {MOST_KEYS} times, does not lead to {wanted} on {self.page.url}")

    def to(self, role: Role, name: str | re.Pattern[str], *, back: bool = False) -> Locator:
        wanted = self.page.get_by_role(role, name=name, exact=True)
        self.walk(wanted, "Shift+Tab" if back else "Tab")
        return wanted

    def use(self, role: Role, name: str | re.Pattern[str], *, back: bool = False) -> None:
        self.to(role, name, back=back)
        self.press("Enter")

    def tick(self, role: Role, name: str | re.Pattern[str]) -> None:
        """A radio button, or a checkbox that is not ticked yet."""
        box = self.to(role, name)
        if not box.is_checked():
            self.press("Space")
        expect(box).to_be_checked()

    def type(self, name: str, text: str) -> None:
        """The first letter by its key; the others at once, as a keyboard that completes words does: it takes less time."""
        field = self.to("textbox", name)
        self.page.keyboard.type(text[0])
        self.page.keyboard.insert_text(text[1:])
        expect(field).to_have_value(text)

    def type_day(self, name: str, day: date) -> None:
        """Into the browser's own field for a date: its parts follow one another."""
        field = self.to("textbox", name)
        self.page.keyboard.type(f"{day:%m%d%Y}")
        expect(field).to_have_value(day.isoformat())

    def pick(self, name: str, option: str) -> None:
        """From a list, by the first word of what is looked for."""
        chosen = self.to("combobox", name)
        self.page.keyboard.type(option.split()[0])
        expect(chosen.locator("option:checked")).to_have_text(option)

    def skip(self) -> None:
        """Past what stands on every page, to the content; a page that a form leads to begins where the form's began."""
        self.page.wait_for_load_state()
        if self.look(self.page.locator("main").element_handles()) != "on":
            self.use("link", "Skip to main content")

    def comes(self, heading: str) -> None:
        self.page.get_by_role("heading", name=heading, exact=True).wait_for()  # looks more often than expect

    def says(self, words: str) -> None:
        """After something was done."""
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
    for way_out, back in (("Cancel", False), ("Close", True)):
        keys.use("button", "Register Patient")
        first.and_(page.locator(":focus")).wait_for()
        keys.use("link", way_out, back=back)
        expect(window).to_be_hidden()
        keys.is_on(register)

    keys.press("Enter")
    first.and_(page.locator(":focus")).wait_for()
    keys.tick("radio", "Verification Question")
    keys.pick("Question", "What is the name of the family's first pet?")
    keys.use("button", "Complete Registration")
    page.get_by_role("alert").and_(page.locator(":focus")).wait_for()
    keys.look()
    keys.use("link", "Answer: Enter the family’s answer.")
    expect(page.get_by_role("textbox", name="Answer")).to_be_focused()
    keys.type("Answer", "Rex")
    keys.tick("checkbox", re.compile("They understand that others may be able to read"))
    keys.pick("How did you verify identity?", "Photo ID")
    keys.use("button", "Complete Registration")
    keys.comes("Registration completed")
    keys.use("link", "Done")
    expect(window).to_be_hidden()
    keys.is_on(register)

    keys.use("link", "Send again to Elena García")
    keys.comes("Send again?")
    keys.skip()
    keys.use("button", "Send again")
    keys.comes("Registration completed")
    keys.use("link", "Done")
    keys.comes("García-López, Sofía")
    keys.use("link", "Revoke the registration for Elena García", back=True)
    keys.comes("Revoke this registration?")
    keys.skip()
    keys.type("Reason", "sent to a wrong address")
    keys.use("button", "Revoke registration")
    keys.says("has been revoked")

    keys.skip()
    keys.use("link", "Record a decline")
    keys.comes("Record a decline")
    keys.skip()
    keys.type("Reason", "Prefers the phone")
    keys.type_day("Ask again on", timezone.localdate() + timedelta(days=90))
    keys.use("button", "Record the decline")
    keys.says("Decline recorded")
    keys.skip()
    keys.use("button", "Undo the decline")
    keys.says("You can register the family again")

    for button, then in (
        ("Stop messages to", "will no longer send messages to"),
        ("Allow messages to", "can send messages to"),
    ):
        keys.skip()
        keys.use("button", f"{button} {mother.email}")
        keys.says(then)

    keys.skip()
    keys.use("link", "Add Proxy")
    keys.comes("Add Proxy")
    keys.skip()
    keys.type("Name", "Rosa Prado")
    keys.type("Relationship to the patient", "Aunt")
    keys.pick("Access Level", "Limited")
    keys.type_day("Last day of access", timezone.localdate() + timedelta(days=90))
    keys.type("Authorization", "Written consent of the mother, on file")
    keys.tick("radio", "Do not send PIN")
    keys.pick("How did you verify identity?", "Photo ID")
    keys.use("button", "Complete Registration")
    keys.comes("Registration completed")
    keys.use("button", "Hand this screen to the family")
    keys.comes("Let’s get started")
    keys.use("button", "Finish and clear")
    keys.comes("This screen is cleared")
    keys.use("link", re.compile("^Front desk: sign in"))
    keys.comes("Sign in")


def test_failed_request_and_live_update_keep_the_focus(
    desk_page: Page, portal: str, patient: Patient, mother: Contact, actor: Actor
) -> None:
    """A registration that does not get through; and news, while one is at what they change."""
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
    keys.is_on(complete)
    held[0].abort()
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    keys.is_on(complete)
    keys.press("Escape")

    keys.walk(page.get_by_text("Ended (1)"))
    keys.press("Enter")
    for name, back in (("Restore access for Elena García", False), ("Record a decline", True)):
        link = keys.to("link", name, back=back)
        issue_registration(patient, mother, actor=actor)
        with page.expect_response("**/registrations/?seen=*"):
            page.evaluate("htmx.trigger(document.body, 'registration-issued')")
        expect(page.get_by_text("Replaced", exact=True)).to_have_count(int(back))
        keys.is_on(link)


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
    keys.comes("Merge Match")
    keys.skip()
    keys.walk(page.get_by_role("row", name="Matteo").get_by_role("link", name="Compare"))
    keys.press("Enter")
    keys.comes("Which patient is Matteo Garcia Lopez?")
    keys.skip()
    keys.use("button", "Match…")
    keys.comes("Match anyway?")
    keys.skip()
    keys.tick("radio", "Limited")
    keys.use("button", "Match")
    page.get_by_role("alert").and_(page.locator(":focus")).wait_for()
    keys.type("Reason", "Called the mother: born on August 2.")
    keys.press("Enter")
    keys.says("now has access")

    keys.skip()
    keys.use("link", "Somebody Else")
    keys.comes("Which patient is Somebody Else?")
    keys.skip()
    keys.use("link", "Not our patient")
    keys.comes("Not our patient?")
    keys.skip()
    keys.type("Reason", "Nobody of that name.")
    keys.use("button", "Mark as not our patient")
    keys.says("Marked as not our patient.")

    page.goto(f"{portal}/patients/{mateo.pk}/")
    keys.use("link", "Remove Access for Elena García", back=True)
    keys.comes("Remove this access?")
    keys.skip()
    keys.type("Reason", "The parents’ agreement changed.")
    keys.use("button", "Remove Access")
    keys.says("no longer has access")
    keys.skip()
    keys.walk(page.get_by_text("Ended (1)"))
    keys.press("Enter")
    keys.use("link", "Restore access for Elena García")
    keys.comes("Restore this access?")
    keys.skip()
    keys.type("Reason", "Removed by mistake.")
    keys.use("button", "Restore access")
    keys.says("has access again")

    keys.walk(page.get_by_role("combobox", name="Practice", exact=True), "Shift+Tab")
    keys.pick("Practice", "Harbor Street")
    keys.use("button", "Switch practice")
    expect(page.get_by_role("link", name="Harbor Street")).to_be_visible()


def test_sign_in_security_works_by_keyboard(desk_page: Page, portal: str) -> None:
    page, keys = desk_page, Keys(desk_page, f"{portal}/accounts/2fa/")
    keys.skip()
    keys.use("link", "Set up the app")
    keys.comes("Verify it’s you")
    keys.type("Password", factories.PASSWORD)
    keys.use("button", "Continue")
    keys.comes("Set up an authenticator app")
    secret = page.locator("code").inner_text()
    keys.skip()
    keys.type("Authenticator code", format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))
    keys.use("button", "Turn on")
    keys.comes("Recovery codes")
    keys.skip()
    keys.use("link", "Back")
    keys.comes("Sign-in settings")
    keys.skip()
    keys.use("link", "Change password")
    keys.comes("Change password")
    keys.skip()
    keys.type("Current Password", factories.PASSWORD)
    keys.type("New Password", signup_steps.PASSWORD)
    keys.type("New Password (again)", signup_steps.PASSWORD)
    keys.use("button", "Save password")
    keys.says("has been changed")
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
    keys.comes("About you")
    keys.skip()
    keys.type("Your first name", "Elena")
    keys.type("Your last name", "García")
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Continue")
    keys.comes("Your account")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.type("Password", signup_steps.PASSWORD)
    keys.use("button", "Show")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    keys.tick("checkbox", re.compile("I accept the terms of use"))
    keys.use("button", "Create my account")
    keys.comes("Check your email")
    keys.skip()
    keys.type("Code", find_in_mail(page, r"\b\d{6}\b"))
    keys.use("button", "Continue")

    keys.comes("My children")
    keys.use("link", "Add a child")
    keys.comes("Add a child")
    keys.type("PIN", signup_steps.issue_pin([brother], actor=actor))
    type_date(keys, brother.birth_date)
    keys.use("button", "Continue")
    keys.comes("Add Mateo to your account?")
    keys.skip()
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Add to my account")
    keys.comes("Mateo García-López")

    keys.use("link", "Add a child")
    keys.comes("Add a child")
    keys.skip()
    keys.use("link", re.compile("^I don’t have a PIN"))
    keys.comes("Request access without a PIN")
    keys.use("button", "Continue")
    keys.comes("About you")
    keys.skip()
    keys.tick("radio", "A child or someone I care for")
    keys.pick("Your relationship to the child", "Mother")
    keys.use("button", "Continue")
    keys.comes("Which child is this for?")
    keys.skip()
    keys.type("Child’s first name", "Luz")
    keys.type("Child’s last name", "García-López")
    type_date(keys, patient.birth_date)
    keys.use("button", "Continue")
    keys.comes("Add Luz to your account?")
    keys.skip()
    keys.use("button", "Send my request")
    keys.comes("Luz García-López")
    assert (Association.objects.count(), SelfRegistration.objects.count()) == (2, 1)

    keys.use("button", "Sign out")
    keys.comes("Let’s get started")
    keys.use("link", re.compile("^I already have an account"), back=True)
    keys.comes("Sign in")
    keys.use("link", "Forgot your password or lost your passkey?", back=True)
    keys.comes("Help signing in")
    keys.use("link", "Send me a code")
    keys.comes("Reset your password")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.use("button", "Send me a code")
    keys.comes("Check your email")
    keys.skip()
    keys.type("Code", find_in_mail(page, r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b"))
    keys.use("button", "Continue")
    keys.comes("Create a new password")
    keys.skip()
    keys.type("New password", factories.PASSWORD)
    keys.type("Repeat new password", factories.PASSWORD)
    keys.use("button", "Save password")
    keys.comes("Password changed")
    keys.skip()
    keys.use("link", "Sign in")
    keys.comes("Sign in")
    keys.skip()
    keys.type("Email address", signup_steps.EMAIL)
    keys.type("Password", factories.PASSWORD)
    keys.press("Enter")
    keys.comes("My children")
