"""A reason is pasted, and something came along that nobody sees."""

import pytest
from django.test import Client

from patients.models import Contact, Patient
from portal.audit import Actor
from registration.models import Registration
from tests.factories import issue_registration

pytestmark = pytest.mark.django_db
TOLD = "There is a character in it that cannot be kept. Please type it anew, without copying."


@pytest.mark.parametrize("unseen", ["\x1b", "\x7f", "\u202e", "\u2066"])
def test_what_nobody_sees_is_told_beside_the_field(desk: Client, patient: Patient, actor: Actor, unseen: str) -> None:
    registration = issue_registration(patient, actor=actor)
    response = desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": f"Mother{unseen}ruoy"})
    assert response.status_code == 422
    assert TOLD in response.content.decode()
    registration.refresh_from_db()
    assert registration.state == Registration.State.PENDING


def test_a_line_that_was_broken_by_copying_is_one_again(
    desk: Client, patient: Patient, mother: Contact, actor: Actor
) -> None:
    registration = issue_registration(patient, mother, actor=actor)
    desk.post(f"/registrations/{registration.pk}/revoke/", {"reason": "sent to\r\nBcc: a wrong\taddress "})
    registration.refresh_from_db()
    assert registration.end_reason == "sent to Bcc: a wrong address"
