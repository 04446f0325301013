"""Before you send: what speaks against a registration without ruling it out. The desk confirms each with a reason."""

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

# In the order in which the desk is asked, each with the question that its reason answers.
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
    """`key` is one of QUESTIONS; `field` is the field of the window that gives rise to it."""

    key: str
    text: str
    field: str
    patients: tuple[Patient, ...] = ()  # of an "authority": whose record it is that this person may not see

    @property
    def question(self) -> str:
        return QUESTIONS[self.key]


class OverrideRequired(Exception):
    """Nothing has happened yet. `concerns` are all that there are, also those that were confirmed already."""

    def __init__(self, safety_warnings: Sequence[SafetyWarning]) -> None:
        super().__init__(" ".join(each.text for each in safety_warnings))
        self.safety_warnings = list(safety_warnings)


def checks_for(
    practice: Practice,
    patients: list[Patient],
    recipient: Recipient,
    delivery: Delivery,
    *,
    today: date,
) -> list[SafetyWarning]:
    """What speaks against it without ruling it out; each is to be confirmed with a reason."""
    about_the_address = [_bounced_before(practice, delivery), _ended_carrier(delivery, today=today)]
    return [
        *access_checks_for(practice, patients, recipient, delivery, today=today),
        *(each for each in about_the_address if each),
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
    """What of it speaks against access of this person, however it comes about; `account`: whose it is to be, if known."""
    found = [
        _no_authority(recipient, patients),
        _removed(recipient, patients, delivery, account),
        _teen(practice, patients, recipient, today=today),
        _adult(practice, patients, recipient, delivery, today=today),
    ]
    return [each for each in found if each]


def require_reasons(
    found: Sequence[SafetyWarning], override_reasons: Mapping[str, str], *, proxy: Proxy | None = None
) -> dict[str, str]:
    """The reason for each concern. A proxy's paper is one. Raises NeedsConfirmation where one is missing."""
    paper = dict.fromkeys(("authority", "removed", "of_age"), proxy.authorization) if proxy else {}
    reasons = {each.key: (override_reasons.get(each.key) or paper.get(each.key, "")).strip() for each in found}
    if not all(reasons.values()):
        raise OverrideRequired(found)
    return reasons


def audit_details(reasons: Mapping[str, str]) -> dict[str, str]:
    """The reasons as the audit trail has them."""
    return {f"confirmed {key}": reason for key, reason in reasons.items()}


def patients_needing_override(found: Sequence[SafetyWarning]) -> list[str]:
    """The keys of the patients whose record the person may not see, and about whom the desk is asked."""
    return [str(patient.pk) for each in found if each.key == "authority" for patient in each.patients]


def _no_authority(recipient: Recipient, patients: list[Patient]) -> SafetyWarning | None:
    if recipient.contact is None:
        return None if recipient.is_patient else _possible_barred_contact(recipient, patients)
    barred = {row.patient_id for row in same_person.contact_rows_for(recipient.contact) if not row.has_authority}
    whose = [each for each in patients if each.pk in barred]
    if not whose:
        return None
    return SafetyWarning(
        "authority",
        f"{recipient.name} is marked as not allowed to see {_records_of(whose)}.",
        "recipient",
        patients=tuple(whose),
    )


def _possible_barred_contact(recipient: Recipient, patients: list[Patient]) -> SafetyWarning | None:
    """Somebody else, who may be a contact that the record bars, by a name in another order or spelling."""
    for contact in Contact.objects.filter(patient__in=patients, has_authority=False).order_by("pk"):
        if similarity.may_be_same_name(recipient.name, (contact.given_names, contact.family_name)):
            whose = [each for each in patients if each.pk == contact.patient_id]
            text = f"{recipient.name} may be {contact.name}, who is not allowed to see {_records_of(whose)}."
            return SafetyWarning("authority", text, "other_name", patients=tuple(whose))
    return None


def _removed(
    recipient: Recipient, patients: list[Patient], delivery: Delivery, account: PortalAccount | None
) -> SafetyWarning | None:
    """The record often lags behind the desk: a removal is the latest word."""
    person = removals.Person(
        recipient_keys=recipient.keys,
        contact=recipient.contact,
        account=account,
        email=delivery.address if isinstance(delivery, ByEmail) else "",
    )
    taken = removals.find_removed_access(patients, person)
    if not taken:
        return None
    last = taken[-1]
    zone, end = last.patient.practice.zone, last.ended_at or last.ends_at
    on = f" on {end.astimezone(zone):%m/%d/%Y}" if end else ""
    text = f"{last.account.name}’s access to {last.patient.first_name}’s record was removed{on}: {last.end_reason}"
    return SafetyWarning("removed", text, "recipient")


def _teen(practice: Practice, patients: list[Patient], recipient: Recipient, *, today: date) -> SafetyWarning | None:
    """A teen has no PIN of their own, so that whoever receives it, and whatever the address, it is a guardian's.

    Who asks without a PIN and says “myself” is asked about by `evidence`.
    """
    if recipient.is_patient:
        return None
    ages = [(each, each.age(on=today)) for each in patients]
    teens = [(each, age) for each, age in ages if practice.teen_from <= age < pin_policy.own_pin_age(practice)]
    if not teens:
        return None
    ages_listed = get_text_list([f"{teen.first_name} is {age}" for teen, age in teens], "and")
    text = f"{ages_listed}. Teens may have a right to privacy, and {recipient.name} will be able to see the record."
    return SafetyWarning("teen", text, "recipient")


def _adult(
    practice: Practice, patients: list[Patient], recipient: Recipient, delivery: Delivery, *, today: date
) -> SafetyWarning | None:
    grown = [each for each in patients if each.age(on=today) >= pin_policy.own_pin_age(practice)]
    if not grown:
        return None
    who = f"{_listed(grown)} {_are(grown)}"
    if not recipient.is_patient:
        text = f"{who} of age. {recipient.name} needs the patient’s permission to see the record."
        return SafetyWarning("of_age", text, "recipient")
    if owner := _owner_of(delivery, grown):
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


def _listed(patients: Sequence[Patient]) -> str:
    return get_text_list([each.first_name for each in patients], "and")


def _records_of(patients: Sequence[Patient]) -> str:
    """Return "Mia’s record" or "the records of Mia and Leo"."""
    return f"{patients[0].first_name}’s record" if len(patients) == 1 else f"the records of {_listed(patients)}"


def _are(patients: Sequence[Patient]) -> str:
    return "is" if len(patients) == 1 else "are"
