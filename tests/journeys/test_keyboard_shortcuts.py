"""Keyboard shortcuts: from sign-in to the PIN with counted keystrokes, quick search, and the list of shortcuts."""

import pytest
from playwright.sync_api import Page, Route, expect

from patients.models import Contact, Patient
from portal.models import Practice, User
from tests import factories
from tests.journeys.conftest import check_accessibility

MOST_KEYS = 30  # not counting the text typed for the sign-in and the name


class Keyboard:
    """Press keys and count them."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, *keys: str) -> None:
        self.page.wait_for_load_state()  # the key listeners are set up by then
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def tab_to(self, what: str) -> None:
        """Press Tab until the focus matches the selector."""
        while not self.page.evaluate("what => document.activeElement.matches(what)", what):
            assert self.pressed < 2 * MOST_KEYS, f"{what} is not reached"
            self.press("Tab")


def the_quick_search(page: Page) -> Keyboard:
    keyboard = Keyboard(page)
    keyboard.press("/")
    expect(page.get_by_role("combobox", name="Quick search")).to_be_focused()
    return keyboard


def test_registration_from_sign_in_stays_within_the_key_limit(
    page: Page, portal: str, front_desk: User, patient: Patient, mother: Contact
) -> None:
    page.goto(portal)
    keyboard = Keyboard(page)
    for label, typed in (("Email", front_desk.email), ("Password", factories.PASSWORD)):
        if not page.get_by_label(label).evaluate("field => field === document.activeElement"):
            keyboard.tab_to(f"[id='{page.get_by_label(label).get_attribute('id')}']")
        page.keyboard.type(typed)
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    keyboard.press("/")
    page.keyboard.type("lop sof")
    expect(page.get_by_role("option", name="García-López, Sofía")).to_be_visible()
    check_accessibility(page)
    keyboard.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_contain_text("García-López, Sofía")
    check_accessibility(page)
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()

    keyboard.press("r")
    window = page.get_by_role("dialog", name="Patient Registration")
    expect(window).to_be_visible()
    expect(window.get_by_role("textbox", name="Email Address")).to_have_value("elena@families.example")
    expect(window.locator(":focus")).to_be_visible()
    keyboard.tab_to("[name=risk_acknowledged], [name=identified_by]")
    if page.evaluate("document.activeElement.name === 'risk_acknowledged'"):
        keyboard.press(" ")
        keyboard.tab_to("[name=identified_by]")
    keyboard.press("p")  # Photo ID
    keyboard.tab_to("[type=submit]")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Registration completed")).to_be_visible()
    expect(page.get_by_role("group", name="Registration PIN")).to_be_visible()
    assert keyboard.pressed <= MOST_KEYS

    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(":focus")).to_be_visible()


def test_escape_returns_the_focus_to_where_the_shortcut_was_pressed(
    desk_page: Page, portal: str, patient: Patient, mother: Contact
) -> None:
    page, keyboard = desk_page, Keyboard(desk_page)
    page.goto(f"{portal}/patients/{patient.pk}/")
    link = page.get_by_role("navigation").get_by_role("link", name="Patient Administration")
    link.focus()
    keyboard.press("r")
    expect(page.get_by_role("dialog", name="Patient Registration").locator(":focus")).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(link).to_be_focused()


def test_late_search_response_is_ignored(desk_page: Page, practice: Practice) -> None:
    factories.a_patient(practice, "Ann", "Abbot", mrn="")
    factories.a_patient(practice, "Bob", "Baker", mrn="")
    page = desk_page
    held: list[Route] = []
    page.route("**/quick/hits/?q=ab", lambda route: held.append(route))
    keyboard = the_quick_search(page)
    with page.expect_request("**/quick/hits/?q=ab"):
        page.keyboard.type("ab")
    keyboard.press("Backspace", "Backspace")
    page.keyboard.type("bak")
    expect(page.get_by_role("option")).to_contain_text("Baker")
    (late,) = held
    late.fulfill(status=200, content_type="text/html", body='<li role="option" data-href="/">Abbot, Ann</li>')
    page.wait_for_timeout(300)
    expect(page.get_by_role("option")).to_contain_text("Baker")
    expect(page.get_by_text("Abbot")).to_have_count(0)


def test_suggestion_is_selected_like_a_patient(desk_page: Page, practice: Practice) -> None:
    factories.a_patient(practice, "William", "Johnson")
    page, keyboard = desk_page, the_quick_search(desk_page)
    page.keyboard.type("bill johnson")
    expect(page.get_by_role("option", name="Johnson, William")).to_be_visible()
    check_accessibility(page)
    keyboard.press("ArrowDown", "Enter")
    expect(page.get_by_role("combobox", name="Quick search")).to_have_value("Johnson, William")
    expect(page.get_by_role("option", name="Unregistered")).to_be_visible()
    keyboard.press("ArrowDown", "Enter")
    expect(page.get_by_role("heading", name="Johnson, William")).to_be_visible()


def test_escape_from_quick_search_returns_the_focus(desk_page: Page, patient: Patient) -> None:
    page, keyboard = desk_page, Keyboard(desk_page)
    page.get_by_role("link", name="Patient Administration").focus()
    keyboard.press("/")
    page.keyboard.type("garcia")
    expect(page.get_by_role("option")).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("option")).to_be_hidden()
    keyboard.press("Escape")
    expect(page.get_by_role("link", name="Patient Administration")).to_be_focused()


def test_enter_without_a_selection_opens_the_search_page(desk_page: Page, patient: Patient) -> None:
    keyboard = the_quick_search(desk_page)
    desk_page.keyboard.type("sofia")
    keyboard.press("Enter")
    expect(desk_page.get_by_role("heading", name="1 patient")).to_be_visible()
    expect(desk_page.get_by_role("combobox", name="Quick search")).to_have_value("sofia")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 256)])  # 320 x 256: 1280 x 1024 at 400 %
def test_shortcuts_are_listed_and_can_be_turned_off(desk_page: Page, width: int, height: int) -> None:
    page, keyboard = desk_page, Keyboard(desk_page)
    page.set_viewport_size({"width": width, "height": height})
    keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed).to_be_visible()
    assert listed.locator("dt").all_inner_texts() == ["/", "↓ ↑", "r", "Enter", "Esc", "?"]
    check_accessibility(page)
    keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()

    if width < 768:
        keyboard.tab_to("#nav-open")
        keyboard.press(" ")
    keyboard.tab_to("[data-open-shortcuts]")
    keyboard.press("Enter")
    switch = page.get_by_role("checkbox", name="Use the shortcuts")
    expect(switch).to_be_focused()
    keyboard.press(" ", "Escape")
    expect(page.locator("[data-open-shortcuts]")).to_be_focused()

    for _ in ("now", "and when the page is opened again"):
        keyboard.press("/", "?", "r")
        expect(page.get_by_role("combobox", name="Quick search")).not_to_be_focused()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.reload()


def test_shortcut_key_in_a_field_types_a_letter(desk_page: Page, portal: str, patient: Patient) -> None:
    page = desk_page
    page.goto(f"{portal}/patients/")
    page.get_by_label("Last name").focus()
    page.keyboard.type("r/?")
    expect(page.get_by_label("Last name")).to_have_value("r/?")
    expect(page.get_by_role("dialog")).to_be_hidden()
