"""A family asks without a PIN, and the practice decides whose child it is: the Merge Match.

Each is one transaction, with the locks in the order that `issuing` takes them in. Whoever decides does so by a conditional
update, so that of two desks one decides and the other is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from patients import names
from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import Practice
from registration.access import accounts, associations, outstanding, portal_status
from registration.communications import account_notices
from registration.issuing import safety_checks
from registration.matching import candidates, comparison
from registration.matching.comparison import Candidate
from registration.models import Association, PortalAccount, SelfRegistration
from registration.values import Refused

State = SelfRegistration.State

MAX_OPEN: Final = 10
_MAX_REFRESHED: Final = 200


class TooManyRequests(Exception):
    """As many of this account's children wait for an answer of this practice as may: MOST_OPEN."""


class AlreadyDecided(Exception):
    """It is decided already, or has changed since it was looked at. The text says by whom, for the desk."""


class ReasonRequired(Exception):
    """Something speaks against the match: it needs the desk's reason. `warnings` says what."""

    def __init__(self, warnings: list[str]) -> None:
        super().__init__(" ".join(warnings))
        self.warnings = warnings


@dataclass(frozen=True, kw_only=True)
class RequestedChild:
    """A child as the family describes it, or the family member who is the patient."""

    given_names: str
    family_name: str
    birth_date: date
    relationship: str
    street: str = ""
    postal_code: str = ""


# --- The family asks ---


@transaction.atomic
def ask(
    *, account: PortalAccount, practice: Practice, children: Sequence[RequestedChild], actor: Actor
) -> list[SelfRegistration]:
    """What waits of these now, and what was matched before: the same child asked for again makes no second row.

    A child to whom the account has access already is left out. Raises TooMany, and then nothing has happened.
    """
    likely = [candidates.likely(practice, each) for each in children]
    locked = {each.pk: each for each in portal_status.lock(practice, [each for each in likely if each])}
    PortalAccount.objects.select_for_update(no_key=True).get(pk=account.pk)  # its double click waits here
    rows, new = [], []
    for child, patient in zip(children, likely, strict=True):
        row = _earlier(account, practice, child)
        if row is None and not (patient and account.associations.live().filter(patient=patient).exists()):
            row = _wait(account, practice, child, likely=locked.get(patient.pk) if patient else None)
            new.append(row)
        if row and row not in rows:
            rows.append(row)
    if new:
        _check_number(account, practice)
        portal_status.refresh(list(locked.values()))
        who = [names.initials(each.given_names, each.family_name) for each in new]
        account_notices.self_registration_received(practice=practice, account=account, who=who)
    for row in new:
        _record(Action.SELF_REGISTERED, row, actor=actor)
    return rows


@transaction.atomic
def ask_with_new_account(
    details: accounts.Details, *, practice: Practice, children: Sequence[RequestedChild], address: str | None
) -> PortalAccount:
    """The account and what it asks for, or neither. Raises accounts.EmailTaken, TooMany."""
    account = accounts.make(details)
    ask(
        account=account,
        practice=practice,
        children=children,
        actor=accounts.actor_for(account, address),
    )
    accounts.record_created(account, address=address)
    return account


@transaction.atomic
def answer(self_registration: SelfRegistration, *, text: str, actor: Actor) -> None:
    """The family answers what the practice asked. Raises Taken."""
    _move(self_registration, State.WAITING, out_of=(State.ASKED,), answer=text)
    _record(Action.MATCH_ANSWERED, self_registration, actor=actor)


@transaction.atomic
def withdraw(self_registration: SelfRegistration, *, actor: Actor) -> None:
    """The family does not ask any more. Raises Taken."""
    patients = _lock_likely(self_registration)
    _move(self_registration, State.WITHDRAWN, decided_at=timezone.now(), decided_by=actor.user)
    portal_status.refresh(patients)
    _record(Action.SELF_REGISTRATION_WITHDRAWN, self_registration, actor=actor)


# --- The desk decides ---


