"""Every address, for every role, for the other practice's staff and for nobody."""

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
from portal.models import Membership, Practice, User
from registration.models import Association, Decline, Registration, SelfRegistration
from registration.values import ByEmail
from tests import factories
from tests.factories import issue_registration
from tests.routes import ALL, MOVED, OURS

Role = Membership.Role


FAMILY = {route: pattern.callback.family for route, pattern in OURS if hasattr(pattern.callback, "family")}
DESK = [route for route, _ in OURS if route not in FAMILY]
HAND_OVER = "start/kiosk/"  # the one address of the family's side at which staff acts

ACCOUNTS = sorted({route for route, _ in ALL if route.startswith("accounts/")})


@dataclass
class Things:
    """One of each kind that an address can name, all of one practice and one family."""

    practice: Practice
    actor: Actor
    patient: Patient
    registration: Registration
    message: str
    association: Association
    asked: SelfRegistration


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": "notifications.demo_mailbox.Backend",
        "DEMO_MAILBOX": tmp_path_factory.mktemp("mailbox") / "box",
    }


@pytest.fixture(scope="module")
def shared_things(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, mailbox: dict[str, Any]
) -> Iterator[Things]:
    """Made once for hundreds of tests. Each works in a savepoint above it, and the last one takes it back."""
    with ExitStack() as stack:
        with django_db_blocker.unblock(), override_settings(**mailbox):
            stack.enter_context(transaction.atomic())
            things = make_things()
        yield things
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            stack.close()


def make_things() -> Things:
    practice = factories.a_practice()
    patient = factories.a_patient(practice)
    mother = factories.a_contact(patient)
    user = factories.a_member(practice, name="Dana Fields")
    actor = Actor(user=user, name=user.email, address="192.0.2.7")
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail("elena@families.example"))
    call_command("deliver", "--once", verbosity=0)
    (received,) = demo_mailbox.all_mail()
    account = factories.an_account()
    asked = factories.a_self_registration(practice, account)
    Decline.objects.create(patient=patient, reason="Prefers to ring.", by=user)
    association = factories.an_association(account, patient)
    return Things(practice, actor, patient, registration, received.key, association, asked)


@pytest.fixture
def things(shared_things: Things, db: None, settings: Settings, mailbox: dict[str, Any]) -> Things:
    for name, value in mailbox.items():
        setattr(settings, name, value)
    return shared_things


@pytest.fixture
def practice(things: Things) -> Practice:
    return things.practice


@pytest.fixture
def actor(things: Things) -> Actor:
    return things.actor


def address(route: str, things: Things) -> str:
    filled = (
        route.replace("<uuid:patient_id>", str(things.patient.pk))
        .replace("<uuid:registration_id>", str(things.registration.pk))
        .replace("<uuid:association_id>", str(things.association.pk))
        .replace("<uuid:self_registration_id>", str(things.asked.pk))
        .replace("<uuid:asked_id>", str(things.asked.pk))
        .replace("<str:key>", things.message)
        .replace("<slug:slug>", things.patient.practice.slug)
    )
    assert "<" not in filled, f"tests/test_access.py does not know how to fill {route}"
    return f"/{filled}"


def ask(client: Client, route: str, things: Things) -> Any:
    """As one looks at it; where there is nothing to look at, as one does it."""
    path = address(route, things)
    contact = str(things.patient.contacts.get().pk)
    filled_in = {"practice": str(things.patient.practice_id), "contact": contact, "channel": "email"}
    response = client.get(path)
    return client.post(path, filled_in) if response.status_code == 405 else response


@pytest.mark.parametrize("route", [route for route, _ in MOVED])
def test_earlier_address_redirects_to_a_current_page(client: Client, things: Things, route: str) -> None:
    response = client.get(address(route, things), {"a": "b"})
    assert response.status_code == 302
    assert resolve(response.headers["Location"].removesuffix("?a=b")).route in dict(OURS)


# --- The desk ---


