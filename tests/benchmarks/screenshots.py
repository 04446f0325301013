"""Takes the pictures of README.md and docs/manual: the desk's pages at 1280 pixels, the family's at 375 in each language.

Serves a demo of its own, with its own delivery worker; needs what `make test` needs, a Chromium above all.

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
MOST_BYTES: Final = 80_000
COLORS: Final = 64
# What the pictures say instead of localhost and a port; Chromium is told where that is.
SHOWN: Final = "http://portal.maplegrove.example"
PASSWORD: Final = "the kettle sings at seven"
QUESTION: Final = "What was the name of your family’s first pet?"


def main() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop; the database is this thread's alone
    os.environ["PUBLIC_URL"] = SHOWN
    with serving() as address, sync_playwright() as playwright:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        here = f"MAP {urlsplit(SHOWN).hostname}:80 127.0.0.1:{urlsplit(address).port}"
        arguments = ["--no-sandbox", f"--host-resolver-rules={here}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        expect.set_options(timeout=15_000)
        desk = Desk(browser)
        desk.issue_by_email()
        for language in FOLDERS:
            Family(browser, language).take_all(desk)
        desk.look_after()
        browser.close()


def keep(png: bytes, path: Path) -> None:
    """Few colours are enough for pages of text. Raises AssertionError where the picture is heavy all the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)!s:<44} {size / 1000:5.1f} kB")
    assert size <= MOST_BYTES, f"{path.name} has {size} bytes, and may have {MOST_BYTES}"


def settle(page: Page) -> None:
    """No pointer over a button, nothing that moves, no cursor that blinks."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)


# --- The desk ---


class Desk:
    def __init__(self, browser: Browser) -> None:
        from registration.demo.staff import STAFF

        self.browser = browser
        self.page = self._signed_in(STAFF[0])

    def _signed_in(self, member: Any) -> Page:
        page = self.browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(SHOWN)
        page.get_by_label("Email").fill(member.email)
        page.get_by_label("Password").fill(member.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        return page

    def shoot(self, name: str, what: Page | Locator | None = None, *, whole: bool = False) -> None:
        height = self.page.evaluate("document.documentElement.scrollHeight") if whole else 0
        self.page.set_viewport_size({"width": 1280, "height": max(860, height)})
        settle(self.page)
        keep((what or self.page).screenshot(), IMAGES / "desk" / f"{name}.png")

    def issue_by_email(self) -> None:
        """The main job, for a mother with two children."""
        page = self.page
        page.get_by_role("link", name="Patient Administration").first.click()
        page.get_by_label("Last name").fill("lopez")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Select").first).to_be_visible()
        self.shoot("search")
        page.goto(SHOWN + path_of("García-López", "Sofía"))
        page.get_by_role("button", name="Register Patient").click()
        page.get_by_role("checkbox", name="Mateo García-López").check()
        self._say_that_they_know()
        self.shoot("window")
        self._complete()
        self.shoot("completed", page.get_by_role("dialog"))
        self.pin = re.sub(r"\W", "", page.get_by_role("group", name="Registration PIN").inner_text())
        page.get_by_role("link", name="Done").click()
        expect(page.get_by_role("region", name="Registrations").get_by_text("Accepted", exact=True)).to_be_visible()
        self.shoot("account", whole=True)

    def _say_that_they_know(self) -> None:
        self.page.get_by_label("They understand that others may be able to read").check()

    def _complete(self) -> None:
        self.page.get_by_role("button", name="Complete Registration").click()
        expect(self.page.get_by_role("heading", name="Registration completed")).to_be_visible()

    def hand_over(self, language: str) -> Page:
        """The screen in the family's hands, at another desk: it signs this one out."""
        from registration.demo.staff import STAFF

        page = self._signed_in(STAFF[0])
        page.goto(SHOWN + path_of("Whitfield", "William") + "register/")
        page.get_by_role("radio", name="Do not send PIN").check()
        page.get_by_label("Language of the message").select_option(language)
        page.get_by_role("button", name="Complete Registration").click()
        page.get_by_role("button", name="Hand this screen to the family").click()
        expect(page.locator("[data-kiosk]")).to_be_visible()
        page.set_viewport_size({"width": 375, "height": 667})
        return page

    def look_after(self) -> None:
        """What the desk sees and does once families are at it."""
        self._windows()
        page = self.page
        page.goto(SHOWN + path_of("García-López", "Sofía"))
        self.shoot("who-has-access", page.get_by_role("region", name="Associations"))
        page.goto(SHOWN + path_of("Müller", "Jürgen"))
        self.shoot("why-not", page.get_by_role("region", name="Registrations"))
        page.goto(SHOWN + self._ask_for_a_match())
        self.shoot("merge-match", whole=True)
        page.goto(f"{SHOWN}/minor-age-limit/")
        self.shoot("age-limit")
        page.goto(SHOWN)
        self.shoot("dashboard")

    def _windows(self) -> None:
        """Four windows that are opened and left."""
        page = self.page
        page.goto(SHOWN + path_of("Johansson", "Astrid"))
        page.get_by_role("button", name="Register Patient").click()
        page.get_by_role("radio", name="Verification Question").check()
        page.get_by_label("Question", exact=True).select_option(QUESTION)
        page.get_by_label("Answer").fill("Señor Bigotes")
        self.shoot("question", page.get_by_role("dialog"))
        page.goto(SHOWN + path_of("Nguyễn", "Minh"))
        page.get_by_role("button", name="Register Patient").click()
        self._say_that_they_know()
        page.get_by_role("button", name="Complete Registration").click()
        expect(page.get_by_text("Before you send")).to_be_visible()
        self.shoot("before-you-send", page.get_by_role("dialog"))
        page.goto(SHOWN + an_account_for("Whitfield", "William"))
        page.get_by_role("button", name="Register Patient").click()
        expect(page.get_by_text("This family already has an account")).to_be_visible()
        self.shoot("here-already", page.get_by_role("dialog"))
        page.goto(SHOWN + path_of("García-López", "Mateo"))
        page.get_by_role("link", name="Add proxy").click()
        expect(page.get_by_label("Last day of access")).to_be_visible()
        self.shoot("proxy", whole=True)

    def _ask_for_a_match(self) -> str:
        """The father of twins asks for one of them; the path of the comparison."""
        from tests import factories

        child = patient("Okafor", "Ada")
        chidi = factories.an_account("chidi.okafor@mail.example", "Chidi", "Okafor", "+16125550110")
        told = {"street": child.street, "postal_code": child.postal_code, "relationship": "father"}
        asked = factories.a_self_registration(child.practice, chidi, "Ada", "Okafor", child.birth_date, **told)
        return f"/matches/{asked.pk}/"


