"""The printed account page in a browser: black on white, without controls."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import User
from tests import factories, signup_steps
from tests.factories import issue_registration


def test_printed_account_page_has_no_controls_and_no_colors(
    page: Page,
    portal: str,
    patient: Patient,
    mother: Contact,
    front_desk: User,
    actor: Actor,
    sign_in: Callable[[Page, User], None],
) -> None:
    factories.an_association(factories.an_account("maria@families.example", "María", "Prado"), patient)
    issue_registration(patient, mother, actor=actor, delivery=signup_steps.by_email())
    sign_in(page, front_desk)
    page.goto(f"{portal}/patients/{patient.pk}/")
    expect(page.get_by_role("link", name="Remove Access")).to_be_visible()

    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("heading", name="García-López, Sofía")).to_be_visible()
    expect(page.get_by_text("María Prado").first).to_be_visible()
    for role in ("button", "navigation", "textbox"):
        for control in page.get_by_role(role).all():
            expect(control).to_be_hidden()
    expect(page.locator(".btn:visible")).to_have_count(0)
    styles_of_visible = (
        "[...document.querySelectorAll('.content, .content *')].filter(e => e.checkVisibility()).map(e => %s)"
    )
    assert set(page.evaluate(styles_of_visible % "getComputedStyle(e).color")) == {"rgb(0, 0, 0)"}
    white_or_none = {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
    assert set(page.evaluate(styles_of_visible % "getComputedStyle(e).backgroundColor")) <= white_or_none
    assert page.pdf(format="Letter").startswith(b"%PDF")