@pytest.mark.parametrize("route", [*DESK, HAND_OVER])
def test_nobody_gets_to_sign_in_and_nothing_else(client: Client, things: Things, route: str) -> None:
    response = ask(client, route, things)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("route", [*DESK, HAND_OVER])
@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_what_its_permissions_say(
    client: Client, things: Things, practice: Practice, role: Role, route: str
) -> None:
    client.force_login(factories.a_member(practice, role, "somebody@maplegrove.example"))
    allowed = _permission(dict(OURS)[route].callback) in PERMISSIONS[role]
    expected = {410} if route.endswith("sheet.pdf") else {200, 302, 422}
    assert ask(client, route, things).status_code in (expected if allowed else {403})


@pytest.mark.parametrize("route", [route for route in DESK if "<" in route or route == "practice/"])
def test_for_the_other_practice_it_is_not_there(
    client: Client, things: Things, other_practice: Practice, route: str
) -> None:
    client.force_login(factories.a_member(other_practice, Role.MANAGER, "manager@harborstreet.example"))
    assert ask(client, route, things).status_code == 404


@pytest.mark.parametrize("route", [*DESK, HAND_OVER])
def test_an_administrator_without_a_practice_is_led_to_the_administration(
    client: Client, things: Things, route: str
) -> None:
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    response = ask(client, route, things)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("route", [*DESK, HAND_OVER])
def test_somebody_without_a_practice_is_told(client: Client, things: Things, route: str) -> None:
    client.force_login(factories.a_member(None, email="new@maplegrove.example"))
    assert ask(client, route, things).status_code == 403


@pytest.mark.parametrize("route", [*DESK, HAND_OVER])
def test_a_family_is_led_home(client: Client, things: Things, route: str) -> None:
    client.force_login(things.association.account.user)
    response = ask(client, route, things)
    assert (response.status_code, response.headers["Location"]) == (302, "/family/")


# --- The family ---

FOR_EVERYBODY = [route for route, whose in FAMILY.items() if whose == "everybody"]
FOR_FAMILIES = [route for route, whose in FAMILY.items() if whose == "families"]


@pytest.mark.parametrize("route", FOR_EVERYBODY)
def test_everybody_is_answered_at_the_familys_door(client: Client, things: Things, route: str) -> None:
    """A step that was not reached leads back to the one that is next; a passkey that is none is a bad request."""
    assert ask(client, route, things).status_code in {200, 302, 400, 404 if "logo" in route else 200}


@pytest.mark.parametrize("route", FOR_FAMILIES)
def test_nobody_gets_to_the_familys_sign_in(client: Client, things: Things, route: str) -> None:
    response = ask(client, route, things)
    assert (response.status_code, response.headers["Location"]) == (302, "/start/sign-in/")


@pytest.mark.parametrize("route", FOR_FAMILIES)
def test_staff_without_a_portal_account_has_no_family(client: Client, things: Things, actor: Actor, route: str) -> None:
    assert actor.user is not None
    client.force_login(actor.user)
    assert ask(client, route, things).status_code == 403


@pytest.mark.parametrize("route", FOR_FAMILIES)
def test_a_family_gets_its_own_pages(client: Client, things: Things, route: str) -> None:
    client.force_login(things.association.account.user)
    not_now = {404} if "<" in route else set()  # no offer, nothing to confirm later, nothing was asked
    assert ask(client, route, things).status_code in {200, 302, 422} | not_now


@pytest.mark.parametrize("route", [route for route in FOR_FAMILIES if "<" in route])
def test_for_another_family_it_is_not_there(client: Client, things: Things, route: str) -> None:
    client.force_login(factories.an_account(email="other@families.example").user)
    assert ask(client, route, things).status_code == 404


def test_every_view_of_ours_demands_a_permission() -> None:
    assert {route for route in [*DESK, HAND_OVER] if _permission(dict(OURS)[route].callback) is None} == set()


def _permission(view: Any) -> Permission | None:
    while view is not None:
        if permission := getattr(view, "permission", None):
            return Permission(permission)
        view = getattr(view, "__wrapped__", None)
    return None


# --- The administration ---