# --- A family, in its language ---


class Family:
    def __init__(self, browser: Browser, language: str) -> None:
        self.browser, self.language = browser, language
        self.page = self._a_phone()

    def _a_phone(self) -> Page:
        context = self.browser.new_context(
            viewport={"width": 375, "height": 667}, locale=self.language, device_scale_factor=1.5, has_touch=True
        )
        return context.new_page()

    def shoot(self, name: str, page: Page | None = None) -> None:
        page = page or self.page
        settle(page)
        keep(page.screenshot(full_page=True), IMAGES / FOLDERS[self.language] / f"{name}.png")

    def say(self, words: str) -> str:
        """As the pages say it."""
        from django.utils import translation
        from django.utils.translation import gettext

        with translation.override(self.language):
            return gettext(words)

    def seen(self, heading: str, page: Page | None = None) -> None:
        expect((page or self.page).get_by_role("heading", level=1, name=self.say(heading))).to_be_visible()

    def go_on(self, button: str = "Continue") -> None:
        self.page.get_by_role("button", name=self.say(button), exact=True).click()

    def type_date(self, child: Any) -> None:
        born = child.birth_date
        self.page.get_by_label(self.say("Month")).select_option(str(born.month))
        self.page.get_by_label(self.say("Day")).fill(str(born.day))
        self.page.get_by_label(self.say("Year")).fill(str(born.year))

    def take_all(self, desk: Desk) -> None:
        self._with_a_pin(desk)
        self._at_home()
        self.page = self._a_phone()
        self._other_doors()
        screen = desk.hand_over(self.language)
        self.seen("Let’s get started", screen)
        self.shoot("practice-screen", screen)
        screen.context.close()

    def _with_a_pin(self, desk: Desk) -> None:
        """From the message to the account: the mother by what the desk sent, the grandmother in Spanish."""
        sofia, mateo = patient("García-López", "Sofía"), patient("García-López", "Mateo")
        you = ("Elena", "García", "Mother") if self.language == "en" else ("Rosa", "López", "Grandparent")
        if self.language == "en":
            message = newest_mail(desk.pin)
        else:
            registration = issue([sofia, mateo], "Rosa López", "Abuela", email="rosa.lopez@mail.example", language="es")
            message = newest_mail("Rosa López")
            self._the_sheet(registration)
        if self.language == "en":
            self._the_sheet(issue([mateo], "Sam Reyes", "Neighbor"))
        self.page.set_content(message.replace('target="_blank"', ""))
        self.shoot("message")
        self.page.goto(html_link(message))
        self.seen("Let’s get started")
        self.type_date(sofia)
        self.shoot("with-a-pin")
        self.go_on()
        expect(self.page.get_by_role("button", name=self.say("Skip for now"))).to_be_visible()
        self.type_date(mateo)
        self.shoot("another-child")
        self.go_on()
        self.seen("About you")
        self.page.get_by_label(self.say("Your first name")).fill(you[0])
        self.page.get_by_label(self.say("Your last name")).fill(you[1])
        self.page.get_by_label(self.say("Your relationship to the child")).select_option(self.say(you[2]))
        self.shoot("about-you")
        self.go_on()
        self.seen("Your account")
        self.page.get_by_label(self.say("Password"), exact=True).fill(PASSWORD)
        self.page.get_by_label(self.say("I accept the terms of use")).check()
        self.shoot("your-account")
        self.go_on("Create my account")
        self.seen("My children")

    def _at_home(self) -> None:
        self.shoot("home")
        self.page.goto(f"{SHOWN}/accounts/2fa/")
        self.seen("Sign-in settings")
        self.shoot("passkeys")

    def _the_sheet(self, registration: Any) -> None:
        from registration.communications import pin_sheet
        from registration.issuing import pin_display

        pin = pin_display.find_pin(registration, session_key="a-session")
        if pin is None:
            return
        with pypdfium2.PdfDocument(pin_sheet.render(pin_sheet.sheet_for(registration, pin))) as document:
            png = io.BytesIO()
            document[0].render(scale=1.1).to_pil().save(png, "PNG")
        keep(png.getvalue(), IMAGES / FOLDERS[self.language] / "sheet.png")

    def _other_doors(self) -> None:
        start = f"{SHOWN}/start/?practice=maple-grove-pediatrics&lang={self.language}"
        self.page.goto(start)
        self.shoot("door")
        for name, path in (("sign-in", "sign-in"), ("help", "help-signing-in"), ("without-a-pin", "request-access")):
            self.page.goto(f"{SHOWN}/start/{path}/")
            self.shoot(name)
        self._wrong_pin()
        self._a_question()

    def _wrong_pin(self) -> None:
        """Three times with a date of birth that is not right: the desk sees why on the account page."""
        child = patient("Müller", "Jürgen")
        registration = issue([child], "Heidi Müller", "Mother") if self.language == "en" else None
        pin = pin_of(registration) if registration else "K7QF2M9TXB4C"
        for _ in range(3 if registration else 1):
            self.page.goto(f"{SHOWN}/start/")
            self.page.get_by_label("PIN", exact=True).fill(pin)
            self.type_date(patient("García-López", "Sofía"))
            self.go_on()
        expect(self.page.get_by_role("alert")).to_be_visible()
        self.shoot("did-not-open")

    def _a_question(self) -> None:
        child, aunt = patient("Johansson", "Astrid"), {"en": "Karin Berg", "es": "Inés Prado"}[self.language]
        issue([child], aunt, "Aunt", email="aunt@mail.example", language=self.language, question=QUESTION)
        self.page.goto(html_link(newest_mail(aunt)))
        self.type_date(child)
        self.go_on()
        self.seen("One question")
        self.shoot("question")


