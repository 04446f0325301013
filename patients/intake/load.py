"""Write records into the database. Loading the same file twice has the same result as loading it once.

An import never changes what belongs to the portal: the portal status, contacts that the desk added, and a contact's
`active`. `in_source` becomes False for a contact that is missing from the source, and True again when the contact
returns.

Both sides can withdraw authority to see the record, but only the practice can give it. In every import, False at the
source (for example, because of a court order) overrides what the practice granted. If the source has True or no value,
an existing contact is not changed, because that could undo what the desk entered. A new contact has authority unless
the source says False.
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
from patients.intake.records import (
    CONTACT_FIELDS,
    PATIENT_FIELDS,
    ContactRecord,
    Imported,
    PatientRecord,
    Refusal,
)
from patients.keys import email_key, mrn_key, phone_key
from patients.models import Contact, Key, NameKey, Patient, key_columns
from portal.models import Practice


def _updatable(fields: Mapping[str, Imported]) -> tuple[str, ...]:
    return tuple(name for name, imported in fields.items() if not imported.is_identity)


_PATIENT_COLUMNS: Final = _updatable(PATIENT_FIELDS)
_CONTACT_COLUMNS: Final = _updatable(CONTACT_FIELDS)
_SEARCH_KEYS: Final = ("phone_key", "email_key")
_PRACTICE: Final = Practice._meta.pk
_MAX_POSITION: Final = 32_767  # the column is a small integer

_Row = TypeVar("_Row", Patient, Contact)
_Identity = tuple[str, str]  # source system, identifier in it

# After the database, parsing phone numbers costs the most, and the members of a family often share a number.
_cached_phone_key = lru_cache(maxsize=4096)(phone_key)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The number of patients by outcome. `repeats` lists the rows that a later row for the same patient replaced."""

    added: int
    changed: int
    unchanged: int
    repeats: tuple[Refusal, ...] = ()

    @property
    def patients(self) -> int:
        return self.added + self.changed + self.unchanged