def admin_lists() -> list[str]:
    return [reverse(f"admin:{each.name}") for _, each in ALL if each.name and each.name.endswith("_changelist")]


@pytest.fixture
def administrator(db: None) -> User:
    return factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True)


@pytest.mark.parametrize("path", ["/admin/", *admin_lists()])
def test_the_administration_is_for_administrators(
    client: Client, practice: Practice, administrator: User, path: str
) -> None:
    assert client.get(path).status_code == 302
    client.force_login(factories.a_member(practice, Role.MANAGER, "manager@maplegrove.example"))
    assert client.get(path).status_code in {302, 403}
    client.force_login(administrator)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("model", ["registration_registration", "notifications_outgoingmessage", "portal_auditevent"])
def test_what_nobody_edits_can_be_looked_at_and_shows_no_secret(
    client: Client, things: Things, administrator: User, model: str
) -> None:
    client.force_login(administrator)
    objects = {
        "registration_registration": things.registration.pk,
        "notifications_outgoingmessage": things.registration.message_id,
        "portal_auditevent": 1,
    }
    if model == "portal_auditevent":
        from portal.models import AuditEvent

        objects[model] = AuditEvent.objects.earliest("id").pk
    path = reverse(f"admin:{model}_change", args=[objects[model]])
    page = client.get(path)
    assert page.status_code == 200
    html = page.content.decode()
    assert not re.search(r'name="_(save|continue|addanother|saveasnew)"|class="deletelink"', html)
    assert things.registration.digest not in html
    assert client.post(path, {"state": "x"}).status_code == 403
    assert client.post(path.replace("change", "delete"), {"post": "yes"}).status_code == 403


# --- Sign-in and one's own account: allauth's addresses ---

CLOSED = {"accounts/email/", "accounts/signup/"}
FOR_NOBODY = {
    "accounts/login/",
    "accounts/inactive/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/confirm-email/",
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
}


def account_address(route: str) -> str:
    filled = route.replace("<int:pk>", "1").replace(r"^confirm-email/(?P<key>[-:\w]+)/$", "confirm-email/a-key/")
    assert not set("<^$") & set(filled), f"tests/test_access.py does not know how to fill {route}"
    return f"/{filled}"


@pytest.mark.parametrize("route", ACCOUNTS)
def test_nobody_reaches_no_account(client: Client, practice: Practice, route: str) -> None:
    answer = client.get(account_address(route)).status_code
    if route in CLOSED:
        assert answer == 404
    elif route in FOR_NOBODY:
        assert answer == 200
    else:
        assert answer in {302, 401, 404, 405}
    assert client.post(account_address(route)).status_code in {200, 302, 400, 403, 404, 405}


@pytest.mark.parametrize("route", ACCOUNTS)
@pytest.mark.parametrize("role", [*Role, "administrator", "without a practice"])
def test_each_address_of_the_account_answers_everybody(
    client: Client, practice: Practice, administrator: User, role: str, route: str
) -> None:
    if role == "administrator":
        client.force_login(administrator)
    else:
        of = None if role == "without a practice" else practice
        client.force_login(factories.a_member(of, role, "somebody@maplegrove.example"))
    answer = client.get(account_address(route)).status_code
    assert answer == 404 if route in CLOSED else answer in {200, 204, 302, 403, 404, 405}
    assert client.post(account_address(route)).status_code in {200, 302, 400, 403, 404, 405}


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/signup/"])
def test_nobody_makes_a_staff_account_or_changes_its_address(client: Client, practice: Practice, path: str) -> None:
    assert client.get(path).status_code == 404
    client.force_login(factories.a_member(practice, email="somebody@maplegrove.example"))
    assert client.post(path, {"email": "x@y.example"}).status_code == 404


def test_a_page_from_before_the_sign_in_is_told_in_words(practice: Practice) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.a_member(practice, email="somebody@maplegrove.example"))
    response = client.post("/practice/", {"practice": str(practice.pk)})
    assert response.status_code == 403
    assert "This page has expired" in response.content.decode()
