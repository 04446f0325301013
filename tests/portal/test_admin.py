"""The administration of people."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from notifications.models import OutgoingMessage
from portal.models import User
from tests import people


@pytest.fixture
def administrator(client: Client, db: None) -> Client:
    client.force_login(people.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    return client


def change(administrator: Client, user: User, **fields: str) -> None:
    page = f"/admin/portal/user/{user.pk}/change/"
    memberships = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    response = administrator.post(
        page, {"email": user.email, "name": user.name, "is_active": "on"} | memberships | fields
    )
    assert response.status_code == 302, response.content.decode()


def test_one_tick_makes_an_administrator_who_finds_something_to_administer(
    administrator: Client, front_desk: User, client: Client
) -> None:
    change(administrator, front_desk, is_staff="on")
    client.force_login(front_desk)
    assert "Practices" in client.get("/admin/").content.decode()


def test_taking_the_tick_away_takes_all_of_it_away(administrator: Client, front_desk: User, client: Client) -> None:
    change(administrator, front_desk, is_staff="on")
    change(administrator, front_desk)
    front_desk.refresh_from_db()
    assert (front_desk.is_staff, front_desk.is_superuser) == (False, False)


def test_there_is_one_box_for_it(administrator: Client, front_desk: User) -> None:
    html = administrator.get(f"/admin/portal/user/{front_desk.pk}/change/").content.decode()
    assert 'name="is_staff"' in html
    assert "is_superuser" not in html


def test_an_address_that_was_replaced_gets_no_code_for_a_new_password(
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