@transaction.atomic
def match(
    self_registration: SelfRegistration,
    patient: Patient,
    *,
    level: str,
    reason: str = "",
    override_reasons: Mapping[str, str] = safety_checks.NO_OVERRIDES,
    actor: Actor,
) -> Association:
    """Gives the account access to this patient; where it has it already, that stays as it is.

    `reason` says why it is this patient although something differs, `confirmed` has a reason for each concern, by its key.
    What was on its way to the same person for the same patient ends with it.
    Raises Refused, Taken, ReasonWanted and concerns.NeedsConfirmation, and then nothing has happened.
    """
    by, at = actor.require_user(), timezone.now()
    patients = _lock_all(self_registration, patient)
    if patient not in patients:
        raise Refused("This patient’s record was deleted. Search again.")
    patient = patients[patients.index(patient)]
    candidate = _weighed(self_registration, patient, reason)
    reasons = safety_checks.require_reasons(candidate.safety_warnings, override_reasons)
    _move(
        self_registration,
        State.MATCHED,
        likely=patient,
        decided_at=at,
        decided_by=by,
        reason=reason,
        override_reasons=reasons,
    )
    association, is_new = associations.grant(
        self_registration.account,
        patient,
        relationship=self_registration.relationship,
        level=level,
        self_registration=self_registration,
    )
    declines = patient.declines.live().update(ended_at=at, ended_by=by)
    superseded = outstanding.supersede(
        outstanding.outstanding_for(self_registration.account, patient), account=self_registration.account, by=by
    )
    portal_status.refresh(patients)
    account_notices.matched(self_registration=self_registration, association=association)
    for registration in superseded:
        registration.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
    details: dict[str, str | bool] = {**safety_checks.audit_details(reasons)}
    details |= {"in_spite_of": candidate.differs, "had_access": not is_new, "decline_ended": bool(declines)}
    _record(
        Action.MATCHED,
        self_registration,
        actor=actor,
        reason=reason,
        **{name: each for name, each in details.items() if each},
    )
    if is_new:
        facts = {
            "to": self_registration.account.name,
            "relationship": association.get_relationship_display(),
            "level": level,
        }
        audit.record(
            Action.ACCESS_GIVEN, actor=actor, practice=self_registration.practice, patient=patient.pk, details=facts
        )
    return association


@transaction.atomic
def refuse(self_registration: SelfRegistration, *, reason: str, actor: Actor) -> None:
    """Not our patient. Raises Taken."""
    by = actor.require_user()
    patients = _lock_likely(self_registration)
    _move(self_registration, State.REFUSED, decided_at=timezone.now(), decided_by=by, reason=reason)
    portal_status.refresh(patients)
    account_notices.match_refused(self_registration=self_registration)
    _record(Action.MATCH_REFUSED, self_registration, actor=actor, reason=reason)


@transaction.atomic
def reopen(self_registration: SelfRegistration, *, actor: Actor) -> None:
    """Takes back that it is not our patient. Raises Taken; Refused where the family has asked again meanwhile."""
    actor.require_user()
    likely = candidates.likely(self_registration.practice, self_registration)
    patients = portal_status.lock(self_registration.practice, [likely] if likely else [])
    PortalAccount.objects.select_for_update(no_key=True).get(pk=self_registration.account_id)
    if _earlier(self_registration.account, self_registration.practice, self_registration):
        raise Refused("The family has asked for this child again since. Decide on that one.")
    undecided: dict[str, Any] = {"decided_at": None, "decided_by": None, "reason": ""}
    _move(
        self_registration, State.WAITING, out_of=(State.REFUSED,), likely=patients[0] if patients else None, **undecided
    )
    portal_status.refresh(patients)
    _record(Action.MATCH_REOPENED, self_registration, actor=actor)


@transaction.atomic
def ask_for_information(self_registration: SelfRegistration, *, question: str, actor: Actor) -> None:
    """Asks the family something, in place of what was asked before. Raises Taken."""
    actor.require_user()
    _move(self_registration, State.ASKED, question=question, answer="")
    account_notices.question_asked(self_registration=self_registration)
    _record(Action.MATCH_ASKED, self_registration, actor=actor)


# --- The worker ---


def refresh_likely() -> None:
    """An import or a correction may have made another patient the likely one, or none.

    A round of those that were looked at the longest ago: however many wait, each has its turn.
    """
    waiting = SelfRegistration.objects.waiting().select_related("practice", "likely")
    this_round = list(waiting.order_by("likely_checked_at", "pk")[:_MAX_REFRESHED])
    for self_registration in this_round:
        likely = candidates.likely(self_registration.practice, self_registration)
        if likely != self_registration.likely:
            _correct(self_registration, likely)
    looked_at = SelfRegistration.objects.filter(pk__in=[each.pk for each in this_round])
    looked_at.update(likely_checked_at=timezone.now())


