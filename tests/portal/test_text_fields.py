"""Invisible characters in pasted text are rejected or cleaned up."""

import pytest
from django.test import Client

from patients.models import Contact, Patient
from portal.audit import Actor
from registration.models import Registration
from tests.factories import issue_registration

pytestmark = pytest.mark.django_db
MESSAGE = "This contains a character that we can’t save. Type it instead of pasting it."


@pytest.mark.parametrize("invisible", ["\x1b", "\x7f", "\u202e", "\u2066"])
def test_invisible_character_is_rejected(desk: Client, patient: Patient, actor: Actor, invisible: str) -> None:
    registration = issue_registration(patient, actor=actor)
    response = desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": f"Mother{invisible}ruoy"})
    assert response.status_code == 422
    assert MESSAGE in response.content.decode()
    registration.refresh_from_db()
    assert registration.state == Registration.State.PENDING


def test_line_breaks_in_a_pasted_reason_become_spaces(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": "sent to\r\nBcc: a wrong\taddress "})
    registration.refresh_from_db()
    assert registration.end_reason == "sent to Bcc: a wrong address"
