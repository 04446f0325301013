"""Requests for access without a PIN: families submit requests, and staff decide which patient is meant (Merge Match).

Each function is one transaction. It takes locks in the same order as `registration.issuing.registrations`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

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
from registration.matching import candidates, comparison, transitions
from registration.matching.comparison import Candidate
from registration.matching.transitions import AlreadyDecided as AlreadyDecided
from registration.models import Association, PortalAccount, Registration, SelfRegistration
from registration.values import Refused

State = SelfRegistration.State

MAX_OPEN: Final = 10


class TooManyRequests(Exception):
    """The account would have more than MAX_OPEN requests waiting at this practice."""


class ReasonRequired(Exception):
    """Staff must give a reason to match in spite of `warnings`."""

    def __init__(self, warnings: list[str]) -> None:
        super().__init__(" ".join(warnings))
        self.warnings = warnings


@dataclass(frozen=True, kw_only=True)
class RequestedChild:
    """A patient as the family describes the patient, who may be the account owner."""

    given_names: str
    family_name: str
    birth_date: date
    relationship: str
    street: str = ""
    postal_code: str = ""


# --- Families ---


@transaction.atomic
def submit(
    *, account: PortalAccount, practice: Practice, children: Sequence[RequestedChild], actor: Actor
) -> list[SelfRegistration]:
    """Submit a request for each child, and return the requests.

    A child that the account has already requested, or was matched with, keeps that request. A child to whom the account
    already has access without a request is left out. If it raises TooManyRequests, nothing has changed.
    """
    likely = [candidates.likely(practice, child) for child in children]
    locked = portal_status.lock(practice, [patient for patient in likely if patient])
    by_id = {patient.pk: patient for patient in locked}
    _lock_account(account.pk)
    requests, new = [], []
    for child, patient in zip(children, likely, strict=True):
        request = _existing_request(account, practice, child)
        if request is None and not (patient and account.associations.live().filter(patient=patient).exists()):
            request = _create(account, practice, child, likely=by_id.get(patient.pk) if patient else None)
            new.append(request)
        if request and request not in requests:
            requests.append(request)
    if new:
        _check_number(account, practice)
        portal_status.refresh(locked)
        initials = [names.initials(request.given_names, request.family_name) for request in new]
        account_notices.self_registration_received(practice=practice, account=account, who=initials)
    for request in new:
        transitions.record(Action.SELF_REGISTERED, request, actor=actor)
    return requests


@transaction.atomic
def submit_with_new_account(
    details: accounts.Details, *, practice: Practice, children: Sequence[RequestedChild], address: str | None
) -> PortalAccount:
    """Create the account and submit its requests, or do neither. Raises accounts.EmailTaken and TooManyRequests."""
    account = accounts.make(details)
    submit(account=account, practice=practice, children=children, actor=accounts.actor_for(account, address))
    accounts.record_created(account, address=address)
    return account


@transaction.atomic
def answer(self_registration: SelfRegistration, *, text: str, actor: Actor) -> None:
    """Save the family's answer to the practice's question. Raises AlreadyDecided."""
    transitions.move(self_registration, State.WAITING, out_of=(State.ASKED,), answer=text)
    transitions.record(Action.MATCH_ANSWERED, self_registration, actor=actor)


@transaction.atomic
def withdraw(self_registration: SelfRegistration, *, actor: Actor) -> None:
    """Cancel the request on behalf of the family. Raises AlreadyDecided."""
    locked = transitions.lock_with_likely(self_registration)
    transitions.move(self_registration, State.WITHDRAWN, decided_at=timezone.now(), decided_by=actor.user)
    portal_status.refresh(locked)
    transitions.record(Action.SELF_REGISTRATION_WITHDRAWN, self_registration, actor=actor)


# --- Staff ---


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
    """Give the account access to this patient. If the account already has access, that access stays the same.

    `reason` explains why staff chose this patient even though something differs. `override_reasons` has a reason for
    each safety warning, keyed by the warning's key. The same person's outstanding PINs for this patient are superseded.
    Raises Refused, AlreadyDecided, ReasonRequired and safety_checks.OverrideRequired. In that case, nothing has
    changed.
    """
    by, at = actor.require_user(), timezone.now()
    locked, patient = _lock_for_match(self_registration, patient)
    candidate = _check_candidate(self_registration, patient, reason)
    reasons = safety_checks.require_reasons(candidate.safety_warnings, override_reasons)
    decision: dict[str, Any] = {"decided_at": at, "decided_by": by, "reason": reason, "override_reasons": reasons}
    transitions.move(self_registration, State.MATCHED, likely=patient, **decision)
    association, is_new = associations.grant(
        self_registration.account,
        patient,
        relationship=self_registration.relationship,
        level=level,
        self_registration=self_registration,
    )
    ended_declines = patient.declines.live().update(ended_at=at, ended_by=by)
    superseded = _supersede_outstanding(self_registration.account, patient, by=by)
    portal_status.refresh(locked)
    account_notices.matched(self_registration=self_registration, association=association)
    for registration in superseded:
        registration.record(Action.REGISTRATION_SUPERSEDED, actor=actor)
    details: dict[str, str | bool] = {
        "reason": reason,
        **safety_checks.audit_details(reasons),
        "in_spite_of": candidate.overridden_differences,
        "had_access": not is_new,
        "decline_ended": bool(ended_declines),
    }
    _record_match(self_registration, association, is_new=is_new, actor=actor, details=details)
    return association


@transaction.atomic
def refuse(self_registration: SelfRegistration, *, reason: str, actor: Actor) -> None:
    """Record that the child is not the practice's patient, and notify the family. Raises AlreadyDecided."""
    by = actor.require_user()
    locked = transitions.lock_with_likely(self_registration)
    transitions.move(self_registration, State.REFUSED, decided_at=timezone.now(), decided_by=by, reason=reason)
    portal_status.refresh(locked)
    account_notices.match_refused(self_registration=self_registration)
    transitions.record(Action.MATCH_REFUSED, self_registration, actor=actor, reason=reason)


