"""Finding a patient: one query object in, one page of patients out.

Everything is answered from the indexes of NameKey (patients/keys.py tells why prefixes are ranges). Pages go by key, so the
fortieth costs what the first costs, and nothing is counted further than to MOST_COUNTED.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from patients import names
from patients.keys import email_key, phone_key
from patients.models import Contact, NameKey, Patient, PortalStatus
from portal.models import Practice

PAGE_SIZE: Final = 25
MOST_COUNTED: Final = 1000


@dataclass(frozen=True, kw_only=True)
class PatientQuery:
    """What is searched for. Names are as typed; with `by_contact` they are those of a family contact.

    An e-mail address or phone number is matched whole, on contacts and on patients' own records; names beside it are
    those of whoever it belongs to.
    """

    practice: Practice
    by_contact: bool = False
    last_name: str = ""
    first_name: str = ""
    date_of_birth: date | None = None
    email: str = ""
    phone: str = ""
    status: PortalStatus | None = None

    @property
    def last(self) -> str:
        return names.key(self.last_name)

    @property
    def first(self) -> str:
        return names.key(self.first_name)

    @property
    def is_empty(self) -> bool:
        return not (self.last or self.first or self.date_of_birth or self.email or self.phone or self.status)


@dataclass(frozen=True)
class Hit:
    patient: Patient
    contact: Contact | None


@dataclass(frozen=True)
class Lead:
    """Whom a search finds first: the patient, and the name that it was found by."""

    patient: UUID
    family_name: str
    given_names: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """`after` and `before` are what the next and the previous page are asked with; None where there is none."""

    hits: list[Hit]
    count: int
    after: int | None
    before: int | None

    @property
    def shown_count(self) -> str:
        """ "1,000+" where there are more than anybody would count."""
        return f"{MOST_COUNTED:,}+" if self.count > MOST_COUNTED else f"{self.count:,}"


def first(query: PatientQuery, *, most: int) -> list[Hit]:
    """The first hits and no more: nothing is counted, and no page begins elsewhere."""
    return [Hit(row.patient, row.contact) for row in _rows(_keys(query), list(_order(query)), most)]


def leads_to(query: PatientQuery) -> Lead | None:
    """The first hit alone, by its key as it comes: the first of all is the first of the distinct. Not by an address."""
    person = "contact" if query.by_contact else "patient"
    keys = _matching(query).order_by(*_order(query))
    row = keys.values_list("patient", f"{person}__family_name", f"{person}__given_names").first()
    return Lead(*row) if row else None


def find(query: PatientQuery, *, after: int | None = None, before: int | None = None) -> Page:
    """One page of the patients that match, in the order of the key they were found by, each patient once."""
    keys, order = _keys(query), _order(query)
    count = keys.order_by()[: MOST_COUNTED + 1].count()
    start = NameKey.objects.filter(practice=query.practice, pk=after or before or 0).first()
    backwards = start is not None and after is None
    if start is not None:
        beyond = TupleLessThan if backwards else TupleGreaterThan
        keys = keys.filter(beyond(order, tuple(getattr(start, name) for name in order)))
    if backwards:
        found = list(_rows(keys, [f"-{name}" for name in order]))
        more_before, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE][::-1]
        more_after = bool(rows)
    else:
        found = list(_rows(keys, list(order)))
        more_after, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
        more_before = start is not None and bool(rows)
    return Page(
        hits=[Hit(row.patient, row.contact) for row in rows],
        count=count,
        after=rows[-1].pk if more_after else None,
        before=rows[0].pk if more_before else None,
    )


def _keys(query: PatientQuery) -> QuerySet[NameKey]:
    keys = _distinct(_matching(query))
    return keys.filter(patient__in=_households(query)) if query.email or query.phone else keys


def _rows(keys: QuerySet[NameKey], order: list[str], most: int = PAGE_SIZE + 1) -> QuerySet[NameKey]:
    return keys.select_related("patient", "contact").order_by(*order)[:most]


def _order(query: PatientQuery) -> tuple[str, ...]:
    """The order in which an index of NameKey holds the answer."""
    if query.first and not query.last:
        return ("first", "last", "date_of_birth", "id")
    if query.date_of_birth and not query.last:
        return ("date_of_birth", "last", "first", "id")
    return ("last", "first", "date_of_birth", "id")


def _matching(query: PatientQuery) -> QuerySet[NameKey]:
    keys = NameKey.objects.filter(practice=query.practice)
    if query.email or query.phone:
        keys = keys.filter(_is_reached(query))
    else:
        keys = keys.filter(whose=NameKey.Whose.CONTACT if query.by_contact else NameKey.Whose.PATIENT)
    if query.last:
        keys = keys.filter(last__prefix=query.last)
    if query.first:
        keys = keys.filter(first__prefix=query.first)
    if query.date_of_birth:
        keys = keys.filter(date_of_birth=query.date_of_birth)
    if query.status:
        keys = keys.filter(status=query.status)
    return keys


def _is_reached(query: PatientQuery) -> Q:
    """For keys of contacts, and of patients themselves, who have this e-mail address and phone number."""
    where = _address(query)
    of_contact = {f"contact__{name}": value for name, value in where.items()}
    of_patient = {f"patient__{name}": value for name, value in where.items()}
    return Q(**of_contact, contact__active=True, contact__in_source=True) | Q(**of_patient, contact=None)


def _households(query: PatientQuery) -> QuerySet[Patient, UUID]:
    """The patients whom `_is_reached` can be true of, from the indexes: PostgreSQL would read every key to find them."""
    patients = Patient.objects.of(query.practice).filter(**_address(query)).order_by()
    contacts = Contact.objects.of(query.practice).current().filter(**_address(query)).order_by()
    return patients.values_list("pk", flat=True).union(contacts.values_list("patient", flat=True))


def _address(query: PatientQuery) -> dict[str, str]:
    keys = {"email_key": email_key(query.email), "phone_key": phone_key(query.phone)}
    return {name: value for name, value in keys.items() if value}


def _distinct(keys: QuerySet[NameKey]) -> QuerySet[NameKey]:
    """Each patient once, at the first of its keys that match: García-García is not listed twice under "garcia"."""
    same_last, same_first = Q(last=OuterRef("last")), Q(first=OuterRef("first"))
    earlier = keys.filter(patient=OuterRef("patient")).filter(
        Q(last__lt=OuterRef("last"))
        | same_last & Q(first__lt=OuterRef("first"))
        | same_last & same_first & Q(pk__lt=OuterRef("pk"))
    )
    return keys.filter(~Exists(earlier))
