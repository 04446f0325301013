"""The administration pages of users, and the audit trail of what is changed there."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from notifications.models import Carrier, OutgoingMessage
from portal import audit
from portal.models import AuditEvent, Practice, User
from tests import factories


@pytest.fixture
def administrator(client: Client, db: None) -> Client:
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    return client


def change(administrator: Client, user: User, **fields: str) -> None:
    page = f"/admin/portal/user/{user.pk}/change/"
    memberships = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    response = administrator.post(
        page, {"email": user.email, "name": user.name, "is_active": "on"} | memberships | fields
    )
    assert response.status_code == 302, response.content.decode()


def test_checking_administrator_gives_access_to_the_administration_pages(
    administrator: Client, front_desk: User, client: Client
) -> None:
    change(administrator, front_desk, is_staff="on")
    client.force_login(front_desk)
    assert "Practices" in client.get("/admin/").content.decode()


def test_unchecking_administrator_removes_every_permission(
    administrator: Client, front_desk: User, client: Client
) -> None:
    change(administrator, front_desk, is_staff="on")
    change(administrator, front_desk)
    front_desk.refresh_from_db()
    assert (front_desk.is_staff, front_desk.is_superuser) == (False, False)


def test_user_page_has_one_checkbox_for_administrators(administrator: Client, front_desk: User) -> None:
    html = administrator.get(f"/admin/portal/user/{front_desk.pk}/change/").content.decode()
    assert 'name="is_staff"' in html
    assert "is_superuser" not in html


def test_replaced_address_receives_no_password_reset_code(
    administrator: Client, front_desk: User, client: Client
) -> None:
    old = front_desk.email
    EmailAddress.objects.create(user=front_desk, email=old, primary=True, verified=True)
    change(administrator, front_desk, email="new@maplegrove.example")
    client.logout()
    client.post("/accounts/password/reset/", {"email": old})
    assert not OutgoingMessage.objects.exists()
    client.post("/accounts/password/reset/", {"email": "new@maplegrove.example"})
    assert OutgoingMessage.objects.get().recipient == "new@maplegrove.example"


def recorded_changes() -> list[dict[str, Any]]:
    return list(AuditEvent.objects.filter(action="administered").order_by("pk").values_list("details", flat=True))


def test_change_is_recorded_without_the_new_values(administrator: Client, front_desk: User, practice: Practice) -> None:
    change(administrator, front_desk, name="Renamed", email="renamed@maplegrove.example")
    change(administrator, front_desk.__class__.objects.get(pk=front_desk.pk))
    assert recorded_changes() == [
        {"what": "user", "name": "renamed@maplegrove.example", "done": "changed Email address, Name"},
        {"what": "user", "name": "renamed@maplegrove.example", "done": "saved without changes"},
    ]
    event = AuditEvent.objects.filter(action="administered").first()
    assert event is not None
    assert (event.actor_name, event.practice, event.address) == ("admin@demo.example", None, "127.0.0.1")
    assert audit.verify() == []


def test_new_password_and_changed_membership_are_recorded(
    administrator: Client, front_desk: User, practice: Practice
) -> None:
    page = f"/admin/portal/user/{front_desk.pk}/password/"
    administrator.post(
        page, {"usable_password": "true", "password1": "a long new one here", "password2": "a long new one here"}
    )
    membership = front_desk.memberships.get()
    inline = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(front_desk.pk),
        "memberships-0-practice": str(practice.pk),
        "memberships-0-role": "manager",
    }
    change(administrator, front_desk, **inline)
    change(administrator, front_desk, **inline, **{"memberships-0-DELETE": "on"})
    assert [change["done"] for change in recorded_changes()] == [
        "changed password",
        f"changed membership {front_desk}, Practice manager at {practice} (Role)",
        f"deleted membership {front_desk}, Practice manager at {practice}",
    ]
    assert "long new one" not in str(list(AuditEvent.objects.values_list("details", flat=True)))


def test_added_and_deleted_objects_are_recorded(administrator: Client, practice: Practice) -> None:
    typed = {"name": "Prairie Wireless", "gateway": "text.prairie.example", "status": "verified"}
    assert administrator.post("/admin/notifications/carrier/add/", typed).status_code == 302
    carrier = Carrier.objects.get(name="Prairie Wireless")
    administrator.post(f"/admin/notifications/carrier/{carrier.pk}/delete/", {"post": "yes"})
    assert recorded_changes() == [
        {"what": "carrier", "name": "Prairie Wireless", "done": done} for done in ("added", "deleted")
    ]


def test_administration_pages_name_their_time_zone(administrator: Client, front_desk: User) -> None:
    for page in ("/admin/", "/admin/portal/auditevent/", f"/admin/portal/user/{front_desk.pk}/change/"):
        assert "Times are in UTC." in administrator.get(page).content.decode()
