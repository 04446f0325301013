"""A real browser on a running portal, with the delivery worker beside it, and axe at every page."""

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
    ViewportSize(width=320, height=256),  # a window of 1280 by 1024 at 400 %
]
# The headless shell has no tabs and toolbars to draw, so a test starts with it in a tenth of the time.
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
    """The address of a portal that runs with its worker; mail lands in the demo mailbox."""
    settings.EMAIL_BACKEND = "notifications.demo_mailbox.Backend"
    settings.DEMO_MAILBOX = tmp_path / "mailbox"
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(delivery, "POLL_EVERY", timedelta(seconds=0.1))  # a family waits for mail, a test need not
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
    """The front desk, which signed in before. What the browser complains of (a blocked style, a script error) fails a test."""
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


# All that axe's verdict depends on. A frame has a document of its own: a page with one is never taken for another.
STATE = """() => document.querySelector("iframe") ? "" : [
    document.documentElement.outerHTML, innerWidth, innerHeight, scrollX, scrollY, document.getAnimations().length,
    ["prefers-color-scheme: dark", "prefers-reduced-motion: reduce"].map(each => matchMedia(`(${each})`).matches),
    [":focus", ":hover", ":checked", ":modal", ":invalid", ":placeholder-shown"].map(
        each => [each, ...[...document.querySelectorAll(each)].map(found => found.outerHTML)]),
].flat(2).join("\\n")"""
_accessible: set[str] = set()


def check_accessibility(page: Page) -> None:
    """Check with axe that the page has no violation, in the state that it is in.

    Many tests pass through the same pages: where only numbers and keys differ, one look per process is enough.
    """
    _settle(page)
    state = markup.CHANGING.sub("", page.evaluate(STATE))
    if state in _accessible:
        return
    check_rules(page, WCAG)
    if state:
        _accessible.add(state)


def _settle(page: Page) -> None:
    page.wait_for_load_state()
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    if markup.is_kept():
        markup.keep(page.content())


def check_at_every_size(page: Page, sizes: Sequence[ViewportSize] = SIZES) -> None:
    """All is there and can be used, in both themes; for a page that was asked to hold still."""
    _settle(page)
    for size in sizes:
        page.set_viewport_size(size)
        check_rules(page, WCAG)
        check_dark_theme(page)
        check_width(page)
        check_nothing_covered(page)
        check_stillness(page)


def check_dark_theme(page: Page) -> None:
    """The dark theme's colours of a page that axe has looked at in the light one, without loading it anew.

    For a page that was asked to hold still: its colours would be on their way yet.
    """
    page.emulate_media(color_scheme="dark")
    check_rules(page, ["color-contrast", "link-in-text-block"])
    page.emulate_media(color_scheme="light")


def check_rules(page: Page, rules: list[str]) -> None:
    """Finds nothing by these rules of axe, or by the rules with these tags."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(r => r.violations)", rules
    )
    assert not found, "\n".join(
        f"{each['id']}: {each['help']}: {[node['html'][:160] + ' ' + node['failureSummary'] for node in each['nodes']]}"
        for each in found
    )


def check_width(page: Page) -> None:
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"{page.url} is {too_wide} pixels too wide"


MOVING = """() => [...document.querySelectorAll("*")].filter(each => ["", "::before", "::after", "::backdrop"].some(part => {
    const style = getComputedStyle(each, part || null);
    return `${style.transitionDuration},${style.animationDuration}`.split(",").some(lasts => parseFloat(lasts) > 0.01);
})).map(each => each.outerHTML.slice(0, 120)).concat(document.getAnimations().map(String))"""


def check_stillness(page: Page) -> None:
    """Nothing moves, or would, for longer than ten milliseconds; for a page that was asked to hold still."""
    assert page.evaluate(MOVING) == [], page.url


COVERED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(each => {
    each.focus();
    if (document.activeElement !== each || each.matches(".visually-hidden")) return false;
    const line = each.getClientRects()[0];
    const top = document.elementFromPoint(line.x + line.width / 2, line.y + Math.min(line.height, innerHeight) / 2);
    return !top || !(each.contains(top) || top.contains(each) || [...each.labels ?? []].some(label => label.contains(top)));
}).map(each => each.outerHTML.slice(0, 120))"""


def check_nothing_covered(page: Page) -> None:
    """Whatever gets the focus is seen, with no part of the page that stays over it."""
    assert page.evaluate(COVERED) == [], page.url
