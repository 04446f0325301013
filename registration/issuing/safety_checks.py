"""Safety checks before issuing a registration: warnings that staff can override with a reason ("Before you send")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Q
from django.utils.text import get_text_list

from notifications import suppressions
from patients import same_person, similarity
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from portal.models import Practice
from registration import pin_policy
from registration.access import removals
from registration.models import PortalAccount
from registration.values import ByEmail, ByText, Delivery, InPerson, Proxy, Recipient

# The question that the override reason answers, in the order in which the window asks.
QUESTIONS: Final = {
    "authority": "Why is this person allowed to see the record?",
    "removed": "Why should this person have access again?",
    "teen": "Why should a guardian see this teen’s record?",
    "of_age": "Why is this not going directly to the patient?",
    "refused": "Why is this address or number correct now?",
    "carrier": "Why use this carrier?",
}


NO_OVERRIDES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class SafetyWarning:
    """A warning that staff can override. `key` is a key of QUESTIONS. `field` is the form field that caused the warning."""

    key: str
    text: str
    field: str
    patients: tuple[Patient, ...] = ()  # For "authority": the patients whose record this person may not see.

    @property
    def question(self) -> str:
        return QUESTIONS[self.key]


class OverrideRequired(Exception):
    """A warning has no override reason, and nothing has changed. Contains all warnings, including those that have a reason."""

    def __init__(self, safety_warnings: Sequence[SafetyWarning]) -> None:
        super().__init__(" ".join(warning.text for warning in safety_warnings))
        self.safety_warnings = list(safety_warnings)


def checks_for(
    practice: Practice,
    patients: list[Patient],
    recipient: Recipient,
    delivery: Delivery,
    *,
    today: date,
) -> list[SafetyWarning]:
    """Return all warnings about a registration: about the access that it gives, and about the address that it is sent to."""
    address_warnings = [_bounced_before(practice, delivery), _ended_carrier(delivery, today=today)]
    return [
        *access_checks_for(practice, patients, recipient, delivery, today=today),
        *(warning for warning in address_warnings if warning),
    ]


def access_checks_for(
    practice: Practice,
    patients: list[Patient],
    recipient: Recipient,
    delivery: Delivery,
    *,
    today: date,
    account: PortalAccount | None = None,
) -> list[SafetyWarning]:
    """Return the warnings about giving this person access, either with a PIN or through Merge Match.

    `account` is the account that gets access, if it is known.
    """
    warnings = [
        _no_authority(recipient, patients),
        _removed(recipient, patients, delivery, account),
        _teen(practice, patients, recipient, today=today),
        _adult(practice, patients, recipient, delivery, today=today),
    ]
    return [warning for warning in warnings if warning]


def require_reasons(
    warnings: Sequence[SafetyWarning], override_reasons: Mapping[str, str], *, proxy: Proxy | None = None
) -> dict[str, str]:
    """Return the reason for each warning, keyed by the warning's key. Raises OverrideRequired if a reason is missing.

    A proxy's authorization counts as a reason, except for warnings about a teen's privacy.
    """
    authorizations = dict.fromkeys(("authority", "removed", "of_age"), proxy.authorization) if proxy else {}
    keys = [warning.key for warning in warnings]
    reasons = {key: (override_reasons.get(key) or authorizations.get(key, "")).strip() for key in keys}
    if not all(reasons.values()):
        raise OverrideRequired(warnings)
    return reasons


def audit_details(reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the override reasons as audit details, for example {"confirmed teen": "Sofía agrees"}."""
    return {f"confirmed {key}": reason for key, reason in reasons.items()}


def patients_needing_override(warnings: Sequence[SafetyWarning]) -> list[str]:
    """Return the ids of the patients whose records the recipient is not authorized to see."""
    return [str(patient.pk) for warning in warnings if warning.key == "authority" for patient in warning.patients]


def _no_authority(recipient: Recipient, patients: list[Patient]) -> SafetyWarning | None:
    if recipient.contact is None:
        return None if recipient.is_patient else _possible_barred_contact(recipient, patients)
    barred = {row.patient_id for row in same_person.contact_rows_for(recipient.contact) if not row.has_authority}
    affected = [patient for patient in patients if patient.pk in barred]
    if not affected:
        return None
    return SafetyWarning(
        "authority",
        f"{recipient.name} is marked as not authorized to see {_records_of(affected)}.",
        "recipient",
        patients=tuple(affected),
    )


