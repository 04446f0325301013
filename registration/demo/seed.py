"""Fill the database with the demo: two practices with staff, verification questions and patients."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import transaction
from django.utils import timezone

from patients.intake.load import load
from portal.models import Logo, Practice, User
from registration.demo import history, logos, staff
from registration.demo.families import HARBOR_STREET, MAPLE_GROVE, Neighborhood, families
from registration.models import VerificationQuestion

# Chosen so that hardly any invented name is the name of a well-known person.
_SEED: Final = 10

# No patient record contains the answers, so knowing the record does not help to guess them.
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
        usual_identification="photo_id",
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
        usual_identification="photo_id",
    )
    return _Demo(practice=practice, logo=logos.draw_sail(), around=HARBOR_STREET, count_patients=60)


@transaction.atomic
def seed(*, today: date | None = None) -> None:
    """Create the demo, unless it already exists. Ages are as of `today`, by default the current date."""
    demos = (_maple_grove(), _harbor_street())
    if Practice.objects.filter(name__in=[demo.practice.name for demo in demos]).exists():
        return
    for demo in demos:
        demo.practice.save()
    staff.create(practices={demo.around.prefix: demo.practice for demo in demos})
    for demo in demos:
        _fill(demo, today=today or timezone.localdate())


def _fill(demo: _Demo, *, today: date) -> None:
    Logo.objects.create(practice=demo.practice, png=demo.logo)
    VerificationQuestion.objects.bulk_create(
        VerificationQuestion(practice=demo.practice, text=text, position=position)
        for position, text in enumerate(_QUESTIONS, start=1)
    )
    records = families(demo.count_patients, seed=_SEED, today=today, around=demo.around)
    load(records, practice=demo.practice)
    cast = sum(len(family.children) for family in demo.around.cast)
    desk = User.objects.filter(memberships__practice=demo.practice).order_by("memberships__role", "pk")[0]
    history.create(records[cast:], practice=demo.practice, desk=desk, seed=_SEED)
