"""What the family's home page shows: children, who else has access, offers and requests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration.communications import languages
from registration.family import labels
from registration.family.forms.profile_forms import AnswerQuestionForm
from registration.models import AccessLevel, Association, PortalAccount, Registration, SelfRegistration

# How long the home page shows a request that the practice turned down.
_REFUSAL_SHOWN_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Child:
    """Someone whose record the account has access to. `last_day` is "" if access has no end."""

    name: str
    practice: Practice
    phone: str
    is_self: bool
    relationship: str
    access: str
    last_day: str
    others: str


@dataclass(frozen=True, kw_only=True)
class Unconfirmed:
    """A child of a claimed registration whose date of birth the family skipped during sign-up."""

    registration_id: UUID
    patient_id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    registration_id: UUID
    practice: Practice
    names: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for access without a PIN. `form` is for answering the practice's question, if there is one."""

    id: UUID
    name: str
    practice: Practice
    phone: str
    is_refused: bool
    is_open: bool
    question: str
    sent_on: str
    form: AnswerQuestionForm


def children_of(account: PortalAccount) -> list[Child]:
    associations = account.associations.live().select_related("patient__practice").order_by("patient__birth_date")
    return [_child(association) for association in associations]


def _child(association: Association) -> Child:
    patient, practice = association.patient, association.patient.practice
    return Child(
        name=" ".join(filter(None, [patient.first_name, patient.family_name])),
        practice=practice,
        phone=national(practice.phone),
        is_self=association.relationship == Association.Relationship.SELF,
        relationship=labels.relationship_label(association.relationship),
        access=_("Part of the record") if association.level == AccessLevel.LIMITED else _("The whole record"),
        last_day=_last_day(association),
        others=", ".join(_others(association)) or _("No one else"),
    )


def _last_day(association: Association) -> str:
    if association.ends_at is None:
        return ""
    return languages.format_day(association.patient.practice.last_day(association.ends_at))


def _others(association: Association) -> list[str]:
    """Name the other people who have access. Leave out a minor's own account."""
    patient, practice = association.patient, association.patient.practice
    others = patient.associations.live().exclude(account=association.account_id).select_related("account")
    if patient.age(on=practice.today()) < practice.age_of_majority:
        others = others.exclude(relationship=Association.Relationship.SELF)
    return [f"{other.account.name} ({labels.relationship_label(other.relationship)})" for other in others]


def unconfirmed_of(account: PortalAccount) -> list[Unconfirmed]:
    """List the children whom the family can still add by entering their date of birth."""
    claimed = account.claimed.filter(state=Registration.State.CLAIMED, expires_at__gt=timezone.now())
    return [
        Unconfirmed(
            registration_id=registration.pk,
            patient_id=patient.pk,
            name=labels.patient_label(registration.practice, patient),
        )
        for registration in claimed.select_related("practice")
        for patient in remaining_patients(registration, account)
    ]


def remaining_patients(registration: Registration, account: PortalAccount) -> QuerySet[Patient]:
    """Return the registration's patients to whom the account has never had access.

    Only the practice can restore access that has ended.
    """
    ever_associated = account.associations.values("patient")
    return registration.patients.exclude(pk__in=ever_associated).filter(active=True, deceased=False)


def offers_to(account: PortalAccount) -> list[Offer]:
    """List the patients that practices have offered to add to this account."""
    offers = account.offers.live().filter(method=Registration.Method.ACCOUNT).select_related("practice")
    return [
        Offer(
            registration_id=registration.pk,
            practice=registration.practice,
            names=languages.join(
                [labels.patient_label(registration.practice, patient) for patient in registration.patients.all()]
            ),
        )
        for registration in offers
    ]


def requests_by(account: PortalAccount) -> list[Request]:
    """List the open requests, and the requests that a practice turned down recently."""
    shown_since = timezone.now() - _REFUSAL_SHOWN_FOR
    rows = account.self_registrations.select_related("practice").order_by("created_at")
    return [_request(row) for row in rows if row.is_waiting or _is_recently_refused(row, shown_since)]


def _is_recently_refused(row: SelfRegistration, shown_since: datetime) -> bool:
    is_refused = row.state == SelfRegistration.State.REFUSED
    return is_refused and row.decided_at is not None and row.decided_at > shown_since


def _request(row: SelfRegistration) -> Request:
    return Request(
        id=row.pk,
        name=f"{row.given_names} {row.family_name}",
        practice=row.practice,
        phone=national(row.practice.phone),
        is_refused=row.state == SelfRegistration.State.REFUSED,
        is_open=row.is_waiting,
        question=row.question if row.state == SelfRegistration.State.ASKED else "",
        sent_on=languages.format_day(row.created_at.astimezone(row.practice.zone).date()),
        form=AnswerQuestionForm(prefix=str(row.pk)),
    )


def practices_of(account: PortalAccount) -> list[Practice]:
    return list(Practice.objects.filter(pk__in=account.associations.live().values("patient__practice")))
