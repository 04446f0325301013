"""Run the portal and its delivery worker for a real browser, and check pages with axe."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect
from pytest_django import Settings

from notifications import delivery
from portal.models import Logo, Practice, User
from registration.demo import logos
from tests import factories, markup

AXE = (Path(__file__).parent.parent / "vendor/axe-4.14.1.min.js").read_text()
SIZES = [
    ViewportSize(width=1280, height=800),
    ViewportSize(width=375, height=667),
    ViewportSize(width=320, height=256),  # a window of 1280 by 1024 pixels at 400% zoom
]
# The headless shell draws no tabs and toolbars, so a test starts in a tenth of the time.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {**browser_type_launch_args, "executable_path": chromium, "args": quiet}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def portal(live_server: Any, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the portal and its delivery worker. Return the URL. Mail goes to the demo mailbox."""
    settings.EMAIL_BACKEND = "notifications.demo_mailbox.Backend"
    settings.DEMO_MAILBOX = tmp_path / "mailbox"
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(delivery, "POLL_EVERY", timedelta(seconds=0.1))  # so that tests do not wait for mail
    stop = threading.Event()

    def work() -> None:
        delivery.run(stop=stop)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    yield live_server.url
    stop.set()
    worker.join()


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    practice = factories.a_practice()
    Logo.objects.create(practice=practice, png=logos.draw_maple_leaf())
    return practice


@pytest.fixture
def sign_in(portal: str) -> Callable[[Page, User], None]:
    def sign_in(page: Page, user: User) -> None:
        page.goto(portal)
        page.get_by_label("Email").fill(user.email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    return sign_in


@pytest.fixture
def desk_page(context: BrowserContext, page: Page, front_desk: User, portal: str) -> Page:
    """Return a page that is signed in as the front desk."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => { throw new Error('CSP: ' + e.violatedDirective) })"
    )
    client = Client()
    client.force_login(front_desk)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": portal}])
    page.goto(portal)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    return page


# Everything that the result of axe depends on. It is empty for a page with a frame, because a frame is a document of
# its own, so such a page is always checked.
STATE = """() => document.querySelector("iframe") ? "" : [
    document.documentElement.outerHTML, innerWidth, innerHeight, scrollX, scrollY, document.getAnimations().length,
    ["prefers-color-scheme: dark", "prefers-reduced-motion: reduce"].map(query => matchMedia(`(${query})`).matches),
    [":focus", ":hover", ":checked", ":modal", ":invalid", ":placeholder-shown"].map(
        selector => [selector, ...[...document.querySelectorAll(selector)].map(element => element.outerHTML)]),
].flat(2).join("\\n")"""
_accessible: set[str] = set()


def check_accessibility(page: Page) -> None:
    """Check with axe that the page has no violation, in the state that it is in.

    Many tests open the same pages. If only numbers and keys differ, a page is checked once in each process.
    """
    _settle(page)
    state = markup.VARIABLE_PARTS.sub("", page.evaluate(STATE))
    if state in _accessible:
        return
    check_rules(page, WCAG)
    if state:
        _accessible.add(state)


def _settle(page: Page) -> None:
    page.wait_for_load_state()
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    if markup.is_saving():
        markup.save(page.content())


def check_at_every_size(page: Page, sizes: Sequence[ViewportSize] = SIZES) -> None:
    """Check the page at each size in both themes. Its context must emulate reduced motion."""
    _settle(page)
    for size in sizes:
        page.set_viewport_size(size)
        check_rules(page, WCAG)
        check_dark_theme(page)
        check_width(page)
        check_nothing_covered(page)
        check_stillness(page)


def check_dark_theme(page: Page) -> None:
    """Check the colors of the dark theme without a reload, after a check of the light theme.

    The page must emulate reduced motion. Otherwise the colors would still be in transition.
    """
    page.emulate_media(color_scheme="dark")
    check_rules(page, ["color-contrast", "link-in-text-block"])
    page.emulate_media(color_scheme="light")


def check_rules(page: Page, rules: list[str]) -> None:
    """Check that axe finds no violation of these rules, which are rule ids or tags."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    violations = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(r => r.violations)", rules
    )
    assert not violations, "\n".join(
        f"{rule['id']}: {rule['help']}: {[node['html'][:160] + ' ' + node['failureSummary'] for node in rule['nodes']]}"
        for rule in violations
    )


def check_width(page: Page) -> None:
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"{page.url} is {too_wide} pixels too wide"


MOVING = """() => [...document.querySelectorAll("*")].filter(item => ["", "::before", "::after", "::backdrop"].some(part => {
    const style = getComputedStyle(item, part || null);
    return `${style.transitionDuration},${style.animationDuration}`.split(",").some(seconds => parseFloat(seconds) > 0.01);
})).map(item => item.outerHTML.slice(0, 120)).concat(document.getAnimations().map(String))"""


def check_stillness(page: Page) -> None:
    """Check that no transition or animation lasts longer than 10 ms. The page must emulate reduced motion."""
    assert page.evaluate(MOVING) == [], page.url


COVERED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(item => {
    item.focus();
    if (document.activeElement !== item || item.matches(".visually-hidden")) return false;
    const line = item.getClientRects()[0];
    const top = document.elementFromPoint(line.x + line.width / 2, line.y + Math.min(line.height, innerHeight) / 2);
    return !top || !(item.contains(top) || top.contains(item) || [...item.labels ?? []].some(label => label.contains(top)));
}).map(item => item.outerHTML.slice(0, 120))"""


def check_nothing_covered(page: Page) -> None:
    """Check that no control with the focus is covered by another part of the page, such as a sticky header."""
    assert page.evaluate(COVERED) == [], page.url