class _Outcome(enum.IntEnum):
    """The outcome for one patient. If a patient appears twice, the greater outcome counts."""

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
    """Add or change a practice's patients, each batch in its own transaction. If a patient is repeated, the last row wins.

    A dry run compares and counts, but writes nothing. If a batch fails, earlier batches stay. `written` is called with
    each batch's counts at the end of its transaction. A batch is held in memory, and on SQLite the desk's writes wait
    for it for a fraction of a second.
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
    return Refusal(line=line, field="identifier", reason=f"appears again at {later}; that one was imported")


def _load_batch(
    records: Mapping[_Identity, PatientRecord],
    *,
    practice: Practice,
    dry_run: bool,
    written: Callable[[Loaded], object],
) -> dict[_Identity, _Outcome]:
    with transaction.atomic():
        # Two simultaneous imports would both find a patient missing, so the second one waits here until a batch ends.
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
    """Lock the patients that are already in the database. Return them by identifier.

    The lock keeps the desk from changing a portal status until the name keys, which contain a copy of it, are written.

    The query uses a CROSS JOIN because SQLite keeps its order. With another join, SQLite would plan with statistics
    from before this import. If there were few patients then, every batch would scan all patients imported since.
    """
    identities = ", ".join(["(%s, %s)"] * len(records))
    lock = connection.ops.for_update_sql(no_key=True, of=("p",)) if connection.features.has_select_for_update else ""
    # Positional parameters, because a batch has thousands of them.
    statement = f"""
        WITH batch (source_system, source_id) AS (VALUES {identities})
        SELECT p.*
        FROM batch CROSS JOIN {Patient._meta.db_table} p
        WHERE p.practice_id = %s AND p.source_system = batch.source_system AND p.source_id = batch.source_id
        ORDER BY p.id {lock}
    """  # noqa: S608 - no value is in it
    practice_id = _PRACTICE.get_db_prep_value(practice.pk, connection)
    found = Patient.objects.raw(statement, [*chain.from_iterable(records), practice_id])
    return {(patient.source_system, patient.source_id): patient for patient in found}


@dataclass(frozen=True)
class _Batch:
    """New and changed rows, collected so that a few statements can write the rows of all patients."""

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
            phone_key=_cached_phone_key(record.phone),
            email_key=email_key(record.email),
            mrn_key=mrn_key(record.mrn),
            **{name: getattr(record, name) for name in _PATIENT_COLUMNS},
        )
        self.patients.append(patient)
        family, _ = self._match_contacts(patient, record=record, contacts=[])
        self.name_keys.extend(key_columns(patient, family))
        return _Outcome.ADDED

    def change(self, patient: Patient, *, record: PatientRecord, contacts: list[Contact]) -> _Outcome:
        is_changed = _assign(patient, record=record, fields=_PATIENT_COLUMNS)
        if is_changed:
            self.patients.append(patient)
        family, is_family_changed = self._match_contacts(patient, record=record, contacts=contacts)
        if not is_changed and not is_family_changed:
            return _Outcome.UNCHANGED
        self.rekeyed.append(patient.pk)
        self.name_keys.extend(key_columns(patient, family))
        return _Outcome.CHANGED

    def _match_contacts(
        self, patient: Patient, *, record: PatientRecord, contacts: list[Contact]
    ) -> tuple[list[Contact], bool]:
        """Update the patient's contacts. Return the contacts, and whether anything changed."""
        known = {contact.source_key: contact for contact in contacts if contact.source_key}
        changed: list[Contact] = []
        family = [contact for contact in contacts if not contact.source_key]
        for index, contact_record in enumerate(record.contacts):
            position = min(index, _MAX_POSITION)
            contact = known.pop(contact_record.key, None)
            if contact is None:
                contact = _new_contact(patient, record=contact_record, position=position)
                changed.append(contact)
            elif _assign_contact(contact, record=contact_record, position=position):
                changed.append(contact)
            family.append(contact)
        for contact in known.values():
            if contact.in_source:
                contact.in_source = False
                changed.append(contact)
        self.contacts.extend(changed)
        return family, bool(changed)

    def write(self) -> None:
        new_patients, changed_patients = _split_new(self.patients)
        bulk_insert.insert(Patient, new_patients)
        Patient.objects.bulk_create(
            changed_patients,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*_PATIENT_COLUMNS, *_SEARCH_KEYS, "mrn_key", "updated_at"],
        )
        new_contacts, changed_contacts = _split_new(self.contacts)
        bulk_insert.insert(Contact, new_contacts)
        Contact.objects.bulk_create(
            changed_contacts,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*_CONTACT_COLUMNS, *_SEARCH_KEYS, "position", "has_authority", "in_source"],
        )
        NameKey.objects.filter(patient__in=self.rekeyed).delete()
        bulk_insert.insert(NameKey, self.name_keys)


def _split_new(rows: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
    """Split the rows into those that are new and those that are already in the database."""
    new: list[_Row] = []
    existing: list[_Row] = []
    for row in rows:
        (new if row._state.adding else existing).append(row)
    return new, existing


def _assign(target: Patient | Contact, *, record: PatientRecord | ContactRecord, fields: Sequence[str]) -> bool:
    """Copy the values that differ, and update the search keys made from those values. Return whether anything changed."""
    changed = [name for name in fields if getattr(target, name) != getattr(record, name)]
    for name in changed:
        setattr(target, name, getattr(record, name))
    if "phone" in changed:
        target.phone_key = _cached_phone_key(target.phone)
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
        phone_key=_cached_phone_key(record.phone),
        email_key=email_key(record.email),
        **{name: getattr(record, name) for name in _CONTACT_COLUMNS},
    )


def _assign_contact(contact: Contact, *, record: ContactRecord, position: int) -> bool:
    has_authority = contact.has_authority and record.has_authority is not False
    before = (contact.position, contact.has_authority, contact.in_source)
    contact.position, contact.has_authority, contact.in_source = position, has_authority, True
    is_moved = before != (position, has_authority, True)
    return _assign(contact, record=record, fields=_CONTACT_COLUMNS) or is_moved
