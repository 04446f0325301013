"""A thousand patients, each with a history of its own drawn by lot: the search by status finds exactly those it should.

The truth is kept beside the program, in a few counts a patient: who has access outweighs a PIN that is out, that a
self-registration that waits, that a family that declined.
"""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from django.utils import timezone

from patients import search
from patients.models import Patient, PortalStatus
from patients.search import PatientQuery
from portal.audit import Actor
from portal.models import Practice
from portal.signals import portal_statuses_needed
from registration.access import associations
from registration.access.accounts import Details
from registration.claiming import claims, verification
from registration.issuing import declines, lifecycle, pin_display, registrations
from registration.matching import self_registrations
from registration.matching.self_registrations import RequestedChild
from registration.models import Association, Decline, Registration, SelfRegistration
from registration.values import ByPin, InPerson, Recipient
from tests import factories

FIRST_BORN = date(2017, 3, 5)
SESSION = "a-session"
HISTORIES = 500
RECIPIENTS = ("Rosa Prado", "Ines Vidal")
AGAIN = {"removed": "They may see it again."}


@dataclass
class History:
    """What is true of one patient, and what there is to act upon."""

    patient: Patient
    out: dict[str, Registration] = field(default_factory=dict)
    access: list[Association] = field(default_factory=list)
    removed: list[Association] = field(default_factory=list)
    waiting: list[SelfRegistration] = field(default_factory=list)
    declined: Decline | None = None

    @property
    def status(self) -> PortalStatus:
        if self.access:
            return PortalStatus.REGISTERED
        if self.out:
            return PortalStatus.PENDING
        if self.waiting:
            return PortalStatus.SELF_REGISTERED
        return PortalStatus.DECLINED if self.declined else PortalStatus.UNREGISTERED


class Fate:
    """Draws what happens next, out of what can happen."""

    def __init__(self, seed: int, *, practice: Practice, actor: Actor) -> None:
        self._rng = Random(seed)
        self._practice = practice
        self._actor = actor
        self.happened: defaultdict[str, int] = defaultdict(int)

    def strike(self, history: History) -> None:
        possible = {
            "issue": True,
            "claim": history.out,
            "expire": history.out,
            "revoke": history.out,
            "ask": not history.waiting,
            "match": history.waiting,
            "refuse": history.waiting,
            "decline": not history.access and not history.declined,
            "undo_decline": history.declined,
            "remove": history.access,
            "undo": history.removed,
        }
        action = self._rng.choice([name for name, can in possible.items() if can])
        getattr(self, f"_{action}")(history)
        self.happened[action] += 1

    def _issue(self, history: History) -> None:
        name = self._rng.choice(RECIPIENTS)
        history.out[name] = registrations.register_patients(
            practice=self._practice,
            patients=[history.patient],
            recipient=Recipient(name=name, relationship="Aunt"),
            method=ByPin(),
            delivery=InPerson(),
            form_token=uuid.uuid4(),
            session_key=SESSION,
            override_reasons=AGAIN,
            actor=self._actor,
        )

    def _claim(self, history: History) -> None:
        registration = self._take(history)
        pin = pin_display.find_pin(registration, session_key=SESSION)
        assert pin is not None
        opened = verification.verify_pin(pin, history.patient.birth_date, address=None)
        account = claims.claim_with_new_account(opened, self._details(), relationship="other", address=None)
        history.access.append(account.associations.get())
        history.declined = None

    def _expire(self, history: History) -> None:
        registration = self._take(history)
        Registration.objects.filter(pk=registration.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    def _revoke(self, history: History) -> None:
        assert lifecycle.revoke(self._take(history), reason="mistake", actor=self._actor)

    def _ask(self, history: History) -> None:
        asked = RequestedChild(
            given_names=history.patient.given_names,
            family_name=history.patient.family_name,
            birth_date=history.patient.birth_date,
            relationship="mother",
        )
        account = self_registrations.submit_with_new_account(
            self._details(), practice=self._practice, children=[asked], address=None
        )
        history.waiting.append(account.self_registrations.get())

    def _match(self, history: History) -> None:
        made = self_registrations.match(
            history.waiting.pop(), history.patient, level="full", override_reasons=AGAIN, actor=self._actor
        )
        history.access.append(made)
        history.declined = None

    def _refuse(self, history: History) -> None:
        self_registrations.refuse(history.waiting.pop(), reason="Nobody of ours.", actor=self._actor)

    def _decline(self, history: History) -> None:
        history.declined = declines.decline(
            history.patient, reason="Prefers to ring.", ask_again_on=None, actor=self._actor
        )
        history.out.clear()

    def _undo_decline(self, history: History) -> None:
        assert history.declined is not None
        declines.undo(history.declined, actor=self._actor)
        history.declined = None

    def _remove(self, history: History) -> None:
        association = history.access.pop(self._rng.randrange(len(history.access)))
        associations.remove(association, reason="Asked for it.", on=None, actor=self._actor)
        history.removed.append(association)
        if association.registration:  # a key that the same person has besides ends with it
            history.out.pop(association.registration.recipient_name, None)

    def _undo(self, history: History) -> None:
        association = history.removed.pop()
        association.refresh_from_db()
        associations.restore(association, reason="A mistake.", actor=self._actor)
        history.access.append(association)

    def _take(self, history: History) -> Registration:
        return history.out.pop(self._rng.choice(sorted(history.out)))

    def _details(self) -> Details:
        return Details(
            email=f"{uuid.uuid4().hex}@families.example",
            password_hash="!",
            given_names="Rosa",
            family_name="Prado",
            terms="built-in",
        )


def found_by(practice: Practice, status: PortalStatus) -> list[Patient]:
    """What the search by this status shows, on all its pages."""
    page = search.find(PatientQuery(practice=practice, status=status))
    patients = [hit.patient for hit in page.hits]
    while page.after:
        page = search.find(PatientQuery(practice=practice, status=status), after=page.after)
        patients += [hit.patient for hit in page.hits]
    return patients


@pytest.mark.parametrize("seed", [1, 2])
def test_the_search_by_status_tells_the_truth(practice: Practice, actor: Actor, seed: int) -> None:
    fate = Fate(seed, practice=practice, actor=actor)
    lots = Random(seed)
    histories = [
        History(factories.a_patient(practice, "Ana", "Prado", birth_date=FIRST_BORN + timedelta(days=number)))
        for number in range(HISTORIES)
    ]
    for history in histories:
        for _ in range(lots.randint(1, 5)):
            fate.strike(history)
    assert len(fate.happened) == 11, f"something never happened: {dict(fate.happened)}"

    portal_statuses_needed.send(sender=None)
    for status in PortalStatus:
        wanted = {history.patient.pk for history in histories if history.status == status}
        found = [patient.pk for patient in found_by(practice, status)]
        assert len(found) == len(set(found))
        assert set(found) == wanted, status
        page = search.find(PatientQuery(practice=practice, status=status))
        assert page.shown_count == f"{len(wanted):,}"
