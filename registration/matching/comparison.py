"""Compare a self-registration with a patient's record, field by field, and judge how well they match."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.db import models

from patients import similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from patients.similarity import Finding, Verdict
from portal.phones import national
from registration import pin_policy
from registration.access import authority
from registration.issuing import eligibility, safety_checks
from registration.issuing.safety_checks import SafetyWarning
from registration.models import Association, Decline, SelfRegistration
from registration.values import ByEmail, Recipient

_POSSIBLE_FROM: Final = 45  # the score


class Field(models.TextChoices):
    """A detail to compare. The order of the members is the order of the rows on the page."""

    FIRST_NAME = "first_name", "First name"
    LAST_NAME = "last_name", "Last name"
    BIRTH_DATE = "birth_date", "Date of birth"
    REQUESTER = "requester", "Requester"
    EMAIL = "email", "Email"
    PHONE = "phone", "Phone"
    ADDRESS = "address", "Address"


_IDENTITY: Final = {Field.FIRST_NAME, Field.LAST_NAME, Field.BIRTH_DATE}

# Points for a field that agrees; a near one gets half. The total is 100.
_WEIGHTS: Final = {
    Field.BIRTH_DATE: 30,
    Field.LAST_NAME: 20,
    Field.FIRST_NAME: 20,
    Field.REQUESTER: 10,
    Field.EMAIL: 10,
    Field.PHONE: 6,
    Field.ADDRESS: 4,
}


class Strength(models.TextChoices):
    """How well a patient matches a request, for staff."""

    STRONG = "strong", "Strong match"
    GOOD = "good", "Good match"
    POSSIBLE = "possible", "Possible match"
    WEAK = "weak", "Weak match"


@dataclass(frozen=True)
class ComparisonRow:
    """One field, as the family entered it and as the record shows it. Either value is empty if it is missing."""

    field: Field
    submitted: str
    on_record: str
    finding: Finding

    @property
    def agrees(self) -> bool:
        return self.finding.verdict == Verdict.AGREES

    @property
    def is_near(self) -> bool:
        return self.finding.verdict == Verdict.NEAR

    @property
    def differs(self) -> bool:
        return self.finding.verdict == Verdict.DIFFERS


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A patient whom the family may mean.

    Staff must give a reason to match in spite of `warnings`. If `refused` has a reason, the match is impossible.
    """

    self_registration: SelfRegistration
    patient: Patient
    evidence: list[ComparisonRow]
    warnings: list[str]
    refused: str | None
    access: Association | None
    decline: Decline | None

    @cached_property
    def safety_warnings(self) -> list[SafetyWarning]:
        """Return the warnings that a registration of this person would have. Each warning needs its own override reason."""
        if self.access:
            return []  # a match changes nothing for an account that already has access
        practice, account = self.self_registration.practice, self.self_registration.account
        contact, is_certain = self._contact_of_requester()
        recipient = Recipient(
            name=account.name if is_certain or not contact else f"{account.name}, who may be {contact.name},",
            contact=contact,
            is_patient=self.self_registration.relationship == Association.Relationship.SELF,
        )
        return safety_checks.access_checks_for(
            practice, [self.patient], recipient, ByEmail(account.email), today=practice.today(), account=account
        )

    def _contact_of_requester(self) -> tuple[Contact | None, bool]:
        """Return the contact who is, or may be, the requester, and whether that is certain.

        If there are several such contacts, prefer one without authority, so that staff are warned.
        """
        account, contacts = self.self_registration.account, list(self.patient.contacts.all())
        certain = [contact for contact in contacts if authority.is_person(contact, account)]
        found = certain or [contact for contact in contacts if authority.may_be_person(contact, account)]
        return min(found, key=lambda contact: contact.has_authority, default=None), bool(certain)

    @property
    def overridden_differences(self) -> str:
        """Name the fields that differ, for the audit trail of a match that staff make anyway."""
        differing = [row.field.label for row in self.evidence if row.differs]
        return ", ".join(differing) + " differs" if differing else ""

    @property
    def needs_reasons(self) -> bool:
        return bool(self.warnings or self.safety_warnings)

    @property
    def score(self) -> int:
        """Return how well the fields agree, from 0 to 100."""
        half_points = {Verdict.AGREES: 2, Verdict.NEAR: 1}
        return sum(_WEIGHTS[row.field] * half_points.get(row.finding.verdict, 0) for row in self.evidence) // 2

    @property
    def strength(self) -> Strength:
        agreeing = {row.field for row in self.evidence if row.agrees}
        differing = {row.field for row in self.evidence if row.differs}
        if agreeing >= _IDENTITY:
            return Strength.STRONG if agreeing & {Field.REQUESTER, Field.EMAIL, Field.PHONE} else Strength.GOOD
        if differing >= {Field.FIRST_NAME, Field.BIRTH_DATE}:
            return Strength.WEAK  # most likely a sibling
        return Strength.POSSIBLE if self.score >= _POSSIBLE_FROM else Strength.WEAK

    @property
    def is_close(self) -> bool:
        return self.strength != Strength.WEAK

    @property
    def is_plausible(self) -> bool:
        """Return False if the patient shares only one detail with the request, such as the date of birth."""
        similar = {row.field for row in self.evidence if row.agrees or row.is_near}
        return bool(similar & {Field.EMAIL, Field.PHONE}) or len(similar & {*_IDENTITY, Field.REQUESTER}) >= 2


