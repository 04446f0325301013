"""Addresses that opted out, and addresses that were refused."""

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


def suppress(practice: Practice, actor: Actor, *, channel: str = "email", address: str = EMAIL) -> bool:
    return suppressions.suppress(practice, channel=channel, address=address, actor=actor)


def enqueue(practice: Practice, to: str = EMAIL, *, channel: str = "email", **fields: Any) -> OutgoingMessage:
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


def test_suppressed_address_is_recognized_in_any_case(
    practice: Practice, other_practice: Practice, actor: Actor
) -> None:
    assert suppress(practice, actor)
    assert suppressions.is_suppressed(practice, "email", " elena@FAMILIES.example")
    assert not suppressions.is_suppressed(practice, "email", "pablo@families.example")
    assert not suppressions.is_suppressed(other_practice, "email", EMAIL)


@pytest.mark.parametrize("number", ["(612) 555-0161", "+1 612 555 0161", "6125550161"])
def test_suppressed_number_is_recognized_in_any_format(practice: Practice, actor: Actor, number: str) -> None:
    suppress(practice, actor, channel="text", address="+16125550161")
    assert suppressions.is_suppressed(practice, "text", number)
    assert not suppressions.is_suppressed(practice, "email", number)


def test_unsuppressed_address_gets_messages_again(practice: Practice, actor: Actor) -> None:
    suppress(practice, actor)
    assert suppressions.unsuppress(practice, channel="email", address=EMAIL.lower(), actor=actor)
    assert not suppressions.unsuppress(practice, channel="email", address=EMAIL, actor=actor)
    assert not suppressions.is_suppressed(practice, "email", EMAIL)


def test_audit_trail_contains_only_a_masked_address(practice: Practice, actor: Actor) -> None:
    suppress(practice, actor)
    suppress(practice, actor)
    suppress(practice, actor, channel="text", address="+16125550161")
    events = list(AuditEvent.objects.order_by("id"))
    assert [(event.action, event.details["address"]) for event in events] == [
        ("messages_stopped", "e…@families.example"),
        ("messages_stopped", "…0161"),
    ]
    assert SuppressedAddress.objects.get(channel="email").by_name == "Dana Fields"


def test_queued_messages_to_a_suppressed_address_are_canceled(
    practice: Practice, other_practice: Practice, actor: Actor
) -> None:
    queued = enqueue(practice)
    others = [enqueue(practice, "pablo@families.example"), enqueue(other_practice)]
    suppress(practice, actor)
    queued.refresh_from_db()
    assert queued.state == "cancelled"
    assert AuditEvent.objects.get().details["messages_cancelled"] == 1
    assert {OutgoingMessage.objects.get(pk=message.pk).state for message in others} == {"queued"}


def test_queued_texts_to_a_suppressed_number_are_canceled(practice: Practice, actor: Actor) -> None:
    queued = enqueue(practice, "6125550161", channel="text")
    suppress(practice, actor, channel="text", address="(612) 555-0161")
    queued.refresh_from_db()
    assert queued.state == "cancelled"


def test_empty_address_cannot_be_suppressed(practice: Practice, actor: Actor) -> None:
    with pytest.raises(ValueError, match="address is empty"):
        suppress(practice, actor, address=" ")


def test_refused_address_is_remembered_for_its_practice(practice: Practice, other_practice: Practice) -> None:
    assert not suppressions.last_delivery_refused(practice, EMAIL)
    enqueue(practice, state="failed", address_refused=True, finished_at=MORNING)
    assert suppressions.last_delivery_refused(practice, EMAIL)
    assert not suppressions.last_delivery_refused(other_practice, EMAIL)


def test_failure_for_another_reason_does_not_count_as_refused(practice: Practice) -> None:
    enqueue(practice, state="failed", finished_at=MORNING)
    assert not suppressions.last_delivery_refused(practice, EMAIL)


def test_later_accepted_message_clears_the_refusal(practice: Practice) -> None:
    enqueue(practice, state="accepted", finished_at=MORNING - timedelta(hours=1))
    enqueue(practice, state="failed", address_refused=True, finished_at=MORNING)
    enqueue(practice, state="failed", finished_at=MORNING + timedelta(hours=1))
    assert suppressions.last_delivery_refused(practice, EMAIL)
    enqueue(practice, state="accepted", finished_at=MORNING + timedelta(hours=2))
    assert not suppressions.last_delivery_refused(practice, EMAIL)
