"""Fifty desks complete one registration at the same moment, each through the whole stack: one PIN stays valid, no errors."""

import re
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.test import Client

from notifications.models import Content, OutgoingMessage
from patients.models import Contact, Patient, PortalStatus
from portal import audit
from portal.models import AuditEvent, Practice
from registration import pins
from registration.claiming import verification
from registration.claiming.verification import NotClaimable
from registration.models import PinDisplay, Registration
from registration.pins import Pin
from tests import factories
from tests.concurrency import run_concurrently
from tests.registration.desk.register_form import typed, window

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DESKS = 50


@pytest.fixture
def desks(practice: Practice) -> list[Client]:
    """Sign in one member of staff per desk, each in a separate browser."""
    browsers = [Client(raise_request_exception=False) for _ in range(DESKS)]
    for number, browser in enumerate(browsers):
        browser.force_login(factories.a_member(practice, email=f"desk{number}@maplegrove.example"))
    return browsers


def complete_at_once(
    desks: list[Client], patient: Patient, mother: Contact, window_of: Callable[[], uuid.UUID]
) -> list[str]:
    """Return the page that each desk saw."""

    def complete(desk: Client, fields: dict[str, str]) -> str:
        while (response := desk.post(window(patient), fields)).status_code == 503:
            pass  # on a slow machine, the last desks time out and submit again
        assert response.status_code == 200
        return response.content.decode()

    pages = run_concurrently(*[partial(complete, desk, typed(mother, form_token=str(window_of()))) for desk in desks])
    assert not [page for page in pages if isinstance(page, Exception)]
    return pages


def pins_on(pages: list[str]) -> list[Pin]:
    shown = [re.search(r'class="pin" .*?</p>', page) for page in pages]
    return [pins.read("".join(re.findall(r">([0-9A-Z]{4})<", groups[0]))) for groups in shown if groups]


def opens_the_door(pin: Pin, patient: Patient, number: int) -> bool:
    try:
        verification.verify_pin(pin, patient.birth_date, address=f"198.51.{number}.1")
    except NotClaimable:
        return False
    return True


def test_concurrent_windows_leave_one_valid_pin(desks: list[Client], patient: Patient, mother: Contact) -> None:
    pages = complete_at_once(desks, patient, mother, uuid.uuid4)
    shown = pins_on(pages)
    assert len(set(shown)) == len(shown) >= 1
    assert all("has since ended: replaced" in page for page in pages if not pins_on([page]))
    assert sum(opens_the_door(pin, patient, number) for number, pin in enumerate(shown)) == 1
    assert patient.registrations.live().count() == 1
    assert Registration.objects.filter(state=Registration.State.SUPERSEDED).count() == DESKS - 1
    assert OutgoingMessage.objects.filter(state=OutgoingMessage.State.CANCELLED).count() == DESKS - 1
    assert Content.objects.count() == 1
    patient.refresh_from_db()
    assert patient.portal_status == PortalStatus.PENDING
    assert audit.verify() == []


def test_concurrent_submissions_of_one_window_create_one_registration(
    desks: list[Client], patient: Patient, mother: Contact
) -> None:
    the_window = uuid.uuid4()
    pages = complete_at_once(desks, patient, mother, lambda: the_window)
    (shown,) = pins_on(pages)
    assert opens_the_door(shown, patient, 0)
    assert sum("Its PIN cannot be shown again" in page for page in pages) == DESKS - 1
    assert Registration.objects.count() == OutgoingMessage.objects.count() == PinDisplay.objects.count() == 1
    for action in ("registration_issued", "pin_shown"):
        assert AuditEvent.objects.filter(action=action).count() == 1
    assert audit.verify() == []
