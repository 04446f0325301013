"""The audit trail: every event has an actor, no code changes it, and tampering is detected."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal import audit
from portal.audit import Action, Actor
from portal.models import AuditChain, AuditEvent, Practice, User
from tests import factories


@pytest.fixture
def trail(practice: Practice, other_practice: Practice, actor: Actor) -> list[AuditEvent]:
    audit.record(Action.SEARCHED, actor=actor, practice=practice, details={"by": "last_name", "found": "3"})
    audit.record(Action.SIGNED_IN, actor=actor, practice=other_practice)
    audit.record(Action.SEARCHED, actor=actor, practice=practice, details={"by": "phone", "found": "1"})
    audit.record(Action.SIGNED_OUT, actor=actor, practice=None)
    return list(AuditEvent.objects.order_by("id"))


def test_untouched_trail_is_intact(trail: list[AuditEvent]) -> None:
    assert audit.verify() == []
    call_command("verify_audit", verbosity=0)
    assert [(event.chain, event.number) for event in trail[:3:2]] == [(trail[0].chain, 1), (trail[0].chain, 2)]


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE portal_auditevent SET actor_name = 'someone else' WHERE id = {first}", "was changed"),
        ("UPDATE portal_auditevent SET details = '{{}}' WHERE id = {first}", "was changed"),
        ("DELETE FROM portal_auditevent WHERE id = {first}", "is missing"),
        ("DELETE FROM portal_auditevent WHERE id = {last}", "does not end"),
        ("DELETE FROM portal_auditchain", "does not end"),
    ],
)
def test_tampering_is_detected(trail: list[AuditEvent], tampering: str, found: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(tampering.format(first=trail[0].pk, last=trail[2].pk))
    assert any(found in place.reason for place in audit.verify())
    with pytest.raises(CommandError):
        call_command("verify_audit")


def test_events_written_without_the_key_are_detected(
    trail: list[AuditEvent], settings: Settings, actor: Actor, practice: Practice
) -> None:
    settings.AUDIT_KEY = "a guess"
    assert len(audit.verify()) >= 3


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: AuditEvent.objects.filter(pk=event.pk).update(actor_name="x"),
        lambda event: AuditEvent.objects.filter(pk=event.pk).delete(),
        lambda event: AuditEvent.objects.bulk_update([event], ["actor_name"]),
    ],
)
def test_event_cannot_be_changed_or_deleted(trail: list[AuditEvent], change: Callable[[AuditEvent], object]) -> None:
    with pytest.raises(PermissionError):
        change(trail[0])


def test_anonymous_request_has_no_actor(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionError):
        Actor.from_request(request)


def test_sign_in_sign_out_and_failed_attempts_are_recorded(
    client: Client, front_desk: User, practice: Practice
) -> None:
    client.post("/accounts/login/", {"login": front_desk.email, "password": "wrong"})
    client.post("/accounts/login/", {"login": "my-secret-password", "password": "wrong"})
    client.post("/accounts/login/", {"login": front_desk.email.upper(), "password": factories.PASSWORD})
    client.post("/accounts/logout/")
    events = list(AuditEvent.objects.order_by("id").values_list("action", "actor_name"))
    assert ("sign_in_failed", front_desk.email) in events
    assert [action for action, _ in events][-2:] == ["signed_in", "signed_out"]
    assert "my-secret-password" not in repr(list(AuditEvent.objects.values()))
    assert AuditEvent.objects.filter(action="signed_in", practice=practice, address="127.0.0.1").exists()


def test_client_address_comes_from_our_own_proxy_only(rf: RequestFactory, settings: Settings) -> None:
    request = rf.get("/", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"}, REMOTE_ADDR="10.0.0.1")
    assert audit.client_address(request) == "10.0.0.1"
    settings.BEHIND_PROXY = True
    assert audit.client_address(request) == "198.51.100.4"


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        ("198.51.100.4", "198.51.100.4"),
        ("198.51.100.4:51234", "198.51.100.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::FFFF:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::10.0.0.1", "::a00:1"),
        ("2001:db8:::1", None),
        ("unknown", None),
        ("_hidden:80", None),
        ("10.0.0.1; drop", None),
    ],
)
def test_address_is_stored_normalized_or_not_at_all(
    seen: str, kept: str | None, rf: RequestFactory, settings: Settings, practice: Practice
) -> None:
    settings.BEHIND_PROXY = True
    assert audit.client_address(rf.get("/", headers={"X-Forwarded-For": f"1.2.3.4, {seen}"})) == kept
    audit.record(Action.SIGNED_IN, actor=Actor(user=None, name="someone", address=seen), practice=practice)
    assert audit.verify() == []
    call_command("verify_audit", verbosity=0)


def test_changed_address_is_detected(practice: Practice, actor: Actor) -> None:
    audit.record(Action.SIGNED_IN, actor=actor, practice=practice)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_auditevent SET address = '192.0.2.8'")
    assert [place.reason for place in audit.verify()] == ["was changed"]


@pytest.mark.parametrize("moment", ["before the events are read", "after the events were read"])
def test_event_recorded_during_verification_is_not_reported(
    trail: list[AuditEvent], practice: Practice, actor: Actor, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    hook: tuple[object, str] = (AuditEvent.objects, "filter") if "before" in moment else (audit, "_digest")
    original = getattr(*hook)

    def record_then_continue(*arguments: object, **options: object) -> object:
        monkeypatch.undo()
        audit.record(Action.SEARCHED, actor=actor, practice=practice)
        return original(*arguments, **options)

    monkeypatch.setattr(*hook, record_then_continue)
    assert audit.verify() == []
    assert AuditEvent.objects.filter(chain=trail[0].chain).count() == 3
    assert audit.verify() == []


def test_event_added_after_the_end_of_the_chain_is_detected(trail: list[AuditEvent]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_auditchain SET length = 1 WHERE name = %s", [trail[0].chain])
        cursor.execute("UPDATE portal_auditevent SET digest = 'made up' WHERE id = %s", [trail[2].pk])
    assert any("was changed" in place.reason for place in audit.verify())


def test_event_page_does_not_verify_the_whole_trail(
    client: Client, trail: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "verify", lambda: pytest.fail("the page verified the whole trail"))
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    page = client.get(f"/admin/portal/auditevent/{trail[0].pk}/change/").content.decode()
    assert "manage.py verify_audit" in page


def test_each_practice_has_its_own_chain(trail: list[AuditEvent]) -> None:
    assert AuditChain.objects.count() == 3
