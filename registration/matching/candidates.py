"""Which patients a self-registration may mean. Everything is looked up in the indexes of the practice."""

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
_MOST_READ: Final = 100  # patients from each index, for each who asks

# Patients for whom something speaks, by who asks.
Found: TypeAlias = Iterator[tuple[SelfRegistration, list[UUID]]]


class Described(Protocol):
    """What is known of a child before it is found: a SelfRegistration, or what is about to become one."""

    @property
    def given_names(self) -> str: ...

    @property
    def family_name(self) -> str: ...

    @property
    def birth_date(self) -> date: ...


def find(self_registration: SelfRegistration) -> list[Candidate]:
    """At most MOST_SHOWN patients of the practice, the likeliest first."""
    return find_all(self_registration.practice, [self_registration])[self_registration]


def find_all(
    practice: Practice, self_registration: Sequence[SelfRegistration]
) -> dict[SelfRegistration, list[Candidate]]:
    """The same for each of these of one practice, by as many queries as for one of them."""
    found: dict[SelfRegistration, set[UUID]] = {each: set() for each in self_registration}
    for look in _LOOKS:
        for each, patients in look(practice, self_registration):
            found[each].update(patients[:_MOST_READ])
    everybody = (
        Patient.objects.for_practice(practice).filter(pk__in=set().union(*found.values())).prefetch_related("contacts")
    )
    by_key = {patient.pk: patient for patient in everybody}
    weighed = compare_all({each: [by_key[key] for key in keys if key in by_key] for each, keys in found.items()})
    return {each: _best(candidates) for each, candidates in weighed.items()}


def _best(found: list[Candidate]) -> list[Candidate]:
    worth_a_look = [each for each in found if each.is_worth_a_look]
    return sorted(worth_a_look, key=lambda each: (-each.score, each.patient.name))[:MAX_SHOWN]


def likely(practice: Practice, self_registration: Described) -> Patient | None:
    """The one active, living patient with this name and date of birth; None where there is none, or more than one."""
    keys = _keys(practice).filter(
        date_of_birth=self_registration.birth_date, last__in=names.surname_keys(self_registration.family_name)
    )
    patients = Patient.objects.for_practice(practice).filter(pk__in=keys.values("patient"), active=True, deceased=False)
    same = [each for each in patients[:_MOST_READ] if _has_name(each, self_registration)]
    return same[0] if len(same) == 1 else None


def _has_name(patient: Patient, self_registration: Described) -> bool:
    first = similarity.compare_first_names(self_registration.given_names, patient.given_names, patient.preferred_name)
    last = similarity.compare_surnames(self_registration.family_name, patient.family_name)
    return first.verdict == last.verdict == Verdict.AGREES


# --- One look into an index each, for all who ask: by birth, by name, by the addresses of who asks ---


def _by_birth(practice: Practice, self_registration: Sequence[SelfRegistration]) -> Found:
    dates = {each: _dates(each.birth_date) for each in self_registration}
    rows = _keys(practice).filter(date_of_birth__in={day for days in dates.values() for day in days})
    born = _grouped(rows, "date_of_birth", "patient")
    for each, days in dates.items():
        yield each, [patient for day in days for patient in born[day]]


def _by_name(practice: Practice, self_registration: Sequence[SelfRegistration]) -> Found:
    wanted = {
        each: (names.surname_keys(each.family_name), names.words(each.given_names)[:1]) for each in self_registration
    }
    named = [Q(last__in=lasts, first__prefix=first[0]) for lasts, first in wanted.values() if lasts and first]
    if not named:
        return
    rows = _keys(practice).filter(reduce(or_, named))
    keys = _grouped(rows, "last", "first", "patient")
    for each, (lasts, first) in wanted.items():
        alike = (pks for (last, given), pks in keys.items() if first and last in lasts and given.startswith(first[0]))
        yield each, [patient for patients in alike for patient in patients]


def _by_address(practice: Practice, self_registration: Sequence[SelfRegistration]) -> Found:
    emails = {each: email_key(each.account.email) for each in self_registration}
    phones = {each: phone_key(each.account.phone) if each.account.phone else "" for each in self_registration}
    for column, keys in (("email_key", emails), ("phone_key", phones)):
        known = {key for key in keys.values() if key}
        owned_by_patients = Patient.objects.for_practice(practice).filter(**{f"{column}__in": known})
        owned_by_contacts = Contact.objects.for_practice(practice).current().filter(**{f"{column}__in": known})
        for rows, patient in ((owned_by_patients, "pk"), (owned_by_contacts, "patient")):
            owners = _grouped(rows, column, patient) if known else {}
            for each, key in keys.items():
                yield each, owners.get(key, [])


_LOOKS: Final = (_by_birth, _by_name, _by_address)


def _grouped(rows: QuerySet[Any], *columns: str) -> defaultdict[Any, list[UUID]]:
    """The patients, which are the last column, by the others: of each group some, so that none crowds out another."""
    found: defaultdict[Any, list[UUID]] = defaultdict(list)
    place = Window(RowNumber(), partition_by=columns[:-1], order_by=columns[-1])
    some = rows.order_by().annotate(place=place).filter(place__lte=_MOST_READ)
    for *key, patient in some.values_list(*columns):
        patients = found[tuple(key) if len(key) > 1 else key[0]]
        if patient not in patients:
            patients.append(patient)
    return found


def _keys(practice: Practice) -> QuerySet[NameKey]:
    return NameKey.objects.filter(practice=practice, owner=NameKey.Owner.PATIENT)


def _dates(born: date) -> list[date]:
    """The date, and what it is with day and month turned round."""
    return [born] if born.day > 12 else [born, born.replace(month=born.day, day=born.month)]
