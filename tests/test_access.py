"""Access to every URL: for each role, for staff of another practice, for families, and for visitors."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from django.urls import resolve, reverse
from pytest_django import DjangoDbBlocker, Settings

from notifications import demo_mailbox
from patients.models import Patient
from portal.access import PERMISSIONS, Permission
from portal.audit import Actor
from portal.models import AuditEvent, Membership, Practice, User
from registration.models import Association, Decline, Registration, SelfRegistration
from registration.values import ByEmail
from tests import factories
from tests.factories import issue_registration
from tests.routes import ALL, MOVED, OURS

Role = Membership.Role


FAMILY = {route: pattern.callback.family for route, pattern in OURS if hasattr(pattern.callback, "family")}
DESK = [route for route, _ in OURS if route not in FAMILY]
KIOSK = "start/kiosk/"  # the only URL under start/ that staff use

ACCOUNTS = sorted({route for route, _ in ALL if route.startswith("accounts/")})


@dataclass
class Fixtures:
    """One record of each kind that a URL can contain, all of one practice and one family."""

    practice: Practice
    actor: Actor
    patient: Patient
    registration: Registration
    message: str
    association: Association
    self_registration: SelfRegistration


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": "notifications.demo_mailbox.Backend",
        "DEMO_MAILBOX": tmp_path_factory.mktemp("mailbox") / "box",
    }


@pytest.fixture(scope="module")
def shared_fixtures(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, mailbox: dict[str, Any]
) -> Iterator[Fixtures]:
    """Create the records once for all tests. Each test runs in a savepoint, and the records are rolled back at the end."""
    with ExitStack() as stack:
        with django_db_blocker.unblock(), override_settings(**mailbox):
            stack.enter_context(transaction.atomic())
            fixtures = make_fixtures()
        yield fixtures
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            stack.close()


def make_fixtures() -> Fixtures:
    practice = factories.a_practice()
    patient = factories.a_patient(practice)
    mother = factories.a_contact(patient)
    user = factories.a_member(practice, name="Dana Fields")
    actor = Actor(user=user, name=user.email, address="192.0.2.7")
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    call_command("deliver", "--once", verbosity=0)
    (received,) = demo_mailbox.all_mail()
    account = factories.an_account()
    self_registration = factories.a_self_registration(practice, account)
    Decline.objects.create(patient=patient, reason="Prefers to call.", by=user)
    association = factories.an_association(account, patient)
    return Fixtures(practice, actor, patient, registration, received.key, association, self_registration)


@pytest.fixture
def fixtures(shared_fixtures: Fixtures, db: None, settings: Settings, mailbox: dict[str, Any]) -> Fixtures:
    for name, value in mailbox.items():
        setattr(settings, name, value)
    return shared_fixtures


@pytest.fixture
def practice(fixtures: Fixtures) -> Practice:
    return fixtures.practice


@pytest.fixture
def actor(fixtures: Fixtures) -> Actor:
    return fixtures.actor


def url(route: str, fixtures: Fixtures) -> str:
    filled = (
        route.replace("<uuid:patient_id>", str(fixtures.patient.pk))
        .replace("<uuid:registration_id>", str(fixtures.registration.pk))
        .replace("<uuid:association_id>", str(fixtures.association.pk))
        .replace("<uuid:self_registration_id>", str(fixtures.self_registration.pk))
        .replace("<uuid:asked_id>", str(fixtures.self_registration.pk))
        .replace("<str:key>", fixtures.message)
        .replace("<slug:slug>", fixtures.patient.practice.slug)
    )
    assert "<" not in filled, f"tests/test_access.py does not know how to fill {route}"
    return f"/{filled}"


def request(client: Client, route: str, fixtures: Fixtures) -> Any:
    """Send a GET request, or a POST request if the view allows only that."""
    path = url(route, fixtures)
    contact = str(fixtures.patient.contacts.get().pk)
    form_data = {"practice": str(fixtures.patient.practice_id), "contact": contact, "channel": "email"}
    response = client.get(path)
    return client.post(path, form_data) if response.status_code == 405 else response


@pytest.mark.parametrize("route", [route for route, _ in MOVED])
def test_earlier_address_redirects_to_a_current_page(client: Client, fixtures: Fixtures, route: str) -> None:
    response = client.get(url(route, fixtures), {"a": "b"})
    assert response.status_code == 302
    assert resolve(response.headers["Location"].removesuffix("?a=b")).route in dict(OURS)


# --- The desk ---


@pytest.mark.parametrize("route", [*DESK, KIOSK])
def test_visitor_is_redirected_to_staff_sign_in(client: Client, fixtures: Fixtures, route: str) -> None:
    response = request(client, route, fixtures)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("route", [*DESK, KIOSK])
@pytest.mark.parametrize("role", list(Role))
def test_staff_get_a_page_only_with_its_permission(
    client: Client, fixtures: Fixtures, practice: Practice, role: Role, route: str
) -> None:
    client.force_login(factories.a_member(practice, role, "somebody@maplegrove.example"))
    allowed = _permission(dict(OURS)[route].callback) in PERMISSIONS[role]
    expected = {410} if route.endswith("sheet.pdf") else {200, 302, 422}
    assert request(client, route, fixtures).status_code in (expected if allowed else {403})


@pytest.mark.parametrize("route", [route for route in DESK if "<" in route or route == "practice/"])
def test_record_of_another_practice_is_not_found(
    client: Client, fixtures: Fixtures, other_practice: Practice, route: str
) -> None:
    client.force_login(factories.a_member(other_practice, Role.MANAGER, "manager@harborstreet.example"))
    assert request(client, route, fixtures).status_code == 404


@pytest.mark.parametrize("route", [*DESK, KIOSK])
def test_administrator_without_a_practice_is_redirected_to_the_administration(
    client: Client, fixtures: Fixtures, route: str
) -> None:
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    response = request(client, route, fixtures)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("route", [*DESK, KIOSK])
def test_staff_without_a_practice_are_refused(client: Client, fixtures: Fixtures, route: str) -> None:
    client.force_login(factories.a_member(None, email="new@maplegrove.example"))
    assert request(client, route, fixtures).status_code == 403


@pytest.mark.parametrize("route", [*DESK, KIOSK])
def test_family_is_redirected_from_staff_pages_to_family_home(client: Client, fixtures: Fixtures, route: str) -> None:
    client.force_login(fixtures.association.account.user)
    response = request(client, route, fixtures)
    assert (response.status_code, response.headers["Location"]) == (302, "/family/")


# --- The family ---

PUBLIC = [route for route, audience in FAMILY.items() if audience == "everybody"]
ACCOUNT_REQUIRED = [route for route, audience in FAMILY.items() if audience == "families"]


@pytest.mark.parametrize("route", PUBLIC)
def test_public_family_page_answers_a_visitor(client: Client, fixtures: Fixtures, route: str) -> None:
    """A step of sign-up out of turn redirects to the right step. An invalid passkey is a bad request."""
    assert request(client, route, fixtures).status_code in {200, 302, 400, 404 if "logo" in route else 200}


@pytest.mark.parametrize("route", ACCOUNT_REQUIRED)
def test_visitor_is_redirected_to_family_sign_in(client: Client, fixtures: Fixtures, route: str) -> None:
    response = request(client, route, fixtures)
    assert (response.status_code, response.headers["Location"]) == (302, "/start/sign-in/")


@pytest.mark.parametrize("route", ACCOUNT_REQUIRED)
def test_staff_without_a_portal_account_are_refused_family_pages(
    client: Client, fixtures: Fixtures, actor: Actor, route: str
) -> None:
    assert actor.user is not None
    client.force_login(actor.user)
    assert request(client, route, fixtures).status_code == 403


@pytest.mark.parametrize("route", ACCOUNT_REQUIRED)
def test_family_gets_its_own_pages(client: Client, fixtures: Fixtures, route: str) -> None:
    client.force_login(fixtures.association.account.user)
    # This family has no pending offer, confirmation or question, so these pages may not be found.
    not_found = {404} if "<" in route else set()
    assert request(client, route, fixtures).status_code in {200, 302, 422} | not_found


@pytest.mark.parametrize("route", [route for route in ACCOUNT_REQUIRED if "<" in route])
def test_record_of_another_family_is_not_found(client: Client, fixtures: Fixtures, route: str) -> None:
    client.force_login(factories.an_account(email="other@families.example").user)
    assert request(client, route, fixtures).status_code == 404


def test_every_staff_view_requires_a_permission() -> None:
    assert {route for route in [*DESK, KIOSK] if _permission(dict(OURS)[route].callback) is None} == set()


def _permission(view: Any) -> Permission | None:
    while view is not None:
        if permission := getattr(view, "permission", None):
            return Permission(permission)
        view = getattr(view, "__wrapped__", None)
    return None


# --- The administration ---


def admin_lists() -> list[str]:
    return [
        reverse(f"admin:{pattern.name}") for _, pattern in ALL if pattern.name and pattern.name.endswith("_changelist")
    ]


@pytest.fixture
def administrator(db: None) -> User:
    return factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True)


@pytest.mark.parametrize("path", ["/admin/", *admin_lists()])
def test_administration_is_only_for_administrators(
    client: Client, practice: Practice, administrator: User, path: str
) -> None:
    assert client.get(path).status_code == 302
    client.force_login(factories.a_member(practice, Role.MANAGER, "manager@maplegrove.example"))
    assert client.get(path).status_code in {302, 403}
    client.force_login(administrator)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("model", ["registration_registration", "notifications_outgoingmessage", "portal_auditevent"])
def test_read_only_record_can_be_viewed_and_shows_no_secret(
    client: Client, fixtures: Fixtures, administrator: User, model: str
) -> None:
    client.force_login(administrator)
    objects = {
        "registration_registration": fixtures.registration.pk,
        "notifications_outgoingmessage": fixtures.registration.message_id,
        "portal_auditevent": 1,
    }
    if model == "portal_auditevent":
        objects[model] = AuditEvent.objects.earliest("id").pk
    path = reverse(f"admin:{model}_change", args=[objects[model]])
    page = client.get(path)
    assert page.status_code == 200
    html = page.content.decode()
    assert not re.search(r'name="_(save|continue|addanother|saveasnew)"|class="deletelink"', html)
    assert fixtures.registration.digest not in html
    assert client.post(path, {"state": "x"}).status_code == 403
    assert client.post(path.replace("change", "delete"), {"post": "yes"}).status_code == 403


# --- Sign-in and the user's own account: allauth's URLs ---

CLOSED = {"accounts/email/", "accounts/signup/"}
FOR_VISITORS = {
    "accounts/login/",
    "accounts/inactive/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/confirm-email/",
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
}


def account_url(route: str) -> str:
    filled = route.replace("<int:pk>", "1").replace(r"^confirm-email/(?P<key>[-:\w]+)/$", "confirm-email/a-key/")
    assert not set("<^$") & set(filled), f"tests/test_access.py does not know how to fill {route}"
    return f"/{filled}"


@pytest.mark.parametrize("route", ACCOUNTS)
def test_account_url_answers_a_visitor(client: Client, practice: Practice, route: str) -> None:
    status = client.get(account_url(route)).status_code
    if route in CLOSED:
        assert status == 404
    elif route in FOR_VISITORS:
        assert status == 200
    else:
        assert status in {302, 401, 404, 405}
    assert client.post(account_url(route)).status_code in {200, 302, 400, 403, 404, 405}


@pytest.mark.parametrize("route", ACCOUNTS)
@pytest.mark.parametrize("role", [*Role, "administrator", "without a practice"])
def test_account_url_answers_a_signed_in_user(
    client: Client, practice: Practice, administrator: User, role: str, route: str
) -> None:
    if role == "administrator":
        client.force_login(administrator)
    else:
        member_practice = None if role == "without a practice" else practice
        client.force_login(factories.a_member(member_practice, role, "somebody@maplegrove.example"))
    status = client.get(account_url(route)).status_code
    assert status == 404 if route in CLOSED else status in {200, 204, 302, 403, 404, 405}
    assert client.post(account_url(route)).status_code in {200, 302, 400, 403, 404, 405}


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/signup/"])
def test_staff_cannot_sign_up_or_change_their_email(client: Client, practice: Practice, path: str) -> None:
    assert client.get(path).status_code == 404
    client.force_login(factories.a_member(practice, email="somebody@maplegrove.example"))
    assert client.post(path, {"email": "x@y.example"}).status_code == 404


def test_form_with_a_stale_csrf_token_is_answered_with_an_explanation(practice: Practice) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.a_member(practice, email="somebody@maplegrove.example"))
    response = client.post("/practice/", {"practice": str(practice.pk)})
    assert response.status_code == 403
    assert "This page has expired" in response.content.decode()
