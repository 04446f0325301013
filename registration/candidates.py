"""Which patients a self-registration may mean. Everything is looked up in the indexes of the practice."""

from datetime import date
from typing import Any, Final, Protocol
from uuid import UUID

from django.db.models import QuerySet

from patients import names
from patients.keys import email_key, phone_key
from patients.models import Contact, NameKey, Patient
from portal.models import Practice
from registration import resemblance
from registration.evidence import Candidate, weigh
from registration.models import SelfRegistration
from registration.resemblance import Verdict

MOST_SHOWN: Final = 10
_MOST_READ: Final = 100  # patients from each index


class Asked(Protocol):
    """What is known of a child before it is found: a SelfRegistration, or what is about to become one."""

    @property
    def given_names(self) -> str: ...

    @property
    def family_name(self) -> str: ...

    @property
    def birth_date(self) -> date: ...


def find(asked: SelfRegistration) -> list[Candidate]:
    """At most MOST_SHOWN patients of the practice, the likeliest first."""
    found: set[UUID] = set().union(*(look[:_MOST_READ] for look in _looks(asked)))
    patients = Patient.objects.of(asked.practice).filter(pk__in=found).prefetch_related("contacts")
    worth_a_look = [each for each in weigh(asked, patients) if each.is_worth_a_look]
    return sorted(worth_a_look, key=lambda each: (-each.score, each.patient.name))[:MOST_SHOWN]


def likely(practice: Practice, asked: Asked) -> Patient | None:
    """The one active, living patient with this name and date of birth; None where there is none, or more than one."""
    keys = _keys(practice).filter(date_of_birth=asked.birth_date, last__in=names.surname_keys(asked.family_name))
    patients = Patient.objects.of(practice).filter(pk__in=keys.values("patient"), active=True, deceased=False)
    same = [each for each in patients[:_MOST_READ] if _has_name(each, asked)]
    return same[0] if len(same) == 1 else None


def _has_name(patient: Patient, asked: Asked) -> bool:
    first = resemblance.of_first_names(asked.given_names, patient.given_names, patient.preferred_name)
    last = resemblance.of_surnames(asked.family_name, patient.family_name)
    return first.verdict == last.verdict == Verdict.AGREES


def _looks(asked: SelfRegistration) -> list[QuerySet[Any, UUID]]:
    """One look into an index each: by birth, by name, by the addresses of who asks."""
    keys = _keys(asked.practice)
    looks = [_patients_of(keys.filter(date_of_birth__in=_dates(asked.birth_date)))]
    if first := names.words(asked.given_names)[:1]:
        by_name = keys.filter(last__in=names.surname_keys(asked.family_name), first__prefix=first[0])
        looks.append(_patients_of(by_name))
    for address in _addresses(email=asked.account.email, phone=asked.account.phone):
        patients = Patient.objects.of(asked.practice).filter(**address)
        contacts = Contact.objects.of(asked.practice).current().filter(**address)
        looks += [patients.order_by().values_list("pk", flat=True), _patients_of(contacts)]
    return looks


def _keys(practice: Practice) -> QuerySet[NameKey]:
    return NameKey.objects.filter(practice=practice, whose=NameKey.Whose.PATIENT)


def _patients_of(rows: QuerySet[Any]) -> QuerySet[Any, UUID]:
    return rows.order_by().values_list("patient", flat=True).distinct()


def _dates(born: date) -> list[date]:
    """The date, and what it is with day and month turned round."""
    return [born] if born.day > 12 else [born, born.replace(month=born.day, day=born.month)]


def _addresses(*, email: str, phone: str) -> list[dict[str, str]]:
    keys = {"email_key": email_key(email), "phone_key": phone_key(phone) if phone else ""}
    return [{name: value} for name, value in keys.items() if value]
