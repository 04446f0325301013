"""What speaks for a patient and against: what the family told beside what is on record, line by line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

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

FIRST: Final = "First name"
LAST: Final = "Last name"
BIRTH: Final = "Date of birth"
REQUESTER: Final = "Who asks"
EMAIL: Final = "E-mail"
PHONE: Final = "Phone"
ADDRESS: Final = "Address"

# What an agreement weighs; what is near weighs half. Together 100.
_WEIGHTS: Final = {BIRTH: 30, LAST: 20, FIRST: 20, REQUESTER: 10, EMAIL: 10, PHONE: 6, ADDRESS: 4}
_POSSIBLE: Final = 45


@dataclass(frozen=True)
class ComparisonRow:
    """A line of the comparison."""

    field: str
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
    """`warnings` are what the desk has to give a reason for; `refused` says why there can be no match at all."""

    self_registration: SelfRegistration
    patient: Patient
    evidence: list[ComparisonRow]
    warnings: list[str]
    refused: str | None
    access: Association | None
    decline: Decline | None

    @cached_property
    def safety_warnings(self) -> list[SafetyWarning]:
        """What the window would ask about before this person may see the record: each wants a reason of its own."""
        if self.access:
            return []  # a match gives nothing that is not there
        practice, account = self.self_registration.practice, self.self_registration.account
        everybody = list(self.patient.contacts.all())
        surely = [each for each in everybody if authority.is_person(each, account)]
        contacts = surely or [each for each in everybody if authority.may_be_person(each, account)]
        contact = min(contacts, key=lambda each: each.has_authority, default=None)
        who = Recipient(
            name=account.name if surely or not contact else f"{account.name}, who may be {contact.name},",
            contact=contact,
            is_patient=self.self_registration.relationship == Association.Relationship.SELF,
        )
        delivery, today = ByEmail(account.email), practice.today()
        return safety_checks.access_checks_for(practice, [self.patient], who, delivery, today=today, account=account)

    @property
    def differs(self) -> str:
        """What a match is made in spite of, for the audit trail."""
        differing = [each.field for each in self.evidence if each.differs]
        return ", ".join(differing) + " differs" if differing else ""

    @property
    def needs_reasons(self) -> bool:
        return bool(self.warnings or self.safety_warnings)

    @property
    def score(self) -> int:
        """0 to 100."""
        worth = {Verdict.AGREES: 2, Verdict.NEAR: 1}
        return sum(_WEIGHTS[each.field] * worth.get(each.finding.verdict, 0) for each in self.evidence) // 2

    @property
    def strength(self) -> str:
        agreed = {each.field for each in self.evidence if each.agrees}
        if {FIRST, LAST, BIRTH} <= agreed:
            return "Strong match" if agreed & {REQUESTER, EMAIL, PHONE} else "Good match"
        if {FIRST, BIRTH} <= {each.field for each in self.evidence if each.differs}:
            return "Weak match"  # a sibling, most likely
        return "Possible match" if self.score >= _POSSIBLE else "Weak match"

    @property
    def is_close(self) -> bool:
        return self.strength != "Weak match"

    @property
    def is_worth_a_look(self) -> bool:
        """Somebody born on the same day with quite another name is not."""
        alike = {each.field for each in self.evidence if each.agrees or each.is_near}
        return bool(alike & {EMAIL, PHONE}) or len(alike & {FIRST, LAST, BIRTH, REQUESTER}) >= 2


def compare(self_registration: SelfRegistration, patients: Iterable[Patient]) -> list[Candidate]:
    """Each of these patients beside what the family told."""
    return compare_all({self_registration: list(patients)})[self_registration]


def compare_all(wanted: Mapping[SelfRegistration, Sequence[Patient]]) -> dict[SelfRegistration, list[Candidate]]:
    """The same for each who asks, by two queries for all."""
    accounts = {self_registration.account_id for self_registration in wanted}
    live = Association.objects.live().filter(account__in=accounts)
    access = {(each.account_id, each.patient_id): each for each in live}
    listed = {patient.pk for patients in wanted.values() for patient in patients}
    declines = {each.patient_id: each for each in Decline.objects.live().filter(patient__in=listed)}
    return {
        self_registration: [
            _candidate(
                self_registration,
                each,
                access=access.get((self_registration.account_id, each.pk)),
                decline=declines.get(each.pk),
            )
            for each in patients
        ]
        for self_registration, patients in wanted.items()
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


# --- The lines ---


def _rows(self_registration: SelfRegistration, patient: Patient) -> list[ComparisonRow]:
    contacts = [each for each in patient.contacts.all() if each.is_current]
    return [
        *_child_rows(self_registration, patient),
        _requester_row(self_registration, patient, contacts),
        *_address_rows(self_registration, patient, contacts),
    ]


def _child_rows(self_registration: SelfRegistration, patient: Patient) -> list[ComparisonRow]:
    goes_by = f" (goes by {patient.preferred_name})" if patient.preferred_name else ""
    first = similarity.compare_first_names(self_registration.given_names, patient.given_names, patient.preferred_name)
    last = similarity.compare_surnames(self_registration.family_name, patient.family_name)
    born = similarity.compare_dates(self_registration.birth_date, patient.birth_date)
    return [
        ComparisonRow(FIRST, self_registration.given_names, patient.given_names + goes_by, first),
        ComparisonRow(LAST, self_registration.family_name, patient.family_name, last),
        ComparisonRow(BIRTH, f"{self_registration.birth_date:%m/%d/%Y}", f"{patient.birth_date:%m/%d/%Y}", born),
    ]


def _requester_row(self_registration: SelfRegistration, patient: Patient, contacts: Sequence[Contact]) -> ComparisonRow:
    account = self_registration.account
    submitted = f"{account.name}, {self_registration.get_relationship_display().lower()}"
    me = (account.given_names, account.family_name)
    if self_registration.relationship == Association.Relationship.SELF:
        own = similarity.compare_people(me, (patient.given_names, patient.family_name))
        return ComparisonRow(REQUESTER, submitted, f"{patient.given_names} {patient.family_name}, the patient", own)
    if not contacts:
        return ComparisonRow(REQUESTER, submitted, "", similarity.NOT_ON_RECORD)
    findings = [(similarity.compare_people(me, (each.given_names, each.family_name)), each) for each in contacts]
    for verdict in (Verdict.AGREES, Verdict.NEAR):
        for finding, contact in findings:
            if finding.verdict == verdict:
                return ComparisonRow(REQUESTER, submitted, _shown(contact), finding)
    return ComparisonRow(REQUESTER, submitted, "; ".join(_shown(each) for each in contacts[:4]), similarity.DIFFERS)


def _address_rows(
    self_registration: SelfRegistration, patient: Patient, contacts: Sequence[Contact]
) -> list[ComparisonRow]:
    account = self_registration.account
    people: list[Patient | Contact] = [patient, *contacts]
    emails = {each.email_key: each.email for each in people if each.email_key}
    phones = {each.phone_key: national(each.phone) for each in people if each.phone_key}
    email, phone = email_key(account.email), phone_key(account.phone) if account.phone else ""
    home = similarity.compare_addresses(
        (self_registration.street, self_registration.postal_code), (patient.street, patient.postal_code)
    )
    return [
        ComparisonRow(EMAIL, account.email, _listed(email, emails), similarity.compare_keys(email, emails)),
        ComparisonRow(PHONE, national(account.phone), _listed(phone, phones), similarity.compare_keys(phone, phones)),
        ComparisonRow(
            ADDRESS,
            _line(self_registration.street, self_registration.postal_code),
            _line(patient.street, patient.postal_code),
            home,
        ),
    ]


def _shown(contact: Contact) -> str:
    bar = "" if contact.has_authority else "may not see the record"
    return ", ".join(filter(None, [contact.name, contact.relationship.lower(), bar]))


def _listed(key: str, on_record: dict[str, str]) -> str:
    return on_record.get(key) or ", ".join(list(on_record.values())[:3])


def _line(street: str, postal_code: str) -> str:
    return ", ".join(filter(None, [street, postal_code]))


# --- What has to be looked at twice before a match is made ---


def _warnings(self_registration: SelfRegistration, patient: Patient, evidence: Sequence[ComparisonRow]) -> list[str]:
    differences = [_difference(each) for each in evidence if each.field in {FIRST, LAST, BIRTH} and not each.agrees]
    return [*differences, *_too_young(self_registration, patient)]


def _difference(line: ComparisonRow) -> str:
    note = f" ({line.finding.note})" if line.finding.note else ""
    known = f"“{line.on_record}”" if line.on_record else "nothing"
    return f"The {line.field.lower()} is not the same{note}: the family told “{line.submitted}”, on record is {known}."


def _too_young(self_registration: SelfRegistration, patient: Patient) -> list[str]:
    age = patient.age(on=self_registration.practice.today())
    if self_registration.relationship != Association.Relationship.SELF or age >= pin_policy.own_pin_age(
        self_registration.practice
    ):
        return []
    return [f"Who asks says “myself”, but the patient’s age is {age}."]
