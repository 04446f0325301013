"""Create what happened before the demo starts: families with access, pending requests, and declines."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from random import Random
from typing import Final

from anyascii import anyascii
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from patients import dates
from patients.intake.records import ContactRecord, PatientRecord
from patients.models import NameKey, Patient, PortalStatus
from patients.names import is_placeholder
from portal.models import Practice, User
from registration.models import Association, Decline, PortalAccount, SelfRegistration

# The percent of families with each status. No one is Pending, because no PIN has been issued yet.
_STATUSES: Final = {
    PortalStatus.REGISTERED: 38,
    PortalStatus.SELF_REGISTERED: 1,
    PortalStatus.DECLINED: 2,
    PortalStatus.UNREGISTERED: 59,
}
_DECLINE_REASONS: Final = (
    "Prefers to call us.",
    "No internet at home.",
    "Will decide at the next visit.",
    "Does not want another password.",
)
_RELATIONSHIPS: Final = {
    "Mother": "mother",
    "Father": "father",
    "Grandmother": "grandparent",
    "Guardian": "guardian",
    "Foster parent": "foster_parent",
}


def create(records: Sequence[PatientRecord], *, practice: Practice, desk: User, seed: int) -> None:
    """Give each family a history that its siblings share. Patients who can't be registered have no history."""
    history = _History(practice, desk=desk, rng=Random(seed))  # noqa: S311 - histories of a demo, not secrets
    patients = {patient.source_id: patient for patient in Patient.objects.for_practice(practice)}
    for _, family in groupby(records, key=_family_of):
        siblings = list(family)
        history.add(
            [patients[record.source_id] for record in siblings if _can_be_registered(record)], siblings[0].contacts
        )
    history.save()


class _History:
    """Collect rows, and save the rows in a few statements."""

    def __init__(self, practice: Practice, *, desk: User, rng: Random) -> None:
        self._practice = practice
        self._desk = desk
        self._rng = rng
        self._now = timezone.now()
        self._today = self._now.astimezone(practice.zone).date()
        self._users: list[User] = []
        self._accounts: list[PortalAccount] = []
        self._associations: list[Association] = []
        self._requests: list[SelfRegistration] = []
        self._declines: list[Decline] = []

    def add(self, siblings: list[Patient], contacts: Sequence[ContactRecord]) -> None:
        status = self._rng.choices(list(_STATUSES), list(_STATUSES.values()))[0]
        parent = next((contact for contact in contacts if contact.has_authority and contact.email), None)
        if not siblings or parent is None:
            return
        match status:
            case PortalStatus.REGISTERED:
                self._grant_access(siblings, parent)
            case PortalStatus.SELF_REGISTERED:
                self._request_access(siblings, parent)
            case PortalStatus.DECLINED:
                self._decline(siblings)

    def _account(self, parent: ContactRecord, *, days_ago: int) -> PortalAccount:
        user = User(email=parent.email.lower(), name=f"{parent.given_names} {parent.family_name}")
        user.password = make_password(None)
        account = PortalAccount(
            user=user,
            given_names=parent.given_names,
            family_name=parent.family_name,
            phone=parent.phone,
            terms="demo",
            terms_accepted_at=self._now - timedelta(days=days_ago),
        )
        self._users.append(user)
        self._accounts.append(account)
        return account

    def _grant_access(self, siblings: list[Patient], parent: ContactRecord) -> None:
        days_ago = self._rng.randint(3, 700)
        account = self._account(parent, days_ago=days_ago)
        limit = self._practice.minor_age_limit
        notice_day = self._today + timedelta(days=30)
        self._associations += [
            Association(
                account=account,
                patient=child,
                relationship=_RELATIONSHIPS.get(parent.relationship, "other"),
                since=self._now - timedelta(days=days_ago),
                past_age_limit=child.age(on=self._today) >= limit,
                age_limit_notice_sent=dates.age(child.birth_date, on=notice_day) >= limit,
            )
            for child in siblings
        ]

    def _request_access(self, siblings: list[Patient], parent: ContactRecord) -> None:
        """Add requests from the last few days, written as people type: without accents, and some with a different address."""
        days_ago = self._rng.randint(0, 9)
        account = self._account(parent, days_ago=days_ago)
        moved = self._rng.random() < 0.3
        self._requests += [
            SelfRegistration(
                practice=self._practice,
                account=account,
                given_names=anyascii(child.given_names),
                family_name=anyascii(child.family_name),
                birth_date=child.birth_date,
                relationship=_RELATIONSHIPS.get(parent.relationship, "other"),
                street="1 New Street" if moved else child.street,
                postal_code=child.postal_code,
                likely=child,
                created_at=self._now - timedelta(days=days_ago, minutes=self._rng.randint(0, 500)),
            )
            for child in siblings
        ]

    def _decline(self, siblings: list[Patient]) -> None:
        reason = self._rng.choice(_DECLINE_REASONS)
        ask_again = self._today + timedelta(days=self._rng.randint(20, 200)) if self._rng.random() < 0.5 else None
        at = self._now - timedelta(days=self._rng.randint(5, 300))
        self._declines += [
            Decline(patient=child, reason=reason, ask_again_on=ask_again, at=at, by=self._desk) for child in siblings
        ]

    def save(self) -> None:
        User.objects.bulk_create(self._users)
        PortalAccount.objects.bulk_create(self._accounts)
        Association.objects.bulk_create(self._associations)
        SelfRegistration.objects.bulk_create(self._requests)
        Decline.objects.bulk_create(self._declines)
        self._set_status(PortalStatus.REGISTERED, [association.patient for association in self._associations])
        self._set_status(PortalStatus.SELF_REGISTERED, [request.likely for request in self._requests if request.likely])
        self._set_status(PortalStatus.DECLINED, [decline.patient for decline in self._declines])

    def _set_status(self, status: PortalStatus, patients: list[Patient]) -> None:
        ids = [patient.pk for patient in patients]
        Patient.objects.filter(pk__in=ids).update(portal_status=status)
        NameKey.objects.filter(patient__in=ids).update(status=status)


def _family_of(record: PatientRecord) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (contact.given_names, contact.family_name, contact.email, contact.phone) for contact in record.contacts
    )


def _can_be_registered(record: PatientRecord) -> bool:
    return record.active and not record.deceased and not is_placeholder(record.given_names)
