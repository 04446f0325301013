"""What has happened before the demo begins: families with access, some who wait for a match, some who declined."""

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

# How many patients of 100 have come how far. Nobody is Pending: there is no PIN on its way yet.
_STATUSES: Final = {
    PortalStatus.REGISTERED: 38,
    PortalStatus.SELF_REGISTERED: 1,
    PortalStatus.DECLINED: 2,
    PortalStatus.UNREGISTERED: 59,
}
_WHY_DECLINED: Final = (
    "Prefers to ring us.",
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


def live_through(records: Sequence[PatientRecord], *, practice: Practice, desk: User, seed: int) -> None:
    """Gives families a past: siblings share it; those to whom nobody would give a PIN have none."""
    past = _Past(practice, desk=desk, rng=Random(seed))  # noqa: S311 - histories of a demo, not secrets
    patients = {each.source_id: each for each in Patient.objects.for_practice(practice)}
    for _, family in groupby(records, key=_family_of):
        siblings = list(family)
        past.give([patients[each.source_id] for each in siblings if _may_have_portal(each)], siblings[0].contacts)
    past.write()


class _Past:
    """Collects rows, and writes them in a few statements."""

    def __init__(self, practice: Practice, *, desk: User, rng: Random) -> None:
        self._practice = practice
        self._desk = desk
        self._rng = rng
        self._now = timezone.now()
        self._today = self._now.astimezone(practice.zone).date()
        self._users: list[User] = []
        self._accounts: list[PortalAccount] = []
        self._associations: list[Association] = []
        self._asked: list[SelfRegistration] = []
        self._declines: list[Decline] = []

    def give(self, siblings: list[Patient], contacts: Sequence[ContactRecord]) -> None:
        status = self._rng.choices(list(_STATUSES), list(_STATUSES.values()))[0]
        parent = next((each for each in contacts if each.has_authority and each.email), None)
        if not siblings or parent is None:
            return
        match status:
            case PortalStatus.REGISTERED:
                self._give_access(siblings, parent)
            case PortalStatus.SELF_REGISTERED:
                self._ask(siblings, parent)
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

    def _give_access(self, siblings: list[Patient], parent: ContactRecord) -> None:
        days_ago = self._rng.randint(3, 700)
        account = self._account(parent, days_ago=days_ago)
        limit = self._practice.minor_age_limit
        soon = self._today + timedelta(days=30)
        self._associations += [
            Association(
                account=account,
                patient=child,
                relationship=_RELATIONSHIPS.get(parent.relationship, "other"),
                since=self._now - timedelta(days=days_ago),
                past_age_limit=child.age(on=self._today) >= limit,
                age_limit_notice_sent=dates.age(child.birth_date, on=soon) >= limit,
            )
            for child in siblings
        ]

    def _ask(self, siblings: list[Patient], parent: ContactRecord) -> None:
        """A few days ago, and as people type: without accents, sometimes with another address."""
        days_ago = self._rng.randint(0, 9)
        account = self._account(parent, days_ago=days_ago)
        moved = self._rng.random() < 0.3
        self._asked += [
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
        reason = self._rng.choice(_WHY_DECLINED)
        ask_again = self._today + timedelta(days=self._rng.randint(20, 200)) if self._rng.random() < 0.5 else None
        at = self._now - timedelta(days=self._rng.randint(5, 300))
        self._declines += [
            Decline(patient=child, reason=reason, ask_again_on=ask_again, at=at, by=self._desk) for child in siblings
        ]

    def write(self) -> None:
        User.objects.bulk_create(self._users)
        PortalAccount.objects.bulk_create(self._accounts)
        Association.objects.bulk_create(self._associations)
        SelfRegistration.objects.bulk_create(self._asked)
        Decline.objects.bulk_create(self._declines)
        self._set_status(PortalStatus.REGISTERED, [each.patient for each in self._associations])
        self._set_status(PortalStatus.SELF_REGISTERED, [each.likely for each in self._asked if each.likely])
        self._set_status(PortalStatus.DECLINED, [each.patient for each in self._declines])

    def _set_status(self, status: PortalStatus, patients: list[Patient]) -> None:
        keys = [each.pk for each in patients]
        Patient.objects.filter(pk__in=keys).update(portal_status=status)
        NameKey.objects.filter(patient__in=keys).update(status=status)


def _family_of(record: PatientRecord) -> tuple[tuple[str, ...], ...]:
    return tuple((each.given_names, each.family_name, each.email, each.phone) for each in record.contacts)


def _may_have_portal(record: PatientRecord) -> bool:
    return record.active and not record.deceased and not is_placeholder(record.given_names)