def compare(self_registration: SelfRegistration, patients: Iterable[Patient]) -> list[Candidate]:
    """Compare one self-registration with each of these patients."""
    return compare_all({self_registration: list(patients)})[self_registration]


def compare_all(
    patients_by_request: Mapping[SelfRegistration, Sequence[Patient]],
) -> dict[SelfRegistration, list[Candidate]]:
    """Compare each self-registration with its patients, using two queries in total."""
    accounts = {self_registration.account_id for self_registration in patients_by_request}
    patient_ids = {patient.pk for patients in patients_by_request.values() for patient in patients}
    access = {
        (association.account_id, association.patient_id): association
        for association in Association.objects.live().filter(account__in=accounts)
    }
    declines = {decline.patient_id: decline for decline in Decline.objects.live().filter(patient__in=patient_ids)}
    return {
        self_registration: [
            _candidate(
                self_registration,
                patient,
                access=access.get((self_registration.account_id, patient.pk)),
                decline=declines.get(patient.pk),
            )
            for patient in patients
        ]
        for self_registration, patients in patients_by_request.items()
    }


def _candidate(
    self_registration: SelfRegistration, patient: Patient, *, access: Association | None, decline: Decline | None
) -> Candidate:
    evidence = _rows(self_registration, patient)
    return Candidate(
        self_registration=self_registration,
        patient=patient,
        evidence=evidence,
        warnings=_warnings(self_registration, patient, evidence),
        refused=eligibility.refusal_reason(patient),
        access=access,
        decline=decline,
    )


# --- The rows ---


def _rows(self_registration: SelfRegistration, patient: Patient) -> list[ComparisonRow]:
    contacts = [contact for contact in patient.contacts.all() if contact.is_current]
    return [
        *_child_rows(self_registration, patient),
        _requester_row(self_registration, patient, contacts),
        *_contact_detail_rows(self_registration, patient, contacts),
    ]


def _child_rows(self_registration: SelfRegistration, patient: Patient) -> list[ComparisonRow]:
    goes_by = f" (goes by {patient.preferred_name})" if patient.preferred_name else ""
    first = similarity.compare_first_names(self_registration.given_names, patient.given_names, patient.preferred_name)
    last = similarity.compare_surnames(self_registration.family_name, patient.family_name)
    born = similarity.compare_dates(self_registration.birth_date, patient.birth_date)
    submitted_birth_date, birth_date = f"{self_registration.birth_date:%m/%d/%Y}", f"{patient.birth_date:%m/%d/%Y}"
    return [
        ComparisonRow(Field.FIRST_NAME, self_registration.given_names, patient.given_names + goes_by, first),
        ComparisonRow(Field.LAST_NAME, self_registration.family_name, patient.family_name, last),
        ComparisonRow(Field.BIRTH_DATE, submitted_birth_date, birth_date, born),
    ]


