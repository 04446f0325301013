"""Finding a patient: one query object in, one page of patients out.

Everything is answered from the indexes of NameKey (patients/keys.py tells why prefixes are ranges). Pages go by key, so the
fortieth costs what the first costs, and nothing is counted further than to MOST_COUNTED.
"""

from collections.abc import Iterable, Sequence
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
    def may_find_contacts(self) -> bool:
        return bool(self.by_contact or self.email or self.phone)

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
    return _hits(_rows(_keys(query), query, _order(query), most), query)


def leads_to(query: PatientQuery) -> Lead | None:
    """The first hit alone, by its key as it comes: the first of all is the first of the distinct. Not by an address."""
    person = "contact" if query.by_contact else "patient"
    keys = _matching(query).order_by(*_order(query))
    row = keys.values_list("patient", f"{person}__family_name", f"{person}__given_names").first()
    return Lead(*row) if row else None


def find(query: PatientQuery, *, after: int | None = None, before: int | None = None) -> Page:
    """One page of the patients that match, in the order of the key they were found by, each patient once."""
    keys, order = _keys(query), _order(query)
    start = NameKey.objects.filter(practice=query.practice, pk=after or before).first() if after or before else None
    backwards = start is not None and after is None
    matching = keys
    if start is not None:
        beyond = TupleLessThan if backwards else TupleGreaterThan
        keys = keys.filter(beyond(order, tuple(getattr(start, name) for name in order)))
    found = list(_rows(keys, query, [f"-{name}" for name in order] if backwards else order))
    is_more, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    more_after, more_before = (bool(rows), is_more) if backwards else (is_more, start is not None and bool(rows))
    is_all = start is None and not is_more
    return Page(
        hits=_hits(rows, query),
        count=len(rows) if is_all else matching.order_by()[: MOST_COUNTED + 1].count(),
        after=rows[-1].pk if more_after else None,
        before=rows[0].pk if more_before else None,
    )


def _keys(query: PatientQuery) -> QuerySet[NameKey]:
    keys = _distinct(_matching(query))
    return keys.filter(patient__in=_households(query)) if query.email or query.phone else keys


def _rows(
    keys: QuerySet[NameKey], query: PatientQuery, order: Sequence[str], most: int = PAGE_SIZE + 1
) -> QuerySet[NameKey]:
    people = ("patient", "contact") if query.may_find_contacts else ("patient",)
    return keys.select_related(*people).order_by(*order)[:most]


def _hits(rows: Iterable[NameKey], query: PatientQuery) -> list[Hit]:
    return [Hit(row.patient, row.contact if query.may_find_contacts else None) for row in rows]


def _order(query: PatientQuery) -> tuple[str, ...]:
    """The order in which an index of NameKey holds the answer."""
    if query.first and not query.last:
        return ("first", "last", "date_of_birth", "id")
    if query.date_of_birth and not query.last:
        return ("date_of_birth", "last", "first", "id")
    return ("last", "first", "date_of_birth", "id")


def _matching(query: PatientQuery) -> QuerySet[NameKey]:
    asked = {
        "last__prefix": query.last,
        "first__prefix": query.first,
        "date_of_birth": query.date_of_birth,
        "status": query.status,
    }
    keys = NameKey.objects.filter(practice=query.practice, **{name: value for name, value in asked.items() if value})
    if query.email or query.phone:
        return keys.filter(_is_reached(query))
    return keys.filter(whose=NameKey.Whose.CONTACT if query.by_contact else NameKey.Whose.PATIENT)


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
    """Each patient once, at the first of its keys that match: García-García is not listed twice under "garcia".

    The keys of a patient are numbered in the order of its names (patients.models.keys_of).
    """
    return keys.filter(~Exists(keys.filter(patient=OuterRef("patient"), pk__lt=OuterRef("pk"))))
