"""Puts the demo into the database: two practices, their staff, their questions and their patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from random import Random
from typing import Final

from django.db import transaction
from django.utils import timezone

from patients.intake.load import load
from patients.intake.records import PatientRecord
from patients.models import NameKey, Patient, PortalStatus
from patients.names import is_placeholder
from portal.models import Logo, Practice
from registration.demo import logos, staff
from registration.demo.families import HARBOR_STREET, MAPLE_GROVE, Neighborhood, families
from registration.models import VerificationQuestion

# Chosen so that hardly anybody is called like a person in the news.
_SEED: Final = 10

# How many patients of 100 have come how far. Nobody is Pending: there is no PIN on its way yet.
_STATUSES: Final = {
    PortalStatus.REGISTERED: 36,
    PortalStatus.SELF_REGISTERED: 3,
    PortalStatus.DECLINED: 2,
    PortalStatus.UNREGISTERED: 59,
}

# What no record of the patient holds, so that knowing the record is not knowing the answer.
_QUESTIONS: Final = (
    "What is the name of your child’s first school?",
    "What is your child’s favorite stuffed animal called?",
    "What is your child’s favorite bedtime book?",
    "What was the name of your family’s first pet?",
    "Where did your family spend its last vacation?",
)


@dataclass(frozen=True, kw_only=True)
class _Demo:
    practice: Practice
    logo: bytes
    around: Neighborhood
    count_patients: int


def _maple_grove() -> _Demo:
    practice = Practice(
        name="Maple Grove Pediatrics",
        short_name="Maple Grove Peds",
        phone="+1 612 555 0142",
        email="hello@maplegrove.example",
        street="400 Sycamore Lane",
        city="Lindenwood",
        state="MN",
        postal_code="55298",
        time_zone="America/Chicago",
    )
    return _Demo(practice=practice, logo=logos.draw_maple_leaf(), around=MAPLE_GROVE, count_patients=2_000)


def _harbor_street() -> _Demo:
    practice = Practice(
        name="Harbor Street Children’s Clinic",
        short_name="Harbor St Clinic",
        phone="+1 207 555 0118",
        email="hello@harborstreet.example",
        street="12 Harbor Street",
        city="Saltmarsh",
        state="ME",
        postal_code="04998",
        time_zone="America/New_York",
    )
    return _Demo(practice=practice, logo=logos.draw_sail(), around=HARBOR_STREET, count_patients=60)


@transaction.atomic
def seed(*, today: date | None = None) -> None:
    """All of the demo, or nothing where it is there already. Ages are as of `today`: this day, if it is left out."""
    demos = (_maple_grove(), _harbor_street())
    if Practice.objects.filter(name__in=[demo.practice.name for demo in demos]).exists():
        return
    for demo in demos:
        _open(demo, today=today or timezone.localdate())
    staff.create(practices={demo.around.prefix: demo.practice for demo in demos})


def _open(demo: _Demo, *, today: date) -> None:
    demo.practice.save()
    Logo.objects.create(practice=demo.practice, png=demo.logo)
    VerificationQuestion.objects.bulk_create(
        VerificationQuestion(practice=demo.practice, text=text, position=position)
        for position, text in enumerate(_QUESTIONS, start=1)
    )
    records = families(demo.count_patients, seed=_SEED, today=today, around=demo.around)
    load(records, practice=demo.practice)
    cast = sum(len(family.children) for family in demo.around.cast)
    _spread_statuses(records[cast:], practice=demo.practice)


def _spread_statuses(records: Sequence[PatientRecord], *, practice: Practice) -> None:
    """Siblings have the same status; those to whom nobody would give a PIN stay Unregistered."""
    rng = Random(_SEED)  # noqa: S311 - statuses of a demo, not secrets
    chosen: dict[PortalStatus, list[str]] = {}
    for _, siblings in groupby(records, key=_family_of):
        status = rng.choices(list(_STATUSES), list(_STATUSES.values()))[0]
        chosen.setdefault(status, []).extend(each.source_id for each in siblings if _may_have_portal(each))
    chosen.pop(PortalStatus.UNREGISTERED, None)
    for status, source_ids in chosen.items():
        patients = Patient.objects.of(practice).filter(source_id__in=source_ids)
        NameKey.objects.filter(patient__in=patients).update(status=status)
        patients.update(portal_status=status, settled_status=status)


def _family_of(record: PatientRecord) -> tuple[tuple[str, ...], ...]:
    return tuple((each.given_names, each.family_name, each.email, each.phone) for each in record.contacts)


def _may_have_portal(record: PatientRecord) -> bool:
    return bool(record.contacts) and not record.deceased and not is_placeholder(record.given_names)
