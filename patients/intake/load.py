"""Records into the database, repeatably: loading a file twice leaves what loading it once leaves.

What belongs to the portal (a portal status, a contact that the desk added by hand, a contact's `active`) is never
touched: a contact who is missing from the source is no longer `in_source`, and that alone comes back with the contact.

Authority to see the record can be withdrawn by either side and is given by the practice alone. False at the source (a
court order, say) wins over whatever the practice granted before, with every load. True or nothing at the source leaves a
known contact as it is: it would undo what the desk was told at the counter. A new contact has authority unless the
source says False.
"""

import enum
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Final, TypeVar
from uuid import UUID

from django.db import connection, transaction

from patients.intake import bulk_insert
from patients.intake.records import ContactRecord, PatientRecord, Refusal
from patients.keys import email_key, mrn_key, phone_key
from patients.models import Contact, Key, NameKey, Patient, key_columns
from portal.models import Practice

_PATIENT_FIELDS: Final = (
    *("mrn", "family_name", "given_names", "preferred_name", "birth_date", "sex", "active", "deceased", "deceased_on"),
    *("language", "phone", "email", "street", "city", "state", "postal_code"),
)
_CONTACT_FIELDS: Final = ("family_name", "given_names", "relationship", "email", "phone")
_SEARCH_KEYS: Final = ("phone_key", "email_key")
_PRACTICE: Final = Practice._meta.pk
_LAST_POSITION: Final = 32_767  # of a small integer column

_Row = TypeVar("_Row", Patient, Contact)
_Identity = tuple[str, str]  # source system, identifier there

# Reading a number is the dearest step after the database, and the children and parents of a family share theirs.
_key_of_phone = lru_cache(maxsize=4096)(phone_key)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How many patients of each kind; `repeats` are the rows that a later row of the same patient took the place of."""

    added: int
    changed: int
    unchanged: int
    repeats: tuple[Refusal, ...] = ()

    @property
    def patients(self) -> int:
        return self.added + self.changed + self.unchanged


class _Outcome(enum.IntEnum):
    """What became of a patient. Of a patient that comes twice, the greater one counts."""

    UNCHANGED = 0
    CHANGED = 1
    ADDED = 2


def load(
    records: Iterable[PatientRecord],
    *,
    practice: Practice,
    batch_size: int = 5_000,
    dry_run: bool = False,
    written: Callable[[Loaded], object] = lambda _: None,
) -> Loaded:
    """Adds or changes a practice's patients, each batch in a transaction of its own; of a repeated one the last wins.

    A dry run compares and counts, and writes nothing. Batches that were written stay if a later one fails; `written` is
    told of each, last in its transaction. A batch is what is held in memory, and on SQLite the desk's writes wait for it:
    a fraction of a second.
    """
    seen: dict[_Identity, tuple[int, _Outcome]] = {}
    repeats: list[Refusal] = []
    remaining = iter(records)
    while batch := list(islice(remaining, batch_size)):
        latest: dict[_Identity, PatientRecord] = {}
        for record in batch:
            identity = (record.source_system, record.source_id)
            if earlier := latest.get(identity):
                repeats.append(_repeat(earlier.line, later=record.line))
            elif identity in seen:
                repeats.append(_repeat(seen[identity][0], later=record.line))
            latest[identity] = record
        for identity, outcome in _load_batch(latest, practice=practice, dry_run=dry_run, written=written).items():
            _, before = seen.get(identity, (0, outcome))
            seen[identity] = (latest[identity].line, max(before, outcome))
    return _counted((outcome for _, outcome in seen.values()), repeats)


def _counted(outcomes: Iterable[_Outcome], repeats: Iterable[Refusal] = ()) -> Loaded:
    count = Counter(outcomes)
    return Loaded(
        added=count[_Outcome.ADDED],
        changed=count[_Outcome.CHANGED],
        unchanged=count[_Outcome.UNCHANGED],
        repeats=tuple(repeats),
    )


def _repeat(line: int, *, later: int) -> Refusal:
    return Refusal(line=line, field="identifier", reason=f"comes again at {later}, and that one was taken")


def _load_batch(
    records: Mapping[_Identity, PatientRecord],
    *,
    practice: Practice,
    dry_run: bool,
    written: Callable[[Loaded], object],
) -> dict[_Identity, _Outcome]:
    with transaction.atomic():
        # Two imports at once would both find a patient missing: the second waits here for the first one's batch.
        Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)
        patients = _known_patients(records, practice=practice)
        contacts: defaultdict[UUID, list[Contact]] = defaultdict(list)
        for contact in Contact.objects.filter(patient__in=[patient.pk for patient in patients.values()]):
            contacts[contact.patient_id].append(contact)
        batch = _Batch(practice)
        outcomes = {
            identity: batch.change(patient, record=record, contacts=contacts[patient.pk])
            if (patient := patients.get(identity))
            else batch.add(record)
            for identity, record in records.items()
        }
        if not dry_run:
            batch.write()
            written(_counted(outcomes.values()))
    return outcomes


def _known_patients(records: Collection[_Identity], *, practice: Practice) -> dict[_Identity, Patient]:
    """Those that are there, locked: the desk may be moving one's portal status, which the name keys repeat.

    SQLite keeps to the order of a CROSS JOIN. Of itself it goes by what it counted before this import: where those were
    few, it would look through all that came in since with each batch.
    """
    marks = ", ".join(["(%s, %s)"] * len(records))
    locked = connection.ops.for_update_sql(no_key=True, of=("p",)) if connection.features.has_select_for_update else ""
    found = Patient.objects.raw(
        f"WITH wanted (source_system, source_id) AS (VALUES {marks})"  # noqa: S608 - no value is in it
        " SELECT p.* FROM wanted CROSS JOIN patients_patient p WHERE p.practice_id = %s"
        f" AND p.source_system = wanted.source_system AND p.source_id = wanted.source_id ORDER BY p.id {locked}",
        [*chain.from_iterable(records), _PRACTICE.get_db_prep_value(practice.pk, connection)],
    )
    return {(one.source_system, one.source_id): one for one in found}


@dataclass(frozen=True)
class _Batch:
    """What is to be written: new rows and changed ones alike, in a few statements for all patients together."""

    practice: Practice
    patients: list[Patient] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    name_keys: list[Key] = field(default_factory=list)
    rekeyed: list[UUID] = field(default_factory=list)

    def add(self, record: PatientRecord) -> _Outcome:
        patient = Patient(
            practice_id=self.practice.pk,
            source_system=record.source_system,
            source_id=record.source_id,
            phone_key=_key_of_phone(record.phone),
            email_key=email_key(record.email),
            mrn_key=mrn_key(record.mrn),
            **{name: getattr(record, name) for name in _PATIENT_FIELDS},
        )
        self.patients.append(patient)
        family, _ = self._match(patient, record=record, contacts=[])
        self.name_keys.extend(key_columns(patient, family))
        return _Outcome.ADDED

    def change(self, patient: Patient, *, record: PatientRecord, contacts: list[Contact]) -> _Outcome:
        is_changed = _assign(patient, record=record, fields=_PATIENT_FIELDS)
        if is_changed:
            self.patients.append(patient)
        family, is_family_changed = self._match(patient, record=record, contacts=contacts)
        if not is_changed and not is_family_changed:
            return _Outcome.UNCHANGED
        self.rekeyed.append(patient.pk)
        self.name_keys.extend(key_columns(patient, family))
        return _Outcome.CHANGED

    def _match(self, patient: Patient, *, record: PatientRecord, contacts: list[Contact]) -> tuple[list[Contact], bool]:
        """The patient's contacts as they are to be, and whether that is another state than before."""
        known = {contact.source_key: contact for contact in contacts if contact.source_key}
        changed: list[Contact] = []
        family = [contact for contact in contacts if not contact.source_key]
        for position, told in enumerate(record.contacts):
            place = min(position, _LAST_POSITION)
            contact = known.pop(told.key, None)
            if contact is None:
                contact = _new_contact(patient, record=told, position=place)
                changed.append(contact)
            elif _assign_contact(contact, record=told, position=place):
                changed.append(contact)
            family.append(contact)
        for contact in known.values():
            if contact.in_source:
                contact.in_source = False
                changed.append(contact)
        self.contacts.extend(changed)
        return family, bool(changed)

    def write(self) -> None:
        new_patients, changed_patients = _part(self.patients)
        bulk_insert.insert(Patient, new_patients)
        Patient.objects.bulk_create(
            changed_patients,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*_PATIENT_FIELDS, *_SEARCH_KEYS, "mrn_key", "updated_at"],
        )
        new_contacts, changed_contacts = _part(self.contacts)
        bulk_insert.insert(Contact, new_contacts)
        Contact.objects.bulk_create(
            changed_contacts,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*_CONTACT_FIELDS, *_SEARCH_KEYS, "position", "has_authority", "in_source"],
        )
        NameKey.objects.filter(patient__in=self.rekeyed).delete()
        bulk_insert.insert(NameKey, self.name_keys)


