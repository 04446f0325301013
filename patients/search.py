"""Finding a patient: one query object in, one page of patients out.

Everything is answered from the indexes of NameKey (patients/keys.py tells why prefixes are ranges). Pages go by key, so the
fortieth costs what the first costs, and nothing is counted further than to MOST_COUNTED.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from patients import names
from patients.models import Contact, NameKey, Patient, PortalStatus, email_key, phone_key
from portal.models import Practice

PAGE_SIZE: Final = 25
MOST_COUNTED: Final = 1000
_MOST_HOUSEHOLD: Final = 500  # patients behind one e-mail address or phone number


@dataclass(frozen=True, kw_only=True)
class PatientQuery:
    """What is searched for. Names are as typed; with `by_contact` they are those of a family contact."""

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


def find(query: PatientQuery, *, after: int | None = None, before: int | None = None) -> Page:
    """One page of the patients that match, in the order of the key they were found by, each patient once."""
    keys = _distinct(_matching(query))
    order = _order(query)
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


def _rows(keys: QuerySet[NameKey], order: list[str]) -> QuerySet[NameKey]:
    return keys.select_related("patient", "contact").order_by(*order)[: PAGE_SIZE + 1]


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
        keys = keys.filter(_reached_at(query))
        if query.last or query.first:
            keys = keys.filter(whose=NameKey.Whose.CONTACT)
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


def _reached_at(query: PatientQuery) -> Q:
    """The keys of contacts, and of patients themselves, who have this e-mail address or phone number."""
    where = Q()
    if query.email:
        where &= Q(email_key__prefix=email_key(query.email))
    if query.phone:
        where &= Q(phone_key=phone_key(query.phone))
    contacts = Contact.objects.of(query.practice).filter(where, active=True)
    patients = Patient.objects.of(query.practice).filter(where)
    return Q(contact__in=list(contacts.values_list("pk", flat=True)[:_MOST_HOUSEHOLD])) | Q(
        patient__in=list(patients.values_list("pk", flat=True)[:_MOST_HOUSEHOLD]), contact=None
    )


def _distinct(keys: QuerySet[NameKey]) -> QuerySet[NameKey]:
    """Each patient once, at the first of its keys that match: García-García is not listed twice under "garcia"."""
    same_last, same_first = Q(last=OuterRef("last")), Q(first=OuterRef("first"))
    earlier = keys.filter(patient=OuterRef("patient")).filter(
        Q(last__lt=OuterRef("last"))
        | same_last & Q(first__lt=OuterRef("first"))
        | same_last & same_first & Q(pk__lt=OuterRef("pk"))
    )
    return keys.filter(~Exists(earlier))