@transaction.atomic
def reopen(self_registration: SelfRegistration, *, actor: Actor) -> None:
    """Undo a refusal. Raises AlreadyDecided, or Refused if the family has submitted a new request since the refusal."""
    actor.require_user()
    likely = candidates.likely(self_registration.practice, self_registration)
    locked = portal_status.lock(self_registration.practice, [likely] if likely else [])
    _lock_account(self_registration.account_id)
    if _existing_request(self_registration.account, self_registration.practice, self_registration):
        raise Refused("The family has sent a new request for this child. Review the new request instead.")
    undecided: dict[str, Any] = {"decided_at": None, "decided_by": None, "reason": ""}
    transitions.move(
        self_registration, State.WAITING, out_of=(State.REFUSED,), likely=locked[0] if locked else None, **undecided
    )
    portal_status.refresh(locked)
    transitions.record(Action.MATCH_REOPENED, self_registration, actor=actor)


@transaction.atomic
def ask_for_information(self_registration: SelfRegistration, *, question: str, actor: Actor) -> None:
    """Ask the family a question, which replaces any earlier question and its answer. Raises AlreadyDecided."""
    actor.require_user()
    transitions.move(self_registration, State.ASKED, question=question, answer="")
    account_notices.question_asked(self_registration=self_registration)
    transitions.record(Action.MATCH_ASKED, self_registration, actor=actor)


# --- The steps of submitting a request ---


def _lock_account(account_id: UUID) -> None:
    """Lock the account, so that a second request submitted at the same time has to wait."""
    PortalAccount.objects.select_for_update(no_key=True).get(pk=account_id)


def _existing_request(
    account: PortalAccount, practice: Practice, child: candidates.Described
) -> SelfRegistration | None:
    """Return the account's waiting request for this child, or the request that gave the account its current access."""
    is_current = Q(state__in=SelfRegistration.WAITING) | Q(association__in=account.associations.live())
    requests = account.self_registrations.for_practice(practice).filter(is_current, birth_date=child.birth_date)
    return next((request for request in requests if _name_key(request) == _name_key(child)), None)


def _name_key(child: candidates.Described) -> tuple[str, str]:
    return names.key(child.given_names), names.key(child.family_name)


def _create(
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


# --- The steps of a match ---


def _lock_for_match(self_registration: SelfRegistration, patient: Patient) -> tuple[list[Patient], Patient]:
    """Lock the matched patient, the patient who had seemed likely, and any siblings who lose a PIN because of the match.

    Return all the locked patients, and the matched patient's current row. Raises Refused if that patient no longer
    exists.
    """
    registrations = outstanding.outstanding_for(self_registration.account, patient)
    siblings = portal_status.covered_by(registration.pk for registration in registrations)
    locked = transitions.lock_with_likely(self_registration, patient, *siblings)
    if patient not in locked:
        raise Refused("This patient is no longer on record. Search again.")
    return locked, locked[locked.index(patient)]


def _check_candidate(self_registration: SelfRegistration, patient: Patient, reason: str) -> Candidate:
    """Compare the patient with the request once more. Raises Refused and ReasonRequired."""
    (candidate,) = comparison.compare(self_registration, [patient])
    if candidate.refused:
        raise Refused(candidate.refused)
    if candidate.warnings and not reason:
        raise ReasonRequired(candidate.warnings)
    return candidate


def _supersede_outstanding(account: PortalAccount, patient: Patient, *, by: User) -> list[Registration]:
    return outstanding.supersede(outstanding.outstanding_for(account, patient), account=account, by=by)


def _record_match(
    self_registration: SelfRegistration,
    association: Association,
    *,
    is_new: bool,
    actor: Actor,
    details: Mapping[str, str | bool],
) -> None:
    present = {name: value for name, value in details.items() if value or name == "reason"}
    transitions.record(Action.MATCHED, self_registration, actor=actor, **present)
    if not is_new:
        return
    audit.record(
        Action.ACCESS_GIVEN,
        actor=actor,
        practice=self_registration.practice,
        patient=association.patient_id,
        details={
            "to": self_registration.account.name,
            "relationship": association.get_relationship_display(),
            "level": association.level,
        },
    )
