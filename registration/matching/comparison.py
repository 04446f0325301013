"""What speaks for a patient and against: what the family told beside what is on record, line by line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from django.utils import timezone

from patients import similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from patients.similarity import Finding, Verdict
from portal.models import Practice
from portal.phones import national
from registration.access import authority
from registration.issuing import eligibility, safety_checks
from registration.issuing.eligibility import ByEmail, Recipient
from registration.issuing.safety_checks import Concern
from registration.models import Association, Decline, SelfRegistration

FIRST: Final = "First name"
LAST: Final = "Last name"
BIRTH: Final = "Date of birth"
WHO: Final = "Who asks"
EMAIL: Final = "E-mail"
PHONE: Final = "Phone"
ADDRESS: Final = "Address"

# What an agreement weighs; what is near weighs half. Together 100.
_WEIGHTS: Final = {BIRTH: 30, LAST: 20, FIRST: 20, WHO: 10, EMAIL: 10, PHONE: 6, ADDRESS: 4}
_POSSIBLE: Final = 45


@dataclass(frozen=True)
class Evidence:
    """A line of the comparison."""

    what: str
    told: str
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

    asked: SelfRegistration
    patient: Patient
    evidence: list[Evidence]
    warnings: list[str]
    refused: str | None
    access: Association | None
    decline: Decline | None

    @cached_property
    def concerns(self) -> list[Concern]:
        """What the window would ask about before this person may see the record: each wants a reason of its own."""
        if self.access:
            return []  # a match gives nothing that is not there
        practice, account = self.asked.practice, self.asked.account
        everybody = list(self.patient.contacts.all())
        surely = [each for each in everybody if authority.is_person(each, account)]
        contacts = surely or [each for each in everybody if authority.may_be_person(each, account)]
        contact = min(contacts, key=lambda each: each.has_authority, default=None)
        who = Recipient(
            name=account.name if surely or not contact else f"{account.name}, who may be {contact.name},",
            contact=contact,
            is_patient=self.asked.relationship == Association.Relationship.SELF,
        )
        delivery, today = ByEmail(account.email), today_at(practice)
        return safety_checks.of_access(practice, [self.patient], who, delivery, today=today, account=account)

    @property
    def differs(self) -> str:
        """What a match is made in spite of, for the audit trail."""
        differing = [each.what for each in self.evidence if each.differs]
        return ", ".join(differing) + " differs" if differing else ""

    @property
    def wants_reasons(self) -> bool:
        return bool(self.warnings or self.concerns)

    @property
    def score(self) -> int:
        """0 to 100."""
        worth = {Verdict.AGREES: 2, Verdict.NEAR: 1}
        return sum(_WEIGHTS[each.what] * worth.get(each.finding.verdict, 0) for each in self.evidence) // 2

    @property
    def strength(self) -> str:
        agreed = {each.what for each in self.evidence if each.agrees}
        if {FIRST, LAST, BIRTH} <= agreed:
            return "Strong match" if agreed & {WHO, EMAIL, PHONE} else "Good match"
        if {FIRST, BIRTH} <= {each.what for each in self.evidence if each.differs}:
            return "Weak match"  # a sibling, most likely
        return "Possible match" if self.score >= _POSSIBLE else "Weak match"

    @property
    def is_close(self) -> bool:
        return self.strength != "Weak match"

    @property
    def is_worth_a_look(self) -> bool:
        """Somebody born on the same day with quite another name is not."""
        alike = {each.what for each in self.evidence if each.agrees or each.is_near}
        return bool(alike & {EMAIL, PHONE}) or len(alike & {FIRST, LAST, BIRTH, WHO}) >= 2


def weigh(asked: SelfRegistration, patients: Iterable[Patient]) -> list[Candidate]:
    """Each of these patients beside what the family told."""
    return weigh_all({asked: list(patients)})[asked]


def weigh_all(wanted: Mapping[SelfRegistration, Sequence[Patient]]) -> dict[SelfRegistration, list[Candidate]]:
    """The same for each who asks, by two queries for all."""
    accounts = {asked.account_id for asked in wanted}
    live = Association.objects.live().filter(account__in=accounts)
    access = {(each.account_id, each.patient_id): each for each in live}
    listed = {patient.pk for patients in wanted.values() for patient in patients}
    declines = {each.patient_id: each for each in Decline.objects.live().filter(patient__in=listed)}
    return {
        asked: [
            _candidate(asked, each, access=access.get((asked.account_id, each.pk)), decline=declines.get(each.pk))
            for each in patients
        ]
        for asked, patients in wanted.items()
    }


def _candidate(
    asked: SelfRegistration, patient: Patient, *, access: Association | None, decline: Decline | None
) -> Candidate:
    evidence = _of(asked, patient)
    return Candidate(
        asked=asked,
        patient=patient,
        evidence=evidence,
        warnings=_warnings(asked, patient, evidence),
        refused=eligibility.why_not(patient),
        access=access,
        decline=decline,
    )


def today_at(practice: Practice) -> date:
    return timezone.now().astimezone(practice.zone).date()


# --- The lines ---


def _of(asked: SelfRegistration, patient: Patient) -> list[Evidence]:
    contacts = [each for each in patient.contacts.all() if each.is_current]
    return [
        *_of_the_child(asked, patient),
        _of_who_asks(asked, patient, contacts),
        *_of_the_addresses(asked, patient, contacts),
    ]


def _of_the_child(asked: SelfRegistration, patient: Patient) -> list[Evidence]:
    goes_by = f" (goes by {patient.preferred_name})" if patient.preferred_name else ""
    first = similarity.of_first_names(asked.given_names, patient.given_names, patient.preferred_name)
    last = similarity.of_surnames(asked.family_name, patient.family_name)
    born = similarity.of_dates(asked.birth_date, patient.birth_date)
    return [
        Evidence(FIRST, asked.given_names, patient.given_names + goes_by, first),
        Evidence(LAST, asked.family_name, patient.family_name, last),
        Evidence(BIRTH, f"{asked.birth_date:%m/%d/%Y}", f"{patient.birth_date:%m/%d/%Y}", born),
    ]


def _of_who_asks(asked: SelfRegistration, patient: Patient, contacts: Sequence[Contact]) -> Evidence:
    account = asked.account
    told = f"{account.name}, {asked.get_relationship_display().lower()}"
    me = (account.given_names, account.family_name)
    if asked.relationship == Association.Relationship.SELF:
        own = similarity.of_people(me, (patient.given_names, patient.family_name))
        return Evidence(WHO, told, f"{patient.given_names} {patient.family_name}, the patient", own)
    if not contacts:
        return Evidence(WHO, told, "", similarity.NOT_ON_RECORD)
    findings = [(similarity.of_people(me, (each.given_names, each.family_name)), each) for each in contacts]
    for verdict in (Verdict.AGREES, Verdict.NEAR):
        for finding, contact in findings:
            if finding.verdict == verdict:
                return Evidence(WHO, told, _shown(contact), finding)
    return Evidence(WHO, told, "; ".join(_shown(each) for each in contacts[:4]), similarity.DIFFERS)


def _of_the_addresses(asked: SelfRegistration, patient: Patient, contacts: Sequence[Contact]) -> list[Evidence]:
    account = asked.account
    people: list[Patient | Contact] = [patient, *contacts]
    emails = {each.email_key: each.email for each in people if each.email_key}
    phones = {each.phone_key: national(each.phone) for each in people if each.phone_key}
    email, phone = email_key(account.email), phone_key(account.phone) if account.phone else ""
    home = similarity.of_addresses((asked.street, asked.postal_code), (patient.street, patient.postal_code))
    return [
        Evidence(EMAIL, account.email, _listed(email, emails), similarity.of_keys(email, emails)),
        Evidence(PHONE, national(account.phone), _listed(phone, phones), similarity.of_keys(phone, phones)),
        Evidence(ADDRESS, _line(asked.street, asked.postal_code), _line(patient.street, patient.postal_code), home),
    ]


def _shown(contact: Contact) -> str:
    bar = "" if contact.has_authority else "may not see the record"
    return ", ".join(filter(None, [contact.name, contact.relationship.lower(), bar]))


def _listed(key: str, on_record: dict[str, str]) -> str:
    return on_record.get(key) or ", ".join(list(on_record.values())[:3])


def _line(street: str, postal_code: str) -> str:
    return ", ".join(filter(None, [street, postal_code]))


# --- What has to be looked at twice before a match is made ---


def _warnings(asked: SelfRegistration, patient: Patient, evidence: Sequence[Evidence]) -> list[str]:
    differences = [_difference(each) for each in evidence if each.what in {FIRST, LAST, BIRTH} and not each.agrees]
    return [*differences, *_too_young(asked, patient)]


def _difference(line: Evidence) -> str:
    note = f" ({line.finding.note})" if line.finding.note else ""
    known = f"“{line.on_record}”" if line.on_record else "nothing"
    return f"The {line.what.lower()} is not the same{note}: the family told “{line.told}”, on record is {known}."


def _too_young(asked: SelfRegistration, patient: Patient) -> list[str]:
    age = patient.age(on=today_at(asked.practice))
    if asked.relationship != Association.Relationship.SELF or age >= asked.practice.own_pin_age:
        return []
    return [f"Who asks says “myself”, but the patient’s age is {age}."]
