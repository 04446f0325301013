"""The desk by keyboard alone: from the sign-in to the PIN, the keys counted; and a list that is never the wrong one."""

import pytest
from playwright.sync_api import Page, Route, expect

from patients.models import Contact, Patient
from portal.models import Practice, User
from tests import factories
from tests.journeys.conftest import check_accessibility

MOST_KEYS = 30  # beside what is typed for the sign-in and the name


class Keyboard:
    """Presses keys, counts them, and knows no mouse."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, *keys: str) -> None:
        self.page.wait_for_load_state()  # and with it for what listens to keys
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def tab_to(self, what: str) -> None:
        """Until the focus is on what matches the selector."""
        while not self.page.evaluate("what => document.activeElement.matches(what)", what):
            assert self.pressed < 2 * MOST_KEYS, f"{what} is not reached"
            self.press("Tab")


def the_quick_search(page: Page) -> Keyboard:
    keyboard = Keyboard(page)
    keyboard.press("/")
    expect(page.get_by_role("combobox", name="Quick search")).to_be_focused()
    return keyboard


def test_from_the_sign_in_to_the_pin(
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


def test_escape_from_the_window_goes_back_to_where_one_pressed_the_key(
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


def test_a_slow_answer_never_takes_the_place_of_a_newer_one(desk_page: Page, practice: Practice) -> None:
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


def test_did_you_mean_is_chosen_like_a_patient(desk_page: Page, practice: Practice) -> None:
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


def test_escape_goes_back_where_one_was(desk_page: Page, patient: Patient) -> None:
    page, keyboard = desk_page, Keyboard(desk_page)
    page.get_by_role("link", name="Patient Administration").focus()
    keyboard.press("/")
    page.keyboard.type("garcia")
    expect(page.get_by_role("option")).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("option")).to_be_hidden()
    keyboard.press("Escape")
    expect(page.get_by_role("link", name="Patient Administration")).to_be_focused()


def test_enter_without_a_choice_leads_to_the_page(desk_page: Page, patient: Patient) -> None:
    keyboard = the_quick_search(desk_page)
    desk_page.keyboard.type("sofia")
    keyboard.press("Enter")
    expect(desk_page.get_by_role("heading", name="1 patient")).to_be_visible()
    expect(desk_page.get_by_role("combobox", name="Quick search")).to_have_value("sofia")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 256)])  # 320 x 256: 1280 x 1024 at 400 %
def test_the_keys_are_listed_and_can_be_switched_off(desk_page: Page, width: int, height: int) -> None:
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


def test_a_key_that_is_typed_into_a_field_is_a_letter(desk_page: Page, portal: str, patient: Patient) -> None:
    page = desk_page
    page.goto(f"{portal}/patients/")
    page.get_by_label("Last name").focus()
    page.keyboard.type("r/?")
    expect(page.get_by_label("Last name")).to_have_value("r/?")
    expect(page.get_by_role("dialog")).to_be_hidden()
