"""Addresses that want nothing more, and addresses that nobody has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from notifications import outbox, suppressions
from notifications.models import OutgoingMessage, SuppressedAddress
from portal.audit import Actor
from portal.models import AuditEvent, Practice

EMAIL = "Elena@families.example"
MORNING = datetime(2026, 11, 24, 15, tzinfo=UTC)


def stop(practice: Practice, actor: Actor, *, channel: str = "email", address: str = EMAIL) -> bool:
    return suppressions.suppress(practice, channel=channel, address=address, actor=actor)


def a_message(practice: Practice, to: str = EMAIL, *, channel: str = "email", **fields: Any) -> OutgoingMessage:
    with transaction.atomic():
        message = outbox.enqueue(
            practice=practice,
            channel=channel,
            recipient=to if channel == "email" else f"{to}@vtext.com",
            shown_recipient=to,
            sender_name="-",
            subject="-",
            text="-",
        )
    OutgoingMessage.objects.filter(pk=message.pk).update(**fields)
    return message


def test_a_stopped_address_is_known_in_any_case(practice: Practice, other_practice: Practice, actor: Actor) -> None:
    assert stop(practice, actor)
    assert suppressions.is_suppressed(practice, "email", " elena@FAMILIES.example")
    assert not suppressions.is_suppressed(practice, "email", "pablo@families.example")
    assert not suppressions.is_suppressed(other_practice, "email", EMAIL)


@pytest.mark.parametrize("number", ["(612) 555-0161", "+1 612 555 0161", "6125550161"])
def test_a_stopped_number_is_known_however_it_is_written(practice: Practice, actor: Actor, number: str) -> None:
    stop(practice, actor, channel="text", address="+16125550161")
    assert suppressions.is_suppressed(practice, "text", number)
    assert not suppressions.is_suppressed(practice, "email", number)


def test_messages_may_go_there_again(practice: Practice, actor: Actor) -> None:
    stop(practice, actor)
    assert suppressions.unsuppress(practice, channel="email", address=EMAIL.lower(), actor=actor)
    assert not suppressions.unsuppress(practice, channel="email", address=EMAIL, actor=actor)
    assert not suppressions.is_suppressed(practice, "email", EMAIL)


def test_the_trail_knows_the_address_without_naming_it(practice: Practice, actor: Actor) -> None:
    stop(practice, actor)
    stop(practice, actor)
    stop(practice, actor, channel="text", address="+16125550161")
    lines = list(AuditEvent.objects.order_by("id"))
    assert [(each.action, each.details["address"]) for each in lines] == [
        ("messages_stopped", "e…@families.example"),
        ("messages_stopped", "…0161"),
    ]
    assert SuppressedAddress.objects.get(channel="email").by_name == "Dana Fields"


def test_what_is_queued_to_it_is_taken_back(practice: Practice, other_practice: Practice, actor: Actor) -> None:
    queued = a_message(practice)
    others = [a_message(practice, "pablo@families.example"), a_message(other_practice)]
    stop(practice, actor)
    queued.refresh_from_db()
    assert queued.state == "cancelled"
    assert AuditEvent.objects.get().details["messages_cancelled"] == 1
    assert {OutgoingMessage.objects.get(pk=each.pk).state for each in others} == {"queued"}


def test_a_text_that_is_queued_is_taken_back(practice: Practice, actor: Actor) -> None:
    queued = a_message(practice, "6125550161", channel="text")
    stop(practice, actor, channel="text", address="(612) 555-0161")
    queued.refresh_from_db()
    assert queued.state == "cancelled"


def test_nothing_is_no_address(practice: Practice, actor: Actor) -> None:
    with pytest.raises(ValueError, match="no address"):
        stop(practice, actor, address=" ")


def test_an_address_that_was_refused_is_remembered(practice: Practice, other_practice: Practice) -> None:
    assert not suppressions.last_delivery_refused(practice, EMAIL)
    a_message(practice, state="failed", address_refused=True, finished_at=MORNING)
    assert suppressions.last_delivery_refused(practice, EMAIL)
    assert not suppressions.last_delivery_refused(other_practice, EMAIL)


def test_a_message_that_failed_for_another_reason_says_nothing(practice: Practice) -> None:
    a_message(practice, state="failed", finished_at=MORNING)
    assert not suppressions.last_delivery_refused(practice, EMAIL)


def test_a_later_message_that_was_accepted_makes_it_good(practice: Practice) -> None:
    a_message(practice, state="accepted", finished_at=MORNING - timedelta(hours=1))
    a_message(practice, state="failed", address_refused=True, finished_at=MORNING)
    a_message(practice, state="failed", finished_at=MORNING + timedelta(hours=1))
    assert suppressions.last_delivery_refused(practice, EMAIL)
    a_message(practice, state="accepted", finished_at=MORNING + timedelta(hours=2))
    assert not suppressions.last_delivery_refused(practice, EMAIL)
