"""The Patient Registration window in a browser: safety checks, siblings, an account, a match, a proxy."""

from collections.abc import Callable
from datetime import date, timedelta

from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from patients.models import Contact, Patient
from portal.models import AuditEvent, Practice, User
from registration.models import Registration, SelfRegistration
from tests import factories
from tests.factories import an_account
from tests.journeys.conftest import check_accessibility
from tests.journeys.desk_steps import (
    answer_required_questions,
    complete,
    expect_accepted,
    open_window,
    shown_pin,
)


def open_window_of(page: Page, patient: Patient) -> None:
    page.goto(f"{page.url.split('/patients/')[0].rstrip('/')}/patients/{patient.pk}/")
    open_window(page)


def test_barred_guardian_of_a_teen_needs_two_reasons(desk_page: Page, practice: Practice) -> None:
    page = desk_page
    lena = factories.a_patient(practice, "Lena", "Varga", birth_date=timezone.localdate() - timedelta(days=14 * 366))
    factories.a_contact(lena, "Igor", "Varga", email="igor@families.example", has_authority=False)
    open_window_of(page, lena)
    page.get_by_role("radio", name="Igor Varga").check()
    answer_required_questions(page)
    page.get_by_role("button", name="Complete Registration").click()

    asked = page.get_by_role("group", name="Before you send")
    expect(asked).to_contain_text("Igor Varga is marked as not authorized to see Lena’s record.")
    first = page.get_by_label("Why is this person allowed to see the record?")
    expect(first).to_be_focused()
    check_accessibility(page)
    page.keyboard.type("Court order of November 20")
    page.keyboard.press("Enter")

    second = page.get_by_label("Why should a guardian see this teen’s record?")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(first).to_have_value("Court order of November 20")
    expect(page.get_by_role("textbox", name="Email Address")).to_have_value("igor@families.example")
    check_accessibility(page)
    second.fill("Lena agrees")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Registration completed")).to_be_visible()
    told = AuditEvent.objects.get(action="registration_issued").details
    assert (told["confirmed authority"], told["confirmed teen"]) == ("Court order of November 20", "Lena agrees")


def test_safety_check_works_without_javascript(
    browser: Browser, portal: str, practice: Practice, front_desk: User, sign_in: Callable[[Page, User], None]
) -> None:
    lena = factories.a_patient(practice, "Lena", "Varga", birth_date=timezone.localdate() - timedelta(days=14 * 366))
    factories.a_contact(lena, "Igor", "Varga", email="igor@families.example")
    mark = factories.a_patient(practice, "Mark", "Varga", birth_date=date(2019, 1, 2))
    factories.a_contact(mark, "Igor", "Varga", email="igor@families.example")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, front_desk)
        page.goto(f"{portal}/patients/{lena.pk}/register/")
        answer_required_questions(page)
        page.get_by_label("Mark Varga").check()
        page.get_by_role("button", name="Complete Registration").click()
        reason = page.get_by_label("Why should a guardian see this teen’s record?")
        expect(reason).to_be_focused()
        expect(page.get_by_label("Mark Varga")).to_be_checked()
        reason.fill("Lena agrees")
        page.get_by_role("button", name="Complete Registration").click()
        expect(page.get_by_text("One PIN for Lena and Mark.")).to_be_visible()


def test_siblings_with_the_same_contact_share_one_pin(
    desk_page: Page, practice: Practice, patient: Patient, mother: Contact, father: Contact
) -> None:
    page = desk_page
    mateo = factories.a_patient(practice, "Mateo", "García-López", birth_date=date(2016, 5, 6))
    factories.a_contact(mateo)
    open_window_of(page, patient)
    also = page.get_by_label("Mateo García-López")
    also.check()
    page.get_by_role("radio", name="Pablo López").check()
    expect(page.get_by_role("group", name="Also for")).to_be_hidden()
    page.get_by_role("radio", name="Elena García").check()
    expect(also).to_be_visible()
    also.check()
    complete(page)
    expect(page.get_by_text("One PIN for Mateo and Sofía.")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect_accepted(page)
    page.goto(f"{page.url.split('/patients/')[0]}/patients/{mateo.pk}/")
    expect_accepted(page)
    assert Registration.objects.count() == 1


def test_existing_account_needs_no_pin(desk_page: Page, patient: Patient, mother: Contact, father: Contact) -> None:
    page = desk_page
    an_account()
    open_window_of(page, patient)
    add = page.get_by_role("radio", name="Add to this account")
    expect(add).to_be_checked()
    expect(page.get_by_role("group", name="Register Patient with")).to_be_hidden()
    page.get_by_role("radio", name="Pablo López").check()
    expect(add).to_be_hidden()
    expect(page.get_by_role("radio", name="PIN", exact=True)).to_be_visible()
    page.get_by_role("radio", name="Elena García").check()
    expect(add).to_be_visible()
    complete(page)
    expect(page.get_by_text("No PIN is needed.")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("region", name="Registrations").get_by_text("Accepted", exact=True)).to_be_visible()
    check_accessibility(page)


def test_waiting_self_registration_is_offered_first(
    desk_page: Page, practice: Practice, patient: Patient, father: Contact
) -> None:
    page = desk_page
    asked = SelfRegistration.objects.create(
        practice=practice,
        account=an_account(),
        given_names="Sofia",
        family_name="Garcia",
        birth_date=patient.birth_date,
        relationship="mother",
        likely=patient,
    )
    open_window_of(page, patient)
    window = page.get_by_role("dialog")
    match = window.get_by_role("link", name="Match request")
    expect(match).to_have_attribute("href", f"/matches/{asked.pk}/")
    expect(match).to_be_focused()
    window.get_by_role("link", name="Register someone else anyway").click()
    expect(page.get_by_role("button", name="Complete Registration")).to_be_visible()
    complete(page)
    assert shown_pin(page)


def test_send_again_replaces_the_pin(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    open_window_of(page, patient)
    complete(page)
    first = shown_pin(page)
    page.get_by_role("link", name="Done").click()
    expect_accepted(page)
    registration = Registration.objects.get()
    page.goto(f"{page.url.split('/patients/')[0]}/registrations/{registration.pk}/send-again/")
    check_accessibility(page)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("heading", name="Registration completed")).to_be_focused()
    check_accessibility(page)
    assert shown_pin(page) != first
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("region", name="Registrations").get_by_text("Replaced", exact=True)).to_be_visible()


def test_proxy_needs_an_authorization(desk_page: Page, patient: Patient, mother: Contact) -> None:
    page = desk_page
    page.goto(f"{page.url.rstrip('/')}/patients/{patient.pk}/proxy/")
    page.get_by_label("Name", exact=True).fill("Rosa Prado")
    page.get_by_label("Relationship to the patient").fill("Aunt")
    page.get_by_label("Access Level").select_option("Limited")
    page.get_by_label("Last day of access").fill((timezone.localdate() + timedelta(days=90)).isoformat())
    page.get_by_role("textbox", name="Email Address").fill("rosa@prado.example")
    answer_required_questions(page)
    page.get_by_role("button", name="Complete Registration").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the authorization, for example a court order.")
    check_accessibility(page)
    page.get_by_label("Authorization").fill("Written consent of the mother, on file")
    complete(page)
    assert shown_pin(page)
