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
from portal.models import Practice, User
from registration.access import accounts, associations, outstanding, portal_status
from registration.communications import account_notices
from registration.issuing import safety_checks
from registration.issuing.eligibility import Refused
from registration.matching import candidates, comparison
from registration.matching.comparison import Candidate
from registration.models import Association, PortalAccount, SelfRegistration

State = SelfRegistration.State

MOST_OPEN: Final = 10
_MOST_REFRESHED: Final = 200


class TooMany(Exception):
    """As many of this account's children wait for an answer of this practice as may: MOST_OPEN."""


class Taken(Exception):
    """It is decided already, or has changed since it was looked at. The text says by whom, for the desk."""


class ReasonWanted(Exception):
    """Something speaks against the match: it needs the desk's reason. `warnings` says what."""

    def __init__(self, warnings: list[str]) -> None:
        super().__init__(" ".join(warnings))
        self.warnings = warnings


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A child as the family describes it, or the family member who is the patient."""

    given_names: str
    family_name: str
    birth_date: date
    relationship: str
    street: str = ""
    postal_code: str = ""


# --- The family asks ---


@transaction.atomic
def ask(*, account: PortalAccount, practice: Practice, asked: Sequence[Asked], actor: Actor) -> list[SelfRegistration]:
    """What waits of these now, and what was matched before: the same child asked for again makes no second row.

    A child to whom the account has access already is left out. Raises TooMany, and then nothing has happened.
    """
    likely = [candidates.likely(practice, each) for each in asked]
    locked = {each.pk: each for each in portal_status.lock(practice, [each for each in likely if each])}
    PortalAccount.objects.select_for_update(no_key=True).get(pk=account.pk)  # its double click waits here
    rows, new = [], []
    for child, patient in zip(asked, likely, strict=True):
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
    details: accounts.Details, *, practice: Practice, asked: Sequence[Asked], address: str | None
) -> PortalAccount:
    """The account and what it asks for, or neither. Raises accounts.EmailTaken, TooMany."""
    account = accounts.make(details)
    ask(account=account, practice=practice, asked=asked, actor=accounts.actor_of(account, address))
    accounts.record_created(account, address=address)
    return account


@transaction.atomic
def answer(asked: SelfRegistration, *, text: str, actor: Actor) -> None:
    """The family answers what the practice asked. Raises Taken."""
    _move(asked, State.WAITING, out_of=(State.ASKED,), answer=text)
    _record(Action.MATCH_ANSWERED, asked, actor=actor)


@transaction.atomic
def withdraw(asked: SelfRegistration, *, actor: Actor) -> None:
    """The family does not ask any more. Raises Taken."""
    patients = _lock_likely(asked)
    _move(asked, State.WITHDRAWN, decided_at=timezone.now(), decided_by=actor.user)
    portal_status.refresh(patients)
    _record(Action.SELF_REGISTRATION_WITHDRAWN, asked, actor=actor)


# --- The desk decides ---


@transaction.atomic
def match(
    asked: SelfRegistration,
    patient: Patient,
    *,
    level: str,
    reason: str = "",
    confirmed: Mapping[str, str] = safety_checks.NOTHING_CONFIRMED,
    actor: Actor,
) -> Association:
    """Gives the account access to this patient; where it has it already, that stays as it is.

    `reason` says why it is this patient although something differs, `confirmed` has a reason for each concern, by its key.
    What was on its way to the same person for the same patient ends with it.
    Raises Refused, Taken, ReasonWanted and concerns.NeedsConfirmation, and then nothing has happened.
    """
    by, at = _person(actor), timezone.now()
    patients = _lock_all(asked, patient)
    if patient not in patients:
        raise Refused("This patient is no longer there. Search again.")
    patient = patients[patients.index(patient)]
    candidate = _weighed(asked, patient, reason)
    reasons = safety_checks.confirm(candidate.concerns, confirmed)
    _move(asked, State.MATCHED, likely=patient, decided_at=at, decided_by=by, reason=reason, confirmed=reasons)
    association, is_new = associations.give(
        asked.account, patient, relationship=asked.relationship, level=level, self_registration=asked
    )
    declines = patient.declines.live().update(ended_at=at, ended_by=by)
    superseded = outstanding.supersede(outstanding.on_their_way(asked.account, patient), account=asked.account, by=by)
    portal_status.refresh(patients)
    account_notices.matched(self_registration=asked, association=association)
    for registration in superseded:
        registration.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
    details: dict[str, str | bool] = {**safety_checks.in_the_trail(reasons)}
    details |= {"in_spite_of": candidate.differs, "had_access": not is_new, "decline_ended": bool(declines)}
    _record(Action.MATCHED, asked, actor=actor, reason=reason, **{name: each for name, each in details.items() if each})
    if is_new:
        facts = {"to": asked.account.name, "relationship": association.get_relationship_display(), "level": level}
        audit.record(Action.ACCESS_GIVEN, actor=actor, practice=asked.practice, patient=patient.pk, details=facts)
    return association


@transaction.atomic
def refuse(asked: SelfRegistration, *, reason: str, actor: Actor) -> None:
    """Not our patient. Raises Taken."""
    by = _person(actor)
    patients = _lock_likely(asked)
    _move(asked, State.REFUSED, decided_at=timezone.now(), decided_by=by, reason=reason)
    portal_status.refresh(patients)
    account_notices.match_refused(self_registration=asked)
    _record(Action.MATCH_REFUSED, asked, actor=actor, reason=reason)


@transaction.atomic
def reopen(asked: SelfRegistration, *, actor: Actor) -> None:
    """Takes back that it is not our patient. Raises Taken; Refused where the family has asked again meanwhile."""
    _person(actor)
    likely = candidates.likely(asked.practice, asked)
    patients = portal_status.lock(asked.practice, [likely] if likely else [])
    PortalAccount.objects.select_for_update(no_key=True).get(pk=asked.account_id)
    if _earlier(asked.account, asked.practice, asked):
        raise Refused("The family has asked for this child again since. Decide on that one.")
    undecided: dict[str, Any] = {"decided_at": None, "decided_by": None, "reason": ""}
    _move(asked, State.WAITING, out_of=(State.REFUSED,), likely=patients[0] if patients else None, **undecided)
    portal_status.refresh(patients)
    _record(Action.MATCH_REOPENED, asked, actor=actor)


@transaction.atomic
def ask_for_more(asked: SelfRegistration, *, question: str, actor: Actor) -> None:
    """Asks the family something, in place of what was asked before. Raises Taken."""
    _person(actor)
    _move(asked, State.ASKED, question=question, answer="")
    account_notices.asked_for_more(self_registration=asked)
    _record(Action.MATCH_ASKED, asked, actor=actor)


# --- The worker ---


def refresh_likely() -> None:
    """An import or a correction may have made another patient the likely one, or none.

    A round of those that were looked at the longest ago: however many wait, each has its turn.
    """
    waiting = SelfRegistration.objects.waiting().select_related("practice", "likely")
    this_round = list(waiting.order_by("likely_checked_at", "pk")[:_MOST_REFRESHED])
    for asked in this_round:
        likely = candidates.likely(asked.practice, asked)
        if likely != asked.likely:
            _correct(asked, likely)
    looked_at = SelfRegistration.objects.filter(pk__in=[each.pk for each in this_round])
    looked_at.update(likely_checked_at=timezone.now())


@transaction.atomic
def _correct(asked: SelfRegistration, likely: Patient | None) -> None:
    patients = portal_status.lock(asked.practice, [each for each in (asked.likely, likely) if each])
    unchanged = SelfRegistration.objects.waiting().filter(pk=asked.pk, likely=asked.likely_id)
    if unchanged.update(likely=likely if likely in patients else None):
        portal_status.refresh(patients)


# --- How it is done ---


def _earlier(account: PortalAccount, practice: Practice, child: candidates.Asked) -> SelfRegistration | None:
    """What waits for this child, or what gave the access that the account has."""
    stands = Q(state__in=SelfRegistration.WAITING) | Q(association__in=account.associations.live())
    rows = account.self_registrations.of(practice).filter(stands, birth_date=child.birth_date)
    return next((each for each in rows if _name_key(each) == _name_key(child)), None)


def _name_key(child: candidates.Asked) -> tuple[str, str]:
    return names.key(child.given_names), names.key(child.family_name)


def _wait(account: PortalAccount, practice: Practice, child: Asked, *, likely: Patient | None) -> SelfRegistration:
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
    if account.self_registrations.of(practice).waiting().count() > MOST_OPEN:
        raise TooMany


def _lock_likely(asked: SelfRegistration) -> list[Patient]:
    asked.refresh_from_db()
    return portal_status.lock(asked.practice, [asked.likely] if asked.likely else [])


def _lock_all(asked: SelfRegistration, patient: Patient) -> list[Patient]:
    """The patient, the one who was thought to be meant, and who else loses a PIN by the match."""
    asked.refresh_from_db()
    siblings = portal_status.covered_by(each.pk for each in outstanding.on_their_way(asked.account, patient))
    return portal_status.lock(asked.practice, [patient, *siblings, *([asked.likely] if asked.likely else [])])


def _weighed(asked: SelfRegistration, patient: Patient, reason: str) -> Candidate:
    """The patient beside what the family told. Raises Refused, ReasonWanted."""
    (candidate,) = comparison.weigh(asked, [patient])
    if candidate.refused:
        raise Refused(candidate.refused)
    if candidate.warnings and not reason:
        raise ReasonWanted(candidate.warnings)
    return candidate


def _move(asked: SelfRegistration, state: State, *, out_of: Sequence[State] = (), **columns: Any) -> None:
    """The one place where it changes its state: by a conditional update. Raises Taken."""
    as_seen = SelfRegistration.objects.filter(
        pk=asked.pk, state__in=out_of or SelfRegistration.WAITING, likely=asked.likely_id
    )
    if not as_seen.update(state=state, **columns):
        raise Taken(_what_became_of(asked))
    asked.refresh_from_db()


def _what_became_of(asked: SelfRegistration) -> str:
    now = SelfRegistration.objects.select_related("decided_by", "practice").get(pk=asked.pk)
    if now.decided_at is None:
        return "This has just changed. Look at it again."
    when = now.decided_at.astimezone(now.practice.zone)
    who = "The family" if now.state == State.WITHDRAWN else str(now.decided_by)
    did = {State.MATCHED: "made the match", State.REFUSED: "said “Not our patient”", State.WITHDRAWN: "withdrew it"}
    return f"{who} {did[State(now.state)]} on {when:%B} {when.day} at {when:%-I:%M %p}. Nothing was changed."


def _record(action: Action, asked: SelfRegistration, *, actor: Actor, **details: str | bool) -> None:
    facts = {"self_registration": str(asked.pk), "account": asked.account.name, **details}
    audit.record(action, actor=actor, practice=asked.practice, patient=asked.likely_id, details=facts)


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise PermissionError("A person decides on a match.")
    return actor.user
