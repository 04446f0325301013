"""Random histories of patients: the search by status finds exactly the patients that it should.

`make test` runs 100 patients; the campaign of `make test-campaigns` runs 1,000.

The test derives the expected status on its own: access outranks an open PIN, which outranks a pending self-registration,
which outranks a decline.
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
from patients.search_filters import PatientQuery
from portal.audit import Actor
from portal.models import Practice
from portal.signals import portal_statuses_needed
from registration.access import associations
from registration.access.accounts import Details
from registration.claiming import claims, verification
from registration.issuing import declines, lifecycle, pin_display
from registration.matching import self_registrations
from registration.matching.self_registrations import RequestedChild
from registration.models import Association, Decline, Registration, SelfRegistration
from registration.values import Recipient
from tests import factories
from tests.factories import SESSION_KEY, issue_registration

FIRST_BORN = date(2017, 3, 5)
RECIPIENTS = ("Rosa Prado", "Ines Vidal")
AGAIN = {"removed": "They may see it again."}


@dataclass
class History:
    """The expected state of one patient, and the objects that the next step can change."""

    patient: Patient
    open_pins: dict[str, Registration] = field(default_factory=dict)
    access: list[Association] = field(default_factory=list)
    removed: list[Association] = field(default_factory=list)
    waiting: list[SelfRegistration] = field(default_factory=list)
    declined: Decline | None = None

    @property
    def status(self) -> PortalStatus:
        if self.access:
            return PortalStatus.REGISTERED
        if self.open_pins:
            return PortalStatus.PENDING
        if self.waiting:
            return PortalStatus.SELF_REGISTERED
        return PortalStatus.DECLINED if self.declined else PortalStatus.UNREGISTERED


class RandomHistory:
    """Carry out a random step out of those that are possible."""

    def __init__(self, seed: int, *, practice: Practice, actor: Actor) -> None:
        self._rng = Random(seed)
        self._practice = practice
        self._actor = actor
        self.happened: defaultdict[str, int] = defaultdict(int)

    def step(self, history: History) -> None:
        possible = {
            "issue": True,
            "claim": history.open_pins,
            "expire": history.open_pins,
            "revoke": history.open_pins,
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
        history.open_pins[name] = issue_registration(
            history.patient, Recipient(name=name, relationship="Aunt"), actor=self._actor, override_reasons=AGAIN
        )

    def _claim(self, history: History) -> None:
        registration = self._take(history)
        pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
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
        child = RequestedChild(
            given_names=history.patient.given_names,
            family_name=history.patient.family_name,
            birth_date=history.patient.birth_date,
            relationship="mother",
        )
        account = self_registrations.submit_with_new_account(
            self._details(), practice=self._practice, children=[child], address=None
        )
        history.waiting.append(account.self_registrations.get())

    def _match(self, history: History) -> None:
        association = self_registrations.match(
            history.waiting.pop(), history.patient, level="full", override_reasons=AGAIN, actor=self._actor
        )
        history.access.append(association)
        history.declined = None

    def _refuse(self, history: History) -> None:
        self_registrations.refuse(history.waiting.pop(), reason="Not our patient.", actor=self._actor)

    def _decline(self, history: History) -> None:
        history.declined = declines.decline(
            history.patient, reason="Prefers to call.", ask_again_on=None, actor=self._actor
        )
        history.open_pins.clear()

    def _undo_decline(self, history: History) -> None:
        assert history.declined is not None
        declines.undo(history.declined, actor=self._actor)
        history.declined = None

    def _remove(self, history: History) -> None:
        association = history.access.pop(self._rng.randrange(len(history.access)))
        associations.remove(association, reason="Asked for it.", on=None, actor=self._actor)
        history.removed.append(association)
        if association.registration:  # Another PIN of the same person is revoked, too.
            history.open_pins.pop(association.registration.recipient_name, None)

    def _undo(self, history: History) -> None:
        association = history.removed.pop()
        association.refresh_from_db()
        associations.restore(association, reason="A mistake.", actor=self._actor)
        history.access.append(association)

    def _take(self, history: History) -> Registration:
        return history.open_pins.pop(self._rng.choice(sorted(history.open_pins)))

    def _details(self) -> Details:
        return Details(
            email=f"{uuid.uuid4().hex}@families.example",
            password_hash="!",
            given_names="Rosa",
            family_name="Prado",
            terms="built-in",
        )


def found_by(practice: Practice, status: PortalStatus) -> list[Patient]:
    """Return what the search by this status shows on all its pages."""
    page = search.find(PatientQuery(practice=practice, status=status))
    patients = [hit.patient for hit in page.hits]
    while page.after:
        page = search.find(PatientQuery(practice=practice, status=status), after=page.after)
        patients += [hit.patient for hit in page.hits]
    return patients


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 100), *(pytest.param(seed, 500, marks=pytest.mark.campaign) for seed in (1, 2))],
)
def test_search_by_status_finds_exactly_the_right_patients(
    practice: Practice, actor: Actor, seed: int, count: int
) -> None:
    steps = RandomHistory(seed, practice=practice, actor=actor)
    rng = Random(seed)
    histories = [
        History(factories.a_patient(practice, "Ana", "Prado", birth_date=FIRST_BORN + timedelta(days=number)))
        for number in range(count)
    ]
    for history in histories:
        for _ in range(rng.randint(1, 5)):
            steps.step(history)
    assert len(steps.happened) == 11, f"something never happened: {dict(steps.happened)}"

    portal_statuses_needed.send(sender=None)
    for status in PortalStatus:
        expected = {history.patient.pk for history in histories if history.status == status}
        found = [patient.pk for patient in found_by(practice, status)]
        assert len(found) == len(set(found))
        assert set(found) == expected, status
        page = search.find(PatientQuery(practice=practice, status=status))
        assert page.shown_count == f"{len(expected):,}"
