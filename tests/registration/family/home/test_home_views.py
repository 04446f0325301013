"""Tests for the pages of a signed-in family: children, access, details and signing out."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal.audit import Actor
from portal.models import AuditEvent, Membership, Practice, User
from registration.models import Association, EmailCode, PortalAccount
from registration.values import Recipient
from tests import signup_steps

FAMILY_PAGES = ["/family/", "/family/add/", "/family/profile/", "/family/profile/email/", "/family/profile/email/code/"]


@pytest.mark.parametrize("address", FAMILY_PAGES)
def test_family_page_redirects_to_sign_in(client: Client, practice: Practice, address: str) -> None:
    assert client.get(address).headers["Location"] == "/start/sign-in/"


@pytest.mark.parametrize("address", FAMILY_PAGES)
def test_family_page_refuses_staff_without_an_account(desk: Client, address: str) -> None:
    response = desk.get(address)
    assert response.status_code == 403
    assert "No family account yet" in response.content.decode()


def test_other_parent_is_named_but_not_the_minors_own_account(
    family: Client, account: PortalAccount, patient: Patient, actor: Actor
) -> None:
    father = Client()
    signup_steps.sign_up(
        father,
        signup_steps.issue_pin([patient], actor=actor, recipient=Recipient(name="Pablo López")),
        patient.birth_date,
        email="pablo@families.example",
        given_names="Pablo",
        family_name="López",
        relationship="father",
    )
    assert "Pablo López (Father)" in family.get("/family/").content.decode()
    minor = User.objects.create_user("sofia@families.example")
    own = PortalAccount.objects.create(
        user=minor, given_names="Sofía", family_name="Own", terms="x", terms_accepted_at=timezone.now()
    )
    Association.objects.create(account=own, patient=patient, relationship="self")
    assert "Sofía Own" not in family.get("/family/").content.decode()


def test_last_day_and_limited_access_are_shown(family: Client, account: PortalAccount, practice: Practice) -> None:
    practice.clinical_portal_url = "https://records.maplegrove.example/"
    practice.save()
    ends = timezone.now().astimezone(practice.zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=10
    )
    account.associations.update(ends_at=ends, level="limited")
    home = family.get("/family/").content.decode()
    assert "Part of the record" in home
    assert f"{ends - timedelta(days=1):%B} {(ends - timedelta(days=1)).day}, " in home
    assert "https://records.maplegrove.example/" in home


def test_ended_access_is_hidden(family: Client, account: PortalAccount) -> None:
    account.associations.update(ended_at=timezone.now())
    assert "Sofía" not in family.get("/family/").content.decode().split("<h1>")[1]


def test_each_visit_is_audited_for_the_practice(family: Client, account: PortalAccount, practice: Practice) -> None:
    before = AuditEvent.objects.filter(action="family_viewed").count()
    family.get("/family/")
    event = AuditEvent.objects.filter(action="family_viewed").latest("id")
    assert AuditEvent.objects.filter(action="family_viewed").count() == before + 1
    assert (event.actor, event.practice) == (account.user, practice)


def test_profile_is_saved(family: Client, account: PortalAccount) -> None:
    fields = {"given_names": "Elena", "family_name": "", "phone": "12", "language": "es"}
    assert family.post("/family/profile/", fields).status_code == 422
    saved = family.post("/family/profile/", fields | {"family_name": "Ruiz", "phone": "(612) 555-0161"})
    assert saved.headers["Location"] == "/family/profile/"
    account.refresh_from_db()
    assert (account.name, account.phone, account.language) == ("Elena Ruiz", "6125550161", "es")
    assert family.get("/family/profile/").headers["Content-Language"] == "es"


def test_new_email_address_is_verified_before_it_is_changed(family: Client, account: PortalAccount) -> None:
    assert family.post("/family/profile/email/", {"email": "elena"}).status_code == 422
    family.post("/family/profile/email/", {"email": "New@Families.example"})
    account.user.refresh_from_db()
    assert account.email == signup_steps.EMAIL
    assert family.post("/family/profile/email/code/", {"code": "12"}).status_code == 422
    code = signup_steps.code_sent_to("new@families.example")
    wrong = "000000" if code != "000000" else "111111"
    assert family.post("/family/profile/email/code/", {"code": wrong}).status_code == 422
    assert family.post("/family/profile/email/code/", {"code": code}).headers["Location"] == "/family/profile/"
    account.user.refresh_from_db()
    assert account.email == "new@families.example"


def test_old_email_address_is_notified_of_the_change(family: Client, account: PortalAccount) -> None:
    family.post("/family/profile/email/", {"email": "new@families.example"})
    family.post("/family/profile/email/code/", {"code": signup_steps.code_sent_to("new@families.example")})
    notification = OutgoingMessage.objects.filter(recipient=signup_steps.EMAIL).order_by("-created_at")[0]
    assert "new@families.example" in notification.content.text


def test_email_change_requires_a_recent_sign_in(family: Client, account: PortalAccount) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        answer = family.post("/family/profile/email/", {"email": "thief@families.example"})
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailCode.objects.filter(address="thief@families.example").exists()


def test_staff_cannot_change_their_email_address_here(
    family: Client, account: PortalAccount, practice: Practice
) -> None:
    Membership.objects.create(user=account.user, practice=practice, role=Membership.Role.FRONT_DESK)
    answer = family.post("/family/profile/email/", {"email": "new@families.example"})
    assert answer.headers["Location"] == "/family/profile/"
    assert "only your administrator can change" in family.get("/family/profile/").content.decode()


def test_taken_email_address_is_revealed_only_after_verification(family: Client, account: PortalAccount) -> None:
    User.objects.create_user("taken@families.example")
    response = family.post("/family/profile/email/", {"email": "taken@families.example"})
    assert response.headers["Location"] == "/family/profile/email/code/"
    family.post("/family/profile/email/code/", {"code": signup_steps.code_sent_to("taken@families.example")})
    assert "Another account" in family.get("/family/profile/").content.decode()
    account.user.refresh_from_db()
    assert account.email == signup_steps.EMAIL


def test_signing_out_clears_the_browser(family: Client) -> None:
    assert family.get("/family/sign-out/").status_code == 405
    response = family.post("/family/sign-out/")
    assert response.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    family.cookies.clear()  # as the browser does
    assert "You’re signed out." in family.get(response.headers["Location"]).content.decode()
    assert family.get("/family/").headers["Location"] == "/start/sign-in/"


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/2fa/",
        "/accounts/2fa/webauthn/",
        "/accounts/password/change/",
        "/accounts/sessions/",
        "/accounts/reauthenticate/",
    ],
)
def test_shared_account_pages_are_in_the_family_style_and_language(family: Client, address: str) -> None:
    family.cookies["family-language"] = "es"
    response = family.get(address)
    page = response.content.decode()
    assert response.headers["Content-Language"] == "es"
    assert "css/family.css" in page
    assert "dashboard" not in page.lower()


def test_shared_account_pages_are_in_the_staff_style_for_staff(desk: Client) -> None:
    desk.cookies["family-language"] = "es"
    for address in ("/accounts/2fa/", "/"):
        page = desk.get(address).content.decode()
        assert "css/portal.css" in page
        assert '<html lang="en">' in page
