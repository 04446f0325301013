"""Find the patients of a practice that a self-registration may refer to, using only index lookups."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from patients import names, similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, NameKey, Patient
from patients.similarity import Verdict
from portal.models import Practice
from registration.matching.comparison import Candidate, compare_all
from registration.models import SelfRegistration

MAX_SHOWN: Final = 10
_MAX_PER_LOOKUP: Final = 100  # patients from one index for one self-registration

# Each self-registration with the ids of patients that one lookup found for it.
Found: TypeAlias = Iterator[tuple[SelfRegistration, list[UUID]]]


class Described(Protocol):
    """A child as the family describes the child: a SelfRegistration, or the details of one that is about to be submitted."""

    @property
    def given_names(self) -> str: ...

    @property
    def family_name(self) -> str: ...

    @property
    def birth_date(self) -> date: ...


def find(self_registration: SelfRegistration) -> list[Candidate]:
    """Return at most MAX_SHOWN patients of the practice, the best match first."""
    return find_all(self_registration.practice, [self_registration])[self_registration]


def find_all(
    practice: Practice, self_registrations: Sequence[SelfRegistration]
) -> dict[SelfRegistration, list[Candidate]]:
    """Find the candidates of many self-registrations of one practice. This takes no more queries than for one."""
    found: dict[SelfRegistration, set[UUID]] = {request: set() for request in self_registrations}
    for look_up in _LOOKUPS:
        for request, patient_ids in look_up(practice, self_registrations):
            found[request].update(patient_ids[:_MAX_PER_LOOKUP])
    patients = (
        Patient.objects.for_practice(practice).filter(pk__in=set().union(*found.values())).prefetch_related("contacts")
    )
    by_id = {patient.pk: patient for patient in patients}
    compared = compare_all(
        {
            request: [by_id[patient_id] for patient_id in patient_ids if patient_id in by_id]
            for request, patient_ids in found.items()
        }
    )
    return {request: _best(candidates) for request, candidates in compared.items()}


def _best(candidates: list[Candidate]) -> list[Candidate]:
    plausible = [candidate for candidate in candidates if candidate.is_plausible]
    return sorted(plausible, key=lambda candidate: (-candidate.score, candidate.patient.name))[:MAX_SHOWN]


def likely(practice: Practice, child: Described) -> Patient | None:
    """Return the active, living patient with this name and date of birth, or None if there are several or none."""
    keys = _patient_keys(practice).filter(
        date_of_birth=child.birth_date, last__in=names.surname_keys(child.family_name)
    )
    patients = Patient.objects.for_practice(practice).filter(pk__in=keys.values("patient"), active=True, deceased=False)
    found = [patient for patient in patients[:_MAX_PER_LOOKUP] if _has_name(patient, child)]
    return found[0] if len(found) == 1 else None


def _has_name(patient: Patient, child: Described) -> bool:
    first = similarity.compare_first_names(child.given_names, patient.given_names, patient.preferred_name)
    last = similarity.compare_surnames(child.family_name, patient.family_name)
    return first.verdict == last.verdict == Verdict.AGREES


# --- Lookups. Each reads one kind of index once for all self-registrations. ---


def _by_birth_date(practice: Practice, self_registrations: Sequence[SelfRegistration]) -> Found:
    dates = {request: _with_switched(request.birth_date) for request in self_registrations}
    rows = _patient_keys(practice).filter(date_of_birth__in={day for days in dates.values() for day in days})
    born_on = _group_ids(rows, "date_of_birth", "patient")
    for request, days in dates.items():
        yield request, [patient_id for day in days for patient_id in born_on[day]]


def _by_name(practice: Practice, self_registrations: Sequence[SelfRegistration]) -> Found:
    searched = {
        request: (names.surname_keys(request.family_name), names.words(request.given_names)[:1])
        for request in self_registrations
    }
    conditions = [
        Q(last__in=surnames, first__prefix=first[0]) for surnames, first in searched.values() if surnames and first
    ]
    if not conditions:
        return
    rows = _patient_keys(practice).filter(reduce(or_, conditions))
    by_name = _group_ids(rows, "last", "first", "patient")
    for request, (surnames, first) in searched.items():
        groups = (
            patient_ids
            for (last, given), patient_ids in by_name.items()
            if first and last in surnames and given.startswith(first[0])
        )
        yield request, [patient_id for patient_ids in groups for patient_id in patient_ids]


def _by_email_or_phone(practice: Practice, self_registrations: Sequence[SelfRegistration]) -> Found:
    emails = {request: email_key(request.account.email) for request in self_registrations}
    phones = {
        request: phone_key(request.account.phone) if request.account.phone else "" for request in self_registrations
    }
    for column, keys in (("email_key", emails), ("phone_key", phones)):
        known = {key for key in keys.values() if key}
        owned_by_patients = Patient.objects.for_practice(practice).filter(**{f"{column}__in": known})
        owned_by_contacts = Contact.objects.for_practice(practice).current().filter(**{f"{column}__in": known})
        for rows, patient in ((owned_by_patients, "pk"), (owned_by_contacts, "patient")):
            owners = _group_ids(rows, column, patient) if known else {}
            for request, key in keys.items():
                yield request, owners.get(key, [])


_LOOKUPS: Final = (_by_birth_date, _by_name, _by_email_or_phone)


def _group_ids(rows: QuerySet[Any], *columns: str) -> defaultdict[Any, list[UUID]]:
    """Group patient ids (the last column) by the other columns.

    The database limits the size of each group, so that a large group cannot crowd out small ones.
    """
    groups: defaultdict[Any, list[UUID]] = defaultdict(list)
    place = Window(RowNumber(), partition_by=columns[:-1], order_by=columns[-1])
    capped = rows.order_by().annotate(place=place).filter(place__lte=_MAX_PER_LOOKUP)
    for *key, patient_id in capped.values_list(*columns):
        group = groups[tuple(key) if len(key) > 1 else key[0]]
        if patient_id not in group:
            group.append(patient_id)
    return groups


def _patient_keys(practice: Practice) -> QuerySet[NameKey]:
    return NameKey.objects.filter(practice=practice, owner=NameKey.Owner.PATIENT)


def _with_switched(born: date) -> list[date]:
    """Return the date, and also the date with day and month switched if that is a valid date."""
    return [born] if born.day > 12 else [born, born.replace(month=born.day, day=born.month)]