@transaction.atomic
def _correct(self_registration: SelfRegistration, likely: Patient | None) -> None:
    patients = portal_status.lock(
        self_registration.practice, [each for each in (self_registration.likely, likely) if each]
    )
    unchanged = SelfRegistration.objects.waiting().filter(pk=self_registration.pk, likely=self_registration.likely_id)
    if unchanged.update(likely=likely if likely in patients else None):
        portal_status.refresh(patients)


# --- How it is done ---


def _earlier(account: PortalAccount, practice: Practice, child: candidates.Described) -> SelfRegistration | None:
    """What waits for this child, or what gave the access that the account has."""
    stands = Q(state__in=SelfRegistration.WAITING) | Q(association__in=account.associations.live())
    rows = account.self_registrations.for_practice(practice).filter(stands, birth_date=child.birth_date)
    return next((each for each in rows if _name_key(each) == _name_key(child)), None)


def _name_key(child: candidates.Described) -> tuple[str, str]:
    return names.key(child.given_names), names.key(child.family_name)


def _wait(
    account: PortalAccount, practice: Practice, child: RequestedChild, *, likely: Patient | None
) -> SelfRegistration:
    return SelfRegistration.objects.create(
        practice=practice,
        account=account,
        given_names=child.given_names,
        family_name=child.family_name,
        birth_date=child.birth_date,
        relationship=child.relationship,
        street=child.street,
        postal_code=child.postal_code,
        likely=likely,
    )


def _check_number(account: PortalAccount, practice: Practice) -> None:
    if account.self_registrations.for_practice(practice).waiting().count() > MAX_OPEN:
        raise TooManyRequests


def _lock_likely(self_registration: SelfRegistration) -> list[Patient]:
    self_registration.refresh_from_db()
    return portal_status.lock(
        self_registration.practice, [self_registration.likely] if self_registration.likely else []
    )


def _lock_all(self_registration: SelfRegistration, patient: Patient) -> list[Patient]:
    """The patient, the one who was thought to be meant, and who else loses a PIN by the match."""
    self_registration.refresh_from_db()
    siblings = portal_status.covered_by(
        each.pk for each in outstanding.outstanding_for(self_registration.account, patient)
    )
    return portal_status.lock(
        self_registration.practice,
        [patient, *siblings, *([self_registration.likely] if self_registration.likely else [])],
    )


def _weighed(self_registration: SelfRegistration, patient: Patient, reason: str) -> Candidate:
    """The patient beside what the family told. Raises Refused, ReasonWanted."""
    (candidate,) = comparison.compare(self_registration, [patient])
    if candidate.refused:
        raise Refused(candidate.refused)
    if candidate.warnings and not reason:
        raise ReasonRequired(candidate.warnings)
    return candidate


def _move(self_registration: SelfRegistration, state: State, *, out_of: Sequence[State] = (), **columns: Any) -> None:
    """The one place where it changes its state: by a conditional update. Raises Taken."""
    as_seen = SelfRegistration.objects.filter(
        pk=self_registration.pk, state__in=out_of or SelfRegistration.WAITING, likely=self_registration.likely_id
    )
    if not as_seen.update(state=state, **columns):
        raise AlreadyDecided(_what_became_of(self_registration))
    self_registration.refresh_from_db()


def _what_became_of(self_registration: SelfRegistration) -> str:
    now = SelfRegistration.objects.select_related("decided_by", "practice").get(pk=self_registration.pk)
    if now.decided_at is None:
        return "This has just changed. Look at it again."
    when = now.decided_at.astimezone(now.practice.zone)
    who = "The family" if now.state == State.WITHDRAWN else str(now.decided_by)
    did = {State.MATCHED: "made the match", State.REFUSED: "said “Not our patient”", State.WITHDRAWN: "withdrew it"}
    return f"{who} {did[State(now.state)]} on {when:%B} {when.day} at {when:%-I:%M %p}. Nothing was changed."


def _record(action: Action, self_registration: SelfRegistration, *, actor: Actor, **details: str | bool) -> None:
    facts = {"self_registration": str(self_registration.pk), "account": self_registration.account.name, **details}
    audit.record(
        action, actor=actor, practice=self_registration.practice, patient=self_registration.likely_id, details=facts
    )
