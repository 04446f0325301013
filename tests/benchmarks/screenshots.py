"""Retake the screenshots of README.md and docs/manual.

Starts its own demo, with its own delivery worker. Needs what `make test` needs, Chromium above all.
Staff pages are 1280 pixels wide. Family pages are 375 pixels wide, once in each language.

    make screenshots        # writes docs/images/desk, docs/images/family (English) and docs/images/familia (Spanish)
"""

import io
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.benchmarks.lighthouse import ROOT, serving

IMAGES: Final = ROOT / "docs/images"
FOLDERS: Final = {"en": "family", "es": "familia"}
MAX_BYTES: Final = 80_000
COLORS: Final = 64
# The address that the pictures show. Chromium resolves it to the local server.
PUBLIC_URL: Final = "http://portal.maplegrove.example"
PASSWORD: Final = "the kettle sings at seven"
QUESTION: Final = "What was the name of your family’s first pet?"


def main() -> None:
    # Playwright runs an event loop in this thread. No other thread of this process uses the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    os.environ["PUBLIC_URL"] = PUBLIC_URL
    with serving() as address, sync_playwright() as playwright:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        resolver_rule = f"MAP {urlsplit(PUBLIC_URL).hostname}:80 127.0.0.1:{urlsplit(address).port}"
        arguments = ["--no-sandbox", f"--host-resolver-rules={resolver_rule}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        expect.set_options(timeout=15_000)
        desk = Desk(browser)
        desk.take_registration()
        for language in FOLDERS:
            Family(browser, language).take_all(desk)
        desk.take_follow_up()
        browser.close()


def save_picture(png: bytes, path: Path) -> None:
    """Save a picture with few colors, which are enough for text. Raises AssertionError if it is larger than MAX_BYTES."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)!s:<44} {size / 1000:5.1f} kB")
    assert size <= MAX_BYTES, f"{path.name} has {size} bytes; the limit is {MAX_BYTES}"


def settle(page: Page) -> None:
    """Wait until nothing moves, and take the pointer off the buttons."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)


# --- The desk ---


class Desk:
    """A front-desk worker at a computer."""

    def __init__(self, browser: Browser) -> None:
        from registration.demo.staff import STAFF

        self.browser = browser
        self.page = self._signed_in(STAFF[0])

    def _signed_in(self, member: Any) -> Page:
        page = self.browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(PUBLIC_URL)
        page.get_by_label("Email").fill(member.email)
        page.get_by_label("Password").fill(member.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        return page

    def shoot(self, name: str, part: Locator | None = None, *, whole: bool = False) -> None:
        """Save a picture of the window, of one part of the page, or of the whole page."""
        height = self.page.evaluate("document.documentElement.scrollHeight") if whole else 0
        self.page.set_viewport_size({"width": 1280, "height": max(860, height)})
        settle(self.page)
        save_picture((part or self.page).screenshot(), IMAGES / "desk" / f"{name}.png")

    def take_registration(self) -> None:
        """Find a patient and send her mother one PIN for two children. Keeps the PIN for the family's pictures."""
        page = self.page
        page.get_by_role("link", name="Patient Administration").first.click()
        page.get_by_label("Last name").fill("lopez")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Select").first).to_be_visible()
        self.shoot("search")
        page.goto(PUBLIC_URL + path_of("García-López", "Sofía"))
        page.get_by_role("button", name="Register Patient").click()
        page.get_by_role("checkbox", name="Mateo García-López").check()
        self._acknowledge_risk()
        self.shoot("window")
        self._complete()
        self.shoot("completed", page.get_by_role("dialog"))
        self.pin = re.sub(r"\W", "", page.get_by_role("group", name="Registration PIN").inner_text())
        page.get_by_role("link", name="Done").click()
        expect(page.get_by_role("region", name="Registrations").get_by_text("Accepted", exact=True)).to_be_visible()
        self.shoot("account", whole=True)

    def _acknowledge_risk(self) -> None:
        self.page.get_by_label("The family understands that email and texts").check()

    def _complete(self) -> None:
        self.page.get_by_role("button", name="Complete Registration").click()
        expect(self.page.get_by_role("heading", name="Registration completed")).to_be_visible()

    def hand_over(self, language: str) -> Page:
        """Return a page that the family uses on the practice's screen.

        It has its own staff session, because handing over a screen signs the desk out.
        """
        from registration.demo.staff import STAFF

        page = self._signed_in(STAFF[0])
        page.goto(PUBLIC_URL + path_of("Whitfield", "William") + "register/")
        page.get_by_role("radio", name="Do not send PIN").check()
        page.get_by_label("Language of the message").select_option(language)
        page.get_by_role("button", name="Complete Registration").click()
        page.get_by_role("button", name="Hand this screen to the family").click()
        expect(page.locator("[data-kiosk]")).to_be_visible()
        page.set_viewport_size({"width": 375, "height": 667})
        return page

    def take_follow_up(self) -> None:
        """Take the pictures that show what families have done: call it after the pictures of the family pages."""
        self._take_windows()
        page = self.page
        page.goto(PUBLIC_URL + path_of("García-López", "Sofía"))
        self.shoot("who-has-access", page.get_by_role("region", name="Associations"))
        page.goto(PUBLIC_URL + path_of("Müller", "Jürgen"))
        self.shoot("failed-attempts", page.get_by_role("region", name="Registrations"))
        page.goto(PUBLIC_URL + self._request_access())
        self.shoot("merge-match", whole=True)
        page.goto(f"{PUBLIC_URL}/minor-age-limit/")
        self.shoot("age-limit")
        page.goto(PUBLIC_URL)
        self.shoot("dashboard")

    def _take_windows(self) -> None:
        """Open four registration windows without completing them."""
        page = self.page
        page.goto(PUBLIC_URL + path_of("Johansson", "Astrid"))
        page.get_by_role("button", name="Register Patient").click()
        page.get_by_role("radio", name="Verification Question").check()
        page.get_by_label("Question", exact=True).select_option(QUESTION)
        page.get_by_label("Answer").fill("Señor Bigotes")
        self.shoot("question", page.get_by_role("dialog"))
        page.goto(PUBLIC_URL + path_of("Nguyễn", "Minh"))
        page.get_by_role("button", name="Register Patient").click()
        self._acknowledge_risk()
        page.get_by_role("button", name="Complete Registration").click()
        expect(page.get_by_text("Before you send")).to_be_visible()
        self.shoot("before-you-send", page.get_by_role("dialog"))
        page.goto(PUBLIC_URL + create_account_for("Whitfield", "William"))
        page.get_by_role("button", name="Register Patient").click()
        expect(page.get_by_text("This family already has an account")).to_be_visible()
        self.shoot("existing-account", page.get_by_role("dialog"))
        page.goto(PUBLIC_URL + path_of("García-López", "Mateo"))
        page.get_by_role("link", name="Add Proxy").click()
        expect(page.get_by_label("Last day of access")).to_be_visible()
        self.shoot("proxy", whole=True)

    def _request_access(self) -> str:
        """Request access for one of two twins, as their father. Return the path of the Merge Match page."""
        from tests import factories

        child = patient("Okafor", "Ada")
        father = factories.an_account("chidi.okafor@mail.example", "Chidi", "Okafor", "+16125550110")
        fields = {"street": child.street, "postal_code": child.postal_code, "relationship": "father"}
        request = factories.a_self_registration(child.practice, father, "Ada", "Okafor", child.birth_date, **fields)
        return f"/matches/{request.pk}/"


# --- A family, in its language ---


class Family:
    """A parent with a phone, who reads one language."""

    def __init__(self, browser: Browser, language: str) -> None:
        self.browser, self.language = browser, language
        self.page = self._new_phone()

    def _new_phone(self) -> Page:
        context = self.browser.new_context(
            viewport={"width": 375, "height": 667}, locale=self.language, device_scale_factor=1.5, has_touch=True
        )
        return context.new_page()

    def shoot(self, name: str, page: Page | None = None) -> None:
        page = page or self.page
        settle(page)
        save_picture(page.screenshot(full_page=True), IMAGES / FOLDERS[self.language] / f"{name}.png")

    def translated(self, text: str) -> str:
        from django.utils import translation
        from django.utils.translation import gettext

        with translation.override(self.language):
            return gettext(text)

    def expect_heading(self, heading: str, page: Page | None = None) -> None:
        heading = self.translated(heading)
        expect((page or self.page).get_by_role("heading", level=1, name=heading)).to_be_visible()

    def submit(self, button: str = "Continue") -> None:
        self.page.get_by_role("button", name=self.translated(button), exact=True).click()

    def enter_birth_date(self, child: Any) -> None:
        birth_date = child.birth_date
        self.page.get_by_label(self.translated("Month")).select_option(str(birth_date.month))
        self.page.get_by_label(self.translated("Day")).fill(str(birth_date.day))
        self.page.get_by_label(self.translated("Year")).fill(str(birth_date.year))

    def take_all(self, desk: Desk) -> None:
        self._take_sign_up(desk)
        self._take_home()
        self.page = self._new_phone()
        self._take_start_pages()
        screen = desk.hand_over(self.language)
        self.expect_heading("Let’s get started", screen)
        self.shoot("practice-screen", screen)
        screen.context.close()

    def _take_sign_up(self, desk: Desk) -> None:
        """Go from the message to the account: in English as the mother, in Spanish as the grandmother."""
        sofia, mateo = patient("García-López", "Sofía"), patient("García-López", "Mateo")
        if self.language == "en":
            first_name, last_name, relationship = "Elena", "García", "Mother"
            message = newest_mail(desk.pin)
            self._take_sheet(issue([mateo], "Sam Reyes", "Neighbor"))
        else:
            first_name, last_name, relationship = "Rosa", "López", "Grandparent"
            registration = issue([sofia, mateo], "Rosa López", "Abuela", email="rosa.lopez@mail.example", language="es")
            message = newest_mail("Rosa López")
            self._take_sheet(registration)
        self.page.set_content(message.replace('target="_blank"', ""))
        self.shoot("message")
        self.page.goto(start_link(message))
        self.expect_heading("Let’s get started")
        self.enter_birth_date(sofia)
        self.shoot("with-a-pin")
        self.submit()
        expect(self.page.get_by_role("button", name=self.translated("Skip for now"))).to_be_visible()
        self.enter_birth_date(mateo)
        self.shoot("another-child")
        self.submit()
        self.expect_heading("About you")
        self.page.get_by_label(self.translated("Your first name")).fill(first_name)
        self.page.get_by_label(self.translated("Your last name")).fill(last_name)
        self.page.get_by_label(self.translated("Your relationship to the child")).select_option(
            self.translated(relationship)
        )
        self.shoot("about-you")
        self.submit()
        self.expect_heading("Your account")
        self.page.get_by_label(self.translated("Password"), exact=True).fill(PASSWORD)
        self.page.get_by_label(self.translated("I accept the terms of use")).check()
        self.shoot("your-account")
        self.submit("Create my account")
        self.expect_heading("My children")

    def _take_home(self) -> None:
        self.shoot("home")
        self.page.goto(f"{PUBLIC_URL}/accounts/2fa/")
        self.expect_heading("Sign-in settings")
        self.shoot("passkeys")

    def _take_sheet(self, registration: Any) -> None:
        from registration.communications import pin_sheet

        sheet = pin_sheet.render(pin_sheet.sheet_for(registration, pin_of(registration)))
        with pypdfium2.PdfDocument(sheet) as document:
            png = io.BytesIO()
            document[0].render(scale=1.1).to_pil().save(png, "PNG")
        save_picture(png.getvalue(), IMAGES / FOLDERS[self.language] / "sheet.png")

    def _take_start_pages(self) -> None:
        self.page.goto(f"{PUBLIC_URL}/start/?practice=maple-grove-pediatrics&lang={self.language}")
        self.shoot("start")
        for name, path in (("sign-in", "sign-in"), ("help", "help-signing-in"), ("without-a-pin", "request-access")):
            self.page.goto(f"{PUBLIC_URL}/start/{path}/")
            self.shoot(name)
        self._take_no_match()
        self._take_question()

    def _take_no_match(self) -> None:
        """Enter a PIN with a wrong date of birth.

        In English it is a real PIN, three times: the desk's picture of the account page shows these attempts.
        """
        pin, attempts = "K7QF2M9TXB4C", 1
        if self.language == "en":
            pin, attempts = pin_of(issue([patient("Müller", "Jürgen")], "Heidi Müller", "Mother")).shown, 3
        for _ in range(attempts):
            self.page.goto(f"{PUBLIC_URL}/start/")
            self.page.get_by_label("PIN", exact=True).fill(pin)
            self.enter_birth_date(patient("García-López", "Sofía"))
            self.submit()
        expect(self.page.get_by_role("alert")).to_be_visible()
        self.shoot("no-match")

    def _take_question(self) -> None:
        child, aunt = patient("Johansson", "Astrid"), {"en": "Karin Berg", "es": "Inés Prado"}[self.language]
        issue([child], aunt, "Aunt", email="aunt@mail.example", language=self.language, question=QUESTION)
        self.page.goto(start_link(newest_mail(aunt)))
        self.enter_birth_date(child)
        self.submit()
        self.expect_heading("One question")
        self.shoot("question")


# --- What is in the demo ---


def patient(family_name: str, given_names: str) -> Any:
    """Return the patient of the demo. Those that registration.demo describes have the lowest MRNs."""
    from patients.models import Patient

    found = Patient.objects.select_related("practice").filter(family_name=family_name, given_names=given_names)
    return found.order_by("mrn")[0]


def path_of(family_name: str, given_names: str) -> str:
    path: str = patient(family_name, given_names).get_absolute_url()
    return path


def create_account_for(family_name: str, given_names: str) -> str:
    """Create an account for the patient's first contact. Return the path of the Patient Account page."""
    from tests import factories

    child = patient(family_name, given_names)
    contact = child.contacts.current()[0]
    factories.an_account(contact.email, contact.given_names, contact.family_name, contact.phone)
    path: str = child.get_absolute_url()
    return path


def issue(
    patients: list[Any],
    name: str,
    relationship: str,
    *,
    email: str = "",
    language: str = "en",
    question: str = "",
) -> Any:
    """Issue a registration at the front desk: by email to `email`, otherwise in person."""
    from portal.audit import Actor
    from portal.models import User
    from registration.values import ByEmail, ByPin, ByQuestion, InPerson, Recipient
    from tests.factories import issue_registration

    desk = User.objects.get(email="frontdesk@maplegrove.example")
    contact = patients[0].contacts.current().filter(given_names=name.split(" ")[0]).first()
    return issue_registration(
        patients,
        Recipient(name=name, relationship=relationship, contact=contact),
        actor=Actor(user=desk, name=desk.email),
        method=ByQuestion(question, "Señor Bigotes") if question else ByPin(),
        delivery=ByEmail(email) if email else InPerson(),
        language=language,
        identified_by="photo_id",
        risk_acknowledged=bool(email),
        override_reasons={"of_age": "Astrid agrees, and signed for it."},
    )


def pin_of(registration: Any) -> Any:
    from registration.issuing import pin_display

    pin = pin_display.find_pin(registration, session_key="a-session")
    assert pin, "the PIN can be displayed for 15 minutes"
    return pin


def newest_mail(text: str) -> str:
    """Return the HTML of the newest email that contains `text`. Waits up to 30 seconds for the delivery worker."""
    from notifications import demo_mailbox

    for _ in range(120):
        for received in sorted(demo_mailbox.all_mail(), key=lambda received: received.at, reverse=True):
            body = received.mail.get_body(("html",))
            html = str(body.get_content()) if body else ""
            if text in re.sub(r"\W", "", html) + html:
                return html
        time.sleep(0.25)
    raise SystemExit(f"No email contains {text}.")


def start_link(message: str) -> str:
    found = re.search(r'href="(http[^"]+/start/[^"]*#(?:pin|q)=[^"]+)"', message)
    assert found, message
    return found[1].replace("&amp;", "&")


if __name__ == "__main__":
    main()
