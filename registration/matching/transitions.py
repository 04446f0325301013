"""Change the state of a self-registration. Each change is a conditional update, so that only one of two people succeeds."""

from collections.abc import Sequence
from typing import Any, Final

from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from registration.access import portal_status
from registration.models import SelfRegistration

State = SelfRegistration.State

_DONE: Final = {
    State.MATCHED: "matched this request",
    State.REFUSED: "marked this request “Not our patient”",
    State.WITHDRAWN: "withdrew this request",
}


class AlreadyDecided(Exception):
    """The request was decided or changed after it was displayed. The text tells staff who did what."""


def move(self_registration: SelfRegistration, state: State, *, out_of: Sequence[State] = (), **columns: Any) -> None:
    """Change the state, and set the given columns. By default, `out_of` is any waiting state. Raises AlreadyDecided."""
    unchanged = SelfRegistration.objects.filter(
        pk=self_registration.pk, state__in=out_of or SelfRegistration.WAITING, likely=self_registration.likely_id
    )
    if not unchanged.update(state=state, **columns):
        raise AlreadyDecided(_what_happened(self_registration))
    self_registration.refresh_from_db()


def lock_with_likely(self_registration: SelfRegistration, *others: Patient) -> list[Patient]:
    """Reload the self-registration, then lock its likely patient and the other given patients. Return the locked patients."""
    self_registration.refresh_from_db()
    likely = [self_registration.likely] if self_registration.likely else []
    return portal_status.lock(self_registration.practice, [*others, *likely])


def record(action: Action, self_registration: SelfRegistration, *, actor: Actor, **details: str | bool) -> None:
    facts = {"self_registration": str(self_registration.pk), "account": self_registration.account.name, **details}
    audit.record(
        action, actor=actor, practice=self_registration.practice, patient=self_registration.likely_id, details=facts
    )


def _what_happened(self_registration: SelfRegistration) -> str:
    now = SelfRegistration.objects.select_related("decided_by", "practice").get(pk=self_registration.pk)
    if now.decided_at is None:
        return "This request has just changed. Review it again."
    when = now.decided_at.astimezone(now.practice.zone)
    who = "The family" if now.state == State.WITHDRAWN else str(now.decided_by)
    return f"{who} {_DONE[State(now.state)]} on {when:%m/%d/%Y} at {when:%-I:%M %p}. Your change was not saved."
