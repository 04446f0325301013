"""For whom a registration may be issued, to whom, and how: what the desk asks for, and why it may be refused."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from notifications.models import Carrier
from patients import names
from patients.models import Contact, Patient
from portal.models import Practice


class Refused(Exception):
    """The registration must not be issued. The text says why, to the desk; `field` is where it has to be mended."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Who gets the PIN: a family contact, the patient, or somebody else by name."""

    PATIENT: ClassVar[str] = "patient"

    name: str
    relationship: str = ""
    contact: Contact | None = None
    is_patient: bool = False

    @property
    def key(self) -> str:
        """The same for the same recipient: there is one live PIN for each recipient and patient."""
        if self.contact:
            return f"contact:{self.contact.pk}"
        return self.PATIENT if self.is_patient else f"other:{names.key(self.name)[:190]}"


@dataclass(frozen=True)
class ByPin:
    pass


@dataclass(frozen=True)
class ByQuestion:
    question: str
    answer: str


@dataclass(frozen=True)
class ByEmail:
    address: str


@dataclass(frozen=True)
class ByText:
    national_number: str  # 10 digits
    carrier: Carrier


@dataclass(frozen=True)
class InPerson:
    pass


Method = ByPin | ByQuestion
Delivery = ByEmail | ByText | InPerson


def why_not(patient: Patient) -> str | None:
    """Why no registration may be issued for this patient; None where one may."""
    if patient.deceased:
        return "This patient is recorded as deceased. No registration can be issued."
    if not patient.active:
        return "This patient is inactive. Make the patient active in the record before you register the family."
    if not patient.given_names:
        return "No first name is recorded. Enter it in the record before you register the family."
    if patient.has_placeholder_name:
        return (
            f"“{patient.given_names}” is a placeholder. "
            "Enter the child’s real first name in the record before you register the family."
        )
    return None


def check(
    practice: Practice,
    patients: list[Patient],
    recipient: Recipient,
    method: Method,
    delivery: Delivery,
    *,
    today: date,
) -> None:
    """Raises Refused with the first reason against this registration."""
    for patient in patients:
        if reason := why_not(patient):
            raise Refused(reason)
    if recipient.contact is not None:
        _check_contact(recipient.contact, patients)
    elif recipient.is_patient:
        _check_patient(practice, patients, today=today)
    else:
        _check_somebody_else(recipient, patients)
    if isinstance(delivery, ByText) and delivery.carrier.has_ended(on=today):
        raise Refused(delivery.carrier.warning(on=today), field="carrier")
    if isinstance(method, ByQuestion) and isinstance(delivery, InPerson):
        raise Refused(
            "A verification question goes with a message: choose Email Address or Text Message.", field="delivery"
        )


def _check_contact(contact: Contact, patients: list[Patient]) -> None:
    if contact.patient_id not in {patient.pk for patient in patients} or not contact.is_current:
        raise Refused("This person is not a family contact of the patient.", field="recipient")
    if not contact.has_authority:
        raise Refused(
            f"{contact.name} may not see this record: no PIN can be issued to this contact.", field="recipient"
        )


def _check_patient(practice: Practice, patients: list[Patient], *, today: date) -> None:
    if any(each.age(on=today) < practice.age_of_majority for each in patients):
        raise Refused(f"A patient may have an own PIN from the age of {practice.age_of_majority}.", field="recipient")


def _check_somebody_else(recipient: Recipient, patients: list[Patient]) -> None:
    """A contact under another heading would have two PINs, or one that the contact's record rules out."""
    if not names.key(recipient.name):
        raise Refused("Say who receives the registration.", field="other_name")
    for contact in Contact.objects.filter(patient__in=patients):
        if names.key(contact.name) == names.key(recipient.name):
            raise Refused(_as_contact(contact), field="other_name")


def _as_contact(contact: Contact) -> str:
    if not contact.is_current:
        return (
            f"{contact.name} is no longer a family contact of this patient. If that is wrong, correct the record first."
        )
    if not contact.has_authority:
        return f"{contact.name} may not see this record: no PIN can be issued to this person."
    return f"{contact.name} is a family contact: choose this person in the list."
