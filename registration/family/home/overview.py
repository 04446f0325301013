"""What a family sees at home: its children, who else has access to each, and what waits."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration.communications import languages
from registration.family import labels
from registration.models import Association, PortalAccount, Registration, SelfRegistration

# How long a refusal stays to be read.
_NEWS_PERIOD = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    relationship: str


@dataclass(frozen=True, kw_only=True)
class Child:
    """Somebody to whom the account has access. `until` is the last day of it."""

    name: str
    practice: Practice
    phone: str
    is_self: bool
    relationship: str
    level: str
    is_limited: bool
    until: str
    others: list[Person]


@dataclass(frozen=True, kw_only=True)
class Unconfirmed:
    """A child of a claimed registration whose date of birth was not known then."""

    registration_id: UUID
    patient_id: UUID
    name: str


def children_of(account: PortalAccount) -> list[Child]:
    mine = account.associations.live().select_related("patient__practice").order_by("patient__birth_date")
    return [_child(association) for association in mine]


def _child(association: Association) -> Child:
    patient, practice = association.patient, association.patient.practice
    ends = association.ends_at
    return Child(
        name=" ".join(filter(None, [patient.first_name, patient.family_name])),
        practice=practice,
        phone=national(practice.phone),
        is_self=association.relationship == Association.Relationship.SELF,
        relationship=labels.relationship(association.relationship),
        level=labels.level(association.level),
        is_limited=association.level == "limited",
        until=languages.format_day(practice.last_day(ends)) if ends else "",
        others=_others(association),
    )


def _others(association: Association) -> list[Person]:
    """Adults only: the account that a minor has for itself is not named."""
    patient, practice = association.patient, association.patient.practice
    rows = patient.associations.live().exclude(account=association.account_id).select_related("account")
    if patient.age(on=practice.today()) < practice.age_of_majority:
        rows = rows.exclude(relationship=Association.Relationship.SELF)
    return [Person(name=each.account.name, relationship=labels.relationship(each.relationship)) for each in rows]


def unconfirmed_of(account: PortalAccount) -> list[Unconfirmed]:
    """Those that can still be added with their date of birth."""
    claimed = account.claimed.filter(state=Registration.State.CLAIMED, expires_at__gt=timezone.now())
    return [
        Unconfirmed(registration_id=each.pk, patient_id=patient.pk, name=labels.label(each.practice, patient))
        for each in claimed.select_related("practice")
        for patient in remaining_of(each, account)
    ]


def remaining_of(registration: Registration, account: PortalAccount) -> QuerySet[Patient]:
    """Of whom the account had access once, it gets it back from the practice alone."""
    had = account.associations.values("patient")
    return registration.patients.exclude(pk__in=had).filter(active=True, deceased=False)


def offers_to(account: PortalAccount) -> list[tuple[Registration, str]]:
    """What practices offer to add, with whom it is about."""
    offers = account.offers.live().filter(method=Registration.Method.ACCOUNT).select_related("practice")
    return [
        (each, languages.join([labels.label(each.practice, patient) for patient in each.patients.all()]))
        for each in offers
    ]


def requests_by(account: PortalAccount) -> list[SelfRegistration]:
    """What waits for a practice, and what one refused not long ago."""
    State = SelfRegistration.State  # noqa: N806 - as it is named everywhere
    rows = account.self_registrations.select_related("practice").order_by("created_at")
    told = timezone.now() - _NEWS_PERIOD
    return [
        each
        for each in rows
        if each.is_waiting or (each.state == State.REFUSED and each.decided_at and each.decided_at > told)
    ]


def practices_of(account: PortalAccount) -> list[Practice]:
    return list(Practice.objects.filter(pk__in=account.associations.live().values("patient__practice")))