def _possible_barred_contact(recipient: Recipient, patients: list[Patient]) -> SafetyWarning | None:
    """Warn if a recipient entered under "Someone else" may be a barred contact, with the name written differently."""
    for contact in Contact.objects.filter(patient__in=patients, has_authority=False).order_by("pk"):
        if similarity.may_be_same_name(recipient.name, (contact.given_names, contact.family_name)):
            affected = [patient for patient in patients if patient.pk == contact.patient_id]
            text = f"{recipient.name} may be {contact.name}, who is not authorized to see {_records_of(affected)}."
            return SafetyWarning("authority", text, "other_name", patients=tuple(affected))
    return None


def _removed(
    recipient: Recipient, patients: list[Patient], delivery: Delivery, account: PortalAccount | None
) -> SafetyWarning | None:
    """Warn if staff removed this person's access. The patient's record may not show this change yet."""
    person = removals.Person(
        recipient_keys=recipient.keys,
        contact=recipient.contact,
        account=account,
        email=delivery.address if isinstance(delivery, ByEmail) else "",
    )
    removed = removals.find_removed_access(patients, person)
    if not removed:
        return None
    last = removed[-1]
    zone, end = last.patient.practice.zone, last.ended_at or last.ends_at
    on = f" on {end.astimezone(zone):%m/%d/%Y}" if end else ""
    text = f"{last.account.name}’s access to {last.patient.first_name}’s record was removed{on}: {last.end_reason}"
    return SafetyWarning("removed", text, "recipient")


def _teen(practice: Practice, patients: list[Patient], recipient: Recipient, *, today: date) -> SafetyWarning | None:
    """Warn that a guardian will see a teen's record.

    Teens can't have their own PIN, so the recipient is always a guardian. If a teen requests access without a PIN, the
    warning comes from `matching.comparison`.
    """
    if recipient.is_patient:
        return None
    ages = [(patient, patient.age(on=today)) for patient in patients]
    teens = [(patient, age) for patient, age in ages if practice.teen_from <= age < pin_policy.own_pin_age(practice)]
    if not teens:
        return None
    ages_listed = get_text_list([f"{teen.first_name} is {age}" for teen, age in teens], "and")
    text = f"{ages_listed}. Teens may have a right to privacy, and {recipient.name} will be able to see the record."
    return SafetyWarning("teen", text, "recipient")


def _adult(
    practice: Practice, patients: list[Patient], recipient: Recipient, delivery: Delivery, *, today: date
) -> SafetyWarning | None:
    adults = [patient for patient in patients if patient.age(on=today) >= pin_policy.own_pin_age(practice)]
    if not adults:
        return None
    who = f"{_first_names(adults)} {_are(adults)}"
    if not recipient.is_patient:
        text = f"{who} of age. {recipient.name} needs the patient’s permission to see the record."
        return SafetyWarning("of_age", text, "recipient")
    if owner := _owner_of(delivery, adults):
        target, field = ("address", "email") if isinstance(delivery, ByEmail) else ("number", "cell_phone")
        text = f"{who} of age, and this {target} belongs to {owner.name}, who could use the PIN."
        return SafetyWarning("of_age", text, field)
    return None


def _owner_of(delivery: Delivery, patients: list[Patient]) -> Contact | None:
    match delivery:
        case ByEmail(address):
            owns = Q(email_key=email_key(address))
        case ByText(number):
            owns = Q(phone_key=phone_key(number))
        case InPerson():
            return None
    return Contact.objects.filter(owns, patient__in=patients).first()


def _bounced_before(practice: Practice, delivery: Delivery) -> SafetyWarning | None:
    match delivery:
        case ByEmail(address):
            text = f"Our last email to {address} bounced. Ask the family if the address is correct."
            mail, field = address, "email"
        case ByText(number, carrier):
            text = "Our last text message to this number was rejected. Ask the family if the number is correct."
            mail, field = carrier.address_of(number), "cell_phone"
        case InPerson():
            return None
    if not suppressions.last_delivery_refused(practice, mail):
        return None
    return SafetyWarning("refused", text, field)


def _ended_carrier(delivery: Delivery, *, today: date) -> SafetyWarning | None:
    if not isinstance(delivery, ByText) or not delivery.carrier.has_ended(on=today):
        return None
    return SafetyWarning("carrier", delivery.carrier.warning(on=today), "carrier")


def _first_names(patients: Sequence[Patient]) -> str:
    return get_text_list([patient.first_name for patient in patients], "and")


def _records_of(patients: Sequence[Patient]) -> str:
    """Return "Mia’s record" or "the records of Mia and Leo"."""
    return f"{patients[0].first_name}’s record" if len(patients) == 1 else f"the records of {_first_names(patients)}"


def _are(patients: Sequence[Patient]) -> str:
    return "is" if len(patients) == 1 else "are"