def _part(objects: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
    """Those that are new, and those that are in the database."""
    new: list[_Row] = []
    known: list[_Row] = []
    for one in objects:
        (new if one._state.adding else known).append(one)
    return new, known


def _assign(target: Patient | Contact, *, record: PatientRecord | ContactRecord, fields: Sequence[str]) -> bool:
    """Takes over what differs, and the keys that follow from it; whether anything did."""
    changed = [name for name in fields if getattr(target, name) != getattr(record, name)]
    for name in changed:
        setattr(target, name, getattr(record, name))
    if "phone" in changed:
        target.phone_key = _key_of_phone(target.phone)
    if "email" in changed:
        target.email_key = email_key(target.email)
    if "mrn" in changed and isinstance(target, Patient):
        target.mrn_key = mrn_key(target.mrn)
    return bool(changed)


def _new_contact(patient: Patient, *, record: ContactRecord, position: int) -> Contact:
    return Contact(
        practice_id=patient.practice_id,
        patient_id=patient.pk,
        source_key=record.key,
        position=position,
        has_authority=record.has_authority is not False,
        phone_key=_key_of_phone(record.phone),
        email_key=email_key(record.email),
        **{name: getattr(record, name) for name in _CONTACT_FIELDS},
    )


def _assign_contact(contact: Contact, *, record: ContactRecord, position: int) -> bool:
    has_authority = contact.has_authority and record.has_authority is not False
    was = (contact.position, contact.has_authority, contact.in_source)
    contact.position, contact.has_authority, contact.in_source = position, has_authority, True
    is_moved = was != (position, has_authority, True)
    return _assign(contact, record=record, fields=_CONTACT_FIELDS) or is_moved
