"""The account page and the dashboard: what staff see there, and how they change access."""

import re
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from notifications.models import OutgoingMessage, SuppressedAddress
from patients.models import Contact, Patient, PortalStatus
from portal.audit import Action, Actor
from portal.models import AuditEvent, Membership, Practice, User
from registration.access import age_limit, associations
from registration.issuing import declines, lifecycle
from registration.matching import self_registrations
from registration.models import Association, Decline, Registration
from registration.values import ByEmail
from tests import factories
from tests.factories import a_self_registration, an_account, an_association, issue_registration


def text_of(html: str) -> str:
    """Strip the tags and collapse the whitespace."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace(" .", ".")


def page(desk: Client, patient: Patient) -> str:
    response = desk.get(patient.get_absolute_url())
    assert response.status_code == 200
    return text_of(response.content.decode())


@pytest.fixture
def association(patient: Patient) -> Association:
    return an_association(an_account(), patient)


# --- Associations ---


def test_barred_contact_is_flagged_and_keeps_access_until_staff_remove_it(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    """Access does not end automatically: an export that is wrong for an hour must not lock a parent out of a sick child's
    record, and the notice could not be recalled. Only a person can tell such an error from a court order.
    """
    association = an_association(an_account(), patient)
    assert "is now marked as not authorized" not in page(desk, patient)
    Contact.objects.filter(pk=mother.pk).update(has_authority=False)
    lifecycle.revoke_ineligible()
    shown = page(desk, patient)
    assert "Elena García is now marked as not authorized to see this record" in shown
    assert association in Association.objects.live()
    assert f"/associations/{association.pk}/remove/" in desk.get(patient.get_absolute_url()).content.decode()


def test_other_parent_and_overridden_contact_are_not_flagged(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    Contact.objects.filter(pk=mother.pk).update(has_authority=False)
    an_association(an_account("luis@families.example", "Luis", "Prado"), patient, relationship="father")
    asked = a_self_registration(patient.practice, an_account())
    self_registrations.match(
        asked, patient, level="full", override_reasons={"authority": "The order was lifted."}, actor=actor
    )
    shown = page(desk, patient)
    assert "Luis Prado" in shown
    assert "Granted by Merge Match" in shown
    assert "is now marked as not authorized" not in shown


def test_association_shows_level_start_and_origin(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    an_association(an_account(), patient, registration=registration, level="limited")
    seen = page(desk, patient)
    assert "Elena García Mother Limited elena@families.example" in seen
    assert f"Since {timezone.localtime():%m/%d/%Y}" in seen
    assert "Granted by PIN issued" in seen


def test_access_by_merge_match_is_labeled(desk: Client, practice: Practice, patient: Patient) -> None:
    account = an_account()
    asked = a_self_registration(practice, account)
    an_association(account, patient, self_registration=asked)
    assert "Granted by Merge Match" in page(desk, patient)


def test_remove_access_needs_a_reason_and_ends_access(desk: Client, association: Association) -> None:
    path = f"/associations/{association.pk}/remove/"
    assert "Remove this access?" in desk.get(path).content.decode()
    response = desk.post(path, {"reason": "", "on": ""})
    assert response.status_code == 422
    assert "Enter a reason" in response.content.decode()
    response = desk.post(path, {"reason": "The court order changed.", "on": ""}, follow=True)
    seen = text_of(response.content.decode())
    assert "Elena García no longer has access" in seen
    assert "Ended (1)" in seen
    assert "Removed by Dana Fields The court order changed." in seen
    assert Patient.objects.get().portal_status == PortalStatus.UNREGISTERED


def test_scheduled_removal_shows_author_and_can_be_canceled(
    desk: Client, practice: Practice, association: Association
) -> None:
    last = practice.today() + timedelta(days=6)
    path = f"/associations/{association.pk}/remove/"
    response = desk.post(path, {"reason": "They move away", "on": last.isoformat()}, follow=True)
    seen = text_of(response.content.decode())
    assert f"Elena García has access until {last:%m/%d/%Y}" in seen
    shown = f"Ends {last:%m/%d/%Y} Dana Fields: They move away"
    assert shown in seen
    response = desk.post(f"/associations/{association.pk}/restore/", {"reason": "They stay"}, follow=True)
    assert "They move away" not in response.content.decode()


@pytest.mark.parametrize(
    ("typed", "why", "kind"),
    [
        ("2020-11-23", "This date is in the past", "date"),
        ("soon", "Enter a date like 12/31/2026.", "text"),
        ("2/30/2027", "Enter a date like 12/31/2026.", "text"),
    ],
)
def test_invalid_date_is_reported_beside_its_field(
    desk: Client, association: Association, typed: str, why: str, kind: str
) -> None:
    response = desk.post(f"/associations/{association.pk}/remove/", {"reason": "They move away", "on": typed})
    assert response.status_code == 422
    html = response.content.decode()
    assert html.count(why) == 2  # at the top, and beside the field
    assert "They move away" in html
    assert re.search(rf'<input type="{kind}" name="on" value="{typed}"', html)


def test_ended_access_can_be_restored(desk: Client, association: Association, actor: Actor) -> None:
    associations.remove(association, reason="-", on=None, actor=actor)
    path = f"/associations/{association.pk}/restore/"
    assert desk.post(path, {"reason": ""}).status_code == 422
    response = desk.post(path, {"reason": "The wrong parent."}, follow=True)
    assert "Elena García has access again" in response.content.decode()
    assert Association.objects.live().exists()


def test_restore_explains_why_it_is_refused(desk: Client, association: Association, actor: Actor) -> None:
    associations.remove(association, reason="-", on=None, actor=actor)
    Patient.objects.update(deceased=True)
    path = f"/associations/{association.pk}/restore/"
    assert "recorded as deceased" in desk.get(path).content.decode()
    response = desk.post(path, {"reason": "The wrong parent."})
    assert response.status_code == 422
    assert "recorded as deceased" in response.content.decode()
    assert not Association.objects.live().exists()


def test_access_ended_by_age_limit_can_be_renewed(desk: Client, practice: Practice) -> None:
    practice.at_minor_age_limit = Practice.AtAgeLimit.RENEWAL
    practice.save()
    grown = factories.a_patient(practice, "Mateo", birth_date=date(2000, 1, 1))
    association = an_association(an_account(), grown)
    age_limit.apply_age_limit()
    html = desk.get(grown.get_absolute_url()).content.decode()
    assert "Needs renewal" in html
    assert "Renew access for Elena García" in html
    asked = desk.get(f"/associations/{association.pk}/restore/").content.decode()
    assert "Renew this access?" in asked
    assert "the record is Mateo’s own" in asked


def test_lost_passkey_is_offered_only_with_a_passkey(desk: Client, association: Association) -> None:
    assert "Lost passkey" not in page(desk, association.patient)
    Authenticator.objects.create(user=association.account.user, type=Authenticator.Type.WEBAUTHN, data={})
    assert "Lost passkey" in page(desk, association.patient)
    path = f"/associations/{association.pk}/reset-sign-in/"
    assert desk.post(path, {}).status_code == 422
    response = desk.post(path, {"identified_by": "photo_id"}, follow=True)
    assert "Elena García’s passkeys no longer work" in response.content.decode()
    assert not Authenticator.objects.exists()


def test_staff_passkey_cannot_be_removed_by_the_desk(desk: Client, patient: Patient, practice: Practice) -> None:
    account = an_account()
    association = an_association(account, patient)
    Membership.objects.create(user=account.user, practice=practice, role="front_desk")
    response = desk.post(f"/associations/{association.pk}/reset-sign-in/", {"identified_by": "known"})
    assert response.status_code == 422
    assert "administrator" in response.content.decode()


# --- Declined ---


def test_decline_is_recorded_and_undone(desk: Client, patient: Patient) -> None:
    assert "Record a decline" in page(desk, patient)
    tomorrow = timezone.localdate() + timedelta(days=2)
    form = {"reason": "Prefers the phone", "ask_again_on": tomorrow.isoformat()}
    desk.post(f"/patients/{patient.pk}/decline/", form)
    seen = page(desk, patient)
    assert "Status Declined" in seen
    assert "by Dana Fields: Prefers the phone" in seen
    assert "Ask again on" in seen
    assert "This family declined, so nothing is sent. You can still give a PIN in person." in seen
    response = desk.post(f"/patients/{patient.pk}/decline/undo/", follow=True)
    assert "You can register the family again" in response.content.decode()
    assert "Status Unregistered" in page(desk, patient)
    response = desk.post(f"/patients/{patient.pk}/decline/undo/", follow=True)
    assert "already undone" in response.content.decode()


def test_decline_needs_a_reason_and_a_future_date(desk: Client, patient: Patient) -> None:
    response = desk.post(f"/patients/{patient.pk}/decline/", {"reason": "", "ask_again_on": "2020-01-01"})
    assert response.status_code == 422
    html = response.content.decode()
    assert "Enter a reason" in html
    assert "Choose a future date" in html


def test_family_with_access_cannot_decline(desk: Client, association: Association) -> None:
    assert "Record a decline" not in page(desk, association.patient)
    response = desk.post(f"/patients/{association.patient_id}/decline/", {"reason": "Prefers the phone"})
    assert response.status_code == 422
    assert "Remove that access first" in response.content.decode()
    assert not Decline.objects.exists()


# --- Messages stopped ---


def test_messages_to_a_contact_are_stopped_and_allowed_again(desk: Client, patient: Patient, mother: Contact) -> None:
    assert page(desk, patient).count("Stop messages") == 2
    for channel in ("email", "text"):
        desk.post(f"/patients/{patient.pk}/messages/stop/", {"contact": str(mother.pk), "channel": channel})
    seen = page(desk, patient)
    assert seen.count("Messages stopped by Dana Fields") == 2
    assert "Stop messages" not in seen
    desk.post(f"/patients/{patient.pk}/messages/allow/", {"contact": str(mother.pk), "channel": "email"})
    assert [address.channel for address in SuppressedAddress.objects.all()] == ["text"]
    line = AuditEvent.objects.filter(action="messages_allowed").get()
    assert (line.patient_id, line.details["address"]) == (patient.pk, "e…@families.example")


@pytest.mark.parametrize("channel", ["pigeon", ""])
def test_messages_to_an_unknown_address_cannot_be_stopped(
    desk: Client, patient: Patient, mother: Contact, channel: str
) -> None:
    path = f"/patients/{patient.pk}/messages/stop/"
    assert desk.post(path, {"contact": str(mother.pk), "channel": channel}).status_code == 404
    assert desk.post(path, {"contact": str(uuid.uuid4()), "channel": "email"}).status_code == 404
    assert desk.get(path).status_code == 405


# --- Registrations ---


def test_used_registration_names_the_account_and_the_siblings(
    desk: Client, practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    brother = factories.a_patient(practice, "Mateo", mrn="MG-2")
    factories.a_contact(brother)
    registration = issue_registration([patient, brother], mother, actor=actor, delivery=ByEmail(mother.email))
    Registration.objects.update(
        state="claimed", ended_at=timezone.now(), claimed_by=an_account(), language="es", identified_by="known"
    )
    seen = page(desk, patient)
    assert re.search(r"Used \d\d/\d\d/\d{4}, \d+:\d\d [AP]M by Elena García\.", seen)
    assert "Also for García-López, Mateo" in seen
    assert "Language: Spanish. Identity check: Known to staff." in seen
    assert "Revoke" not in seen
    assert registration.patients.count() == 2


def test_failed_attempts_are_summarized_by_reason(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    for address, why in [("198.51.100.4", "date of birth")] * 3 + [
        ("198.51.100.5", "locked"),
        ("198.51.100.6", "locked"),
    ]:
        registration.record(Action.CLAIM_FAILED, actor=Actor(user=None, name="-", address=address), why=why)
    seen = page(desk, patient)
    assert "3 attempts from one address: wrong date of birth. 2 attempts from 2 addresses: locked." in seen
    assert re.search(r"Last attempt: \d\d/\d\d/\d{4}, \d+:\d\d [AP]M\.", seen)


def test_offer_to_an_account_is_labeled(desk: Client, patient: Patient, mother: Contact, actor: Actor) -> None:
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    Registration.objects.update(method="account", account=an_account())
    seen = page(desk, patient)
    assert "Account offer for Elena García" in seen
    assert "Can be confirmed in the portal until" in seen
    assert "Offered to an account" in seen


def test_page_refreshes_fast_for_messages_and_slowly_for_open_pins(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    html = desk.get(patient.get_absolute_url()).content.decode()
    assert "every 2s" not in html
    assert "every 15s" not in html
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    assert "every 2s" in desk.get(patient.get_absolute_url()).content.decode()
    OutgoingMessage.objects.update(state="accepted", finished_at=timezone.now())
    html = desk.get(patient.get_absolute_url()).content.decode()
    assert "every 15s" in html
    live = re.search(r'data-hx-get="([^"]+registrations/\?seen=[^"]+)"', html)
    assert live
    assert desk.get(live[1]).status_code == 204
    Registration.objects.update(state="claimed", ended_at=timezone.now(), claimed_by=an_account())
    an_association(Registration.objects.get().claimed_by, patient)  # type: ignore[arg-type]
    part = desk.get(live[1]).content.decode()
    assert "Used" in part
    assert part.count('data-hx-swap-oob="true"') == 2
    assert "elena@families.example" in part
    assert "every 15s" not in part


def test_waiting_self_registration_is_linked(desk: Client, practice: Practice, patient: Patient) -> None:
    asked = a_self_registration(practice, an_account())
    html = desk.get(patient.get_absolute_url()).content.decode()
    assert "Elena García has requested access without a PIN" in text_of(html)
    assert f"/matches/{asked.pk}/" in html


# --- The dashboard and the worklist ---


def dashboard(desk: Client) -> str:
    return text_of(desk.get("/").content.decode())


def test_dashboard_shows_empty_states(desk: Client) -> None:
    seen = dashboard(desk)
    assert "All clear: no failed or delayed messages" in seen
    assert "No access ends in the next two weeks." in seen


def test_dashboard_lists_pins_that_expire_within_a_day(
    desk: Client, front_desk: User, patient: Patient, mother: Contact, actor: Actor
) -> None:
    ends = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email)).expires_at
    for hours, is_named in ((25, False), (23, True), (0, False)):
        with time_machine.travel(ends - timedelta(hours=hours)):
            desk.force_login(front_desk)
            assert ("Expires soon" in dashboard(desk)) is is_named, f"{hours} hours before"


def test_dashboard_lists_locked_pins_requests_and_follow_ups(
    desk: Client, practice: Practice, patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    Registration.objects.update(state="locked", ended_at=timezone.now())
    declined = factories.a_patient(practice, "Olek", "Kowalski")
    today = practice.today()
    declines.decline(declined, reason="Prefers the phone", ask_again_on=today, actor=actor)
    later = factories.a_patient(practice, "Iga", "Kowalski")
    declines.decline(later, reason="-", ask_again_on=today + timedelta(days=2), actor=actor)
    a_self_registration(practice, an_account("w@families.example"))
    ends_at = timezone.now() + timedelta(days=5)
    an_association(an_account("r@families.example", "Rosa", "López"), patient, ends_at=ends_at)
    seen = dashboard(desk)
    assert "PIN locked García-López, Sofía" in seen
    assert "Ask again Kowalski, Olek" in seen
    assert "Kowalski, Iga" not in seen
    assert "1 access request waiting to be matched" in seen
    assert "Rosa López, mother" in seen
    issue_registration(patient, mother, actor=actor, delivery=ByEmail(mother.email))
    assert "PIN locked" not in dashboard(desk)
    assert registration.pk


def test_age_limit_list_shows_access_and_notices(desk: Client, practice: Practice) -> None:
    birth = age_limit.latest_birth(practice.today() + timedelta(days=20), 18)
    teen = factories.a_patient(practice, "Mateo", birth_date=birth)
    an_association(an_account(), teen)
    seen = text_of(desk.get("/minor-age-limit/").content.decode())
    assert "García-López, Mateo Elena García mother, full Not yet Register Patient" in seen
    age_limit.send_advance_notices()
    assert "mother, full Yes" in text_of(desk.get("/minor-age-limit/").content.decode())


# --- Who may ---


@pytest.mark.parametrize("path", ["remove", "restore", "reset-sign-in"])
def test_access_of_another_practice_is_not_found(
    client: Client, association: Association, other_practice: Practice, path: str
) -> None:
    client.force_login(factories.a_member(other_practice, email="desk@harborstreet.example"))
    address = f"/associations/{association.pk}/{path}/"
    assert client.get(address).status_code == 404
    assert client.post(address, {"reason": "-", "identified_by": "known"}).status_code == 404
    assert Association.objects.live().exists()


@pytest.mark.parametrize("path", ["decline/", "decline/undo/", "messages/stop/", "messages/allow/"])
def test_family_of_another_practice_is_not_found(
    client: Client, patient: Patient, mother: Contact, other_practice: Practice, path: str
) -> None:
    client.force_login(factories.a_member(other_practice, email="desk@harborstreet.example"))
    form: dict[str, Any] = {"reason": "-", "contact": str(mother.pk), "channel": "email"}
    assert client.post(f"/patients/{patient.pk}/{path}", form).status_code == 404
    assert not SuppressedAddress.objects.exists()


def test_family_account_cannot_remove_access(client: Client, association: Association) -> None:
    client.force_login(User.objects.get(email="elena@families.example"))
    response = client.post(f"/associations/{association.pk}/remove/", {"reason": "-"})
    assert response.status_code in {302, 403}
    assert Association.objects.live().exists()