# --- What is in the demo ---


def patient(family_name: str, given_names: str) -> Any:
    from patients.models import Patient

    found = Patient.objects.select_related("practice").filter(family_name=family_name, given_names=given_names)
    return found.order_by("mrn")[0]  # the cast of registration.demo comes first


def path_of(family_name: str, given_names: str) -> str:
    path: str = patient(family_name, given_names).get_absolute_url()
    return path


def an_account_for(family_name: str, given_names: str) -> str:
    """Gives the patient's first contact an account; the path of the patient's page."""
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


def pin_of(registration: Any) -> str:
    from registration.issuing import pin_display

    pin = pin_display.find_pin(registration, session_key="a-session")
    assert pin
    shown: str = pin.shown
    return shown


def newest_mail(wanting: str) -> str:
    """The HTML of the newest mail that says this; the worker takes a moment."""
    from notifications import demo_mailbox

    for _ in range(120):
        for each in sorted(demo_mailbox.all_mail(), key=lambda received: received.at, reverse=True):
            body = each.mail.get_body(("html",))
            text = str(body.get_content()) if body else ""
            if wanting in re.sub(r"\W", "", text) + text:
                return text
        time.sleep(0.25)
    raise SystemExit(f"No mail says {wanting}.")


def html_link(message: str) -> str:
    found = re.search(r'href="(http[^"]+/start/[^"]*#(?:pin|q)=[^"]+)"', message)
    assert found, message
    return found[1].replace("&amp;", "&")


if __name__ == "__main__":
    main()