def _requester_row(self_registration: SelfRegistration, patient: Patient, contacts: Sequence[Contact]) -> ComparisonRow:
    account = self_registration.account
    requester = (account.given_names, account.family_name)
    submitted = f"{account.name}, {self_registration.get_relationship_display().lower()}"
    if self_registration.relationship == Association.Relationship.SELF:
        finding = similarity.compare_people(requester, (patient.given_names, patient.family_name))
        on_record = f"{patient.given_names} {patient.family_name}, the patient"
    elif not contacts:
        finding, on_record = similarity.NOT_ON_RECORD, ""
    else:
        finding, on_record = _closest_contact(requester, contacts)
    return ComparisonRow(Field.REQUESTER, submitted, on_record, finding)


def _closest_contact(requester: tuple[str, str], contacts: Sequence[Contact]) -> tuple[Finding, str]:
    """Return the contact whose name agrees best. If no name is close, return all the contacts (at most four)."""
    findings = [
        (similarity.compare_people(requester, (contact.given_names, contact.family_name)), contact)
        for contact in contacts
    ]
    for verdict in (Verdict.AGREES, Verdict.NEAR):
        for finding, contact in findings:
            if finding.verdict == verdict:
                return finding, _describe(contact)
    return similarity.DIFFERS, "; ".join(_describe(contact) for contact in contacts[:4])


def _contact_detail_rows(
    self_registration: SelfRegistration, patient: Patient, contacts: Sequence[Contact]
) -> list[ComparisonRow]:
    account = self_registration.account
    people: list[Patient | Contact] = [patient, *contacts]
    emails = {person.email_key: person.email for person in people if person.email_key}
    phones = {person.phone_key: national(person.phone) for person in people if person.phone_key}
    email, phone = email_key(account.email), phone_key(account.phone) if account.phone else ""
    submitted_home = (self_registration.street, self_registration.postal_code)
    home = (patient.street, patient.postal_code)
    return [
        ComparisonRow(
            Field.EMAIL, account.email, _same_or_first(email, emails), similarity.compare_keys(email, emails)
        ),
        ComparisonRow(
            Field.PHONE, national(account.phone), _same_or_first(phone, phones), similarity.compare_keys(phone, phones)
        ),
        ComparisonRow(
            Field.ADDRESS,
            ", ".join(filter(None, submitted_home)),
            ", ".join(filter(None, home)),
            similarity.compare_addresses(submitted_home, home),
        ),
    ]


def _describe(contact: Contact) -> str:
    no_authority = "" if contact.has_authority else "not authorized to see the record"
    return ", ".join(filter(None, [contact.name, contact.relationship.lower(), no_authority]))


def _same_or_first(key: str, on_record: Mapping[str, str]) -> str:
    """Return the value with this key. If there is none, return the first three values on record."""
    return on_record.get(key) or ", ".join(list(on_record.values())[:3])


# --- Warnings that need a reason before a match ---


def _warnings(self_registration: SelfRegistration, patient: Patient, evidence: Sequence[ComparisonRow]) -> list[str]:
    differences = [_difference(row) for row in evidence if row.field in _IDENTITY and not row.agrees]
    return [*differences, *_too_young(self_registration, patient)]


def _difference(row: ComparisonRow) -> str:
    note = f" ({row.finding.note})" if row.finding.note else ""
    judgment = f"is close{note} but not the same" if row.is_near else f"differs{note}"
    on_record = f"the record has “{row.on_record}”" if row.on_record else "the record has none"
    return f"{row.field.label} {judgment}: the family entered “{row.submitted}”; {on_record}."


def _too_young(self_registration: SelfRegistration, patient: Patient) -> list[str]:
    practice = self_registration.practice
    age = patient.age(on=practice.today())
    if self_registration.relationship != Association.Relationship.SELF or age >= pin_policy.own_pin_age(practice):
        return []
    return [f"The requester chose “Myself”, but the patient’s age is {age}."]
