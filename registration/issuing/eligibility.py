"""Rules that refuse a registration: which patients it may cover, who may receive it, and how it may be delivered."""

from datetime import date, timedelta
from typing import Final

from notifications import suppressions
from notifications.models import Channel
from patients import dates, names, same_person
from patients.models import Contact, Patient
from portal.models import Practice
from registration import pin_policy
from registration.models import PortalAccount
from registration.values import ByEmail, ByQuestion, Delivery, InPerson, Method, Proxy, Recipient, Refused, ToAccount

# After this long, staff have to review a proxy's authorization again.
MAX_PROXY_YEARS: Final = 2


def refusal_reason(patient: Patient) -> str | None:
    """Return the reason that no registration can be issued for this patient, or None if one can be."""
    if patient.deceased:
        return "This patient is recorded as deceased. No registration can be issued."
    if not patient.active:
        return "This patient is inactive. Mark the patient active in the record before you register the family."
    if not patient.given_names:
        return "This patient has no first name on record. Add it to the record before you register the family."
    if patient.has_placeholder_name:
        return (
            f"“{patient.given_names}” is a placeholder name. "
            "Enter the child’s real first name in the record before you register the family."
        )
    return None


def check_eligibility(
    practice: Practice,
    patients: list[Patient],
    recipient: Recipient,
    method: Method,
    delivery: Delivery,
    *,
    proxy: Proxy | None = None,
    today: date,
) -> None:
    """Raise Refused with the first rule that this registration breaks, if any."""
    for patient in patients:
        if reason := refusal_reason(patient):
            raise Refused(reason if len(patients) == 1 else f"{patient.name}: {reason}")
    if recipient.contact is not None:
        _check_contact(recipient.contact, patients)
    elif recipient.is_patient:
        _check_patient(practice, patients, today=today)
    else:
        _check_other_person(recipient, patients)
    if proxy is not None:
        _check_proxy(proxy, today=today)
    if isinstance(method, ByQuestion) and isinstance(delivery, InPerson):
        raise Refused(
            "A verification question must be sent in a message. Choose Email Address or Text Message.", field="delivery"
        )
    if isinstance(method, ToAccount):
        _check_account(method.account, patients, proxy=proxy)
    _check_sending(practice, patients, delivery)


def _check_contact(contact: Contact, patients: list[Patient]) -> None:
    if contact.patient_id not in {patient.pk for patient in patients} or not contact.is_current:
        raise Refused("This person is not a family contact of this patient.", field="recipient")
    known_to = {row.patient_id for row in same_person.contact_rows_for(contact) if row.is_current}
    for patient in patients:
        if patient.pk not in known_to:
            raise Refused(f"{contact.name} is not a family contact of {patient.first_name}.", field="also")


def _check_patient(practice: Practice, patients: list[Patient], *, today: date) -> None:
    minimum_age = pin_policy.own_pin_age(practice)
    if any(patient.age(on=today) < minimum_age for patient in patients):
        raise Refused(f"Patients can have their own PIN starting at age {minimum_age}.", field="recipient")
    if len(patients) > 1:
        raise Refused("Register each patient separately when the PIN is for the patient.", field="also")


def _check_other_person(recipient: Recipient, patients: list[Patient]) -> None:
    """Refuse a family contact who was entered under "Someone else".

    That contact would get a second PIN, or a PIN that the record does not allow.
    """
    if not names.key(recipient.name):
        raise Refused("Enter the recipient’s name.", field="other_name")
    for contact in Contact.objects.filter(patient__in=patients):
        if names.key(contact.name) == names.key(recipient.name):
            raise Refused(_already_a_contact(contact), field="other_name")


def _already_a_contact(contact: Contact) -> str:
    if not contact.is_current:
        return (
            f"{contact.name} is no longer a family contact of this patient. If that is wrong, correct the record first."
        )
    if not contact.has_authority:
        return f"{contact.name} is a family contact who is not authorized to see the record. Select this person in the list."
    return f"{contact.name} is a family contact. Select this person in the list."


def _check_proxy(proxy: Proxy, *, today: date) -> None:
    if not proxy.authorization.strip():
        raise Refused("Enter the authorization, for example a court order.", field="authorization")
    if proxy.ends_on <= today:
        raise Refused("The last day of access must be after today.", field="access_ends_on")
    if dates.age(today, on=proxy.ends_on - timedelta(days=1)) >= MAX_PROXY_YEARS:
        raise Refused(
            f"Proxy access can last at most {MAX_PROXY_YEARS} years. You can renew it when it ends.",
            field="access_ends_on",
        )


def _check_account(account: PortalAccount, patients: list[Patient], *, proxy: Proxy | None) -> None:
    if proxy:  # A proxy's access can be renewed before it ends.
        return
    visible = set(account.associations.live().values_list("patient", flat=True))
    if all(patient.pk in visible for patient in patients):
        raise Refused("This account can already see the record. There is nothing to add.", field="existing_account")


def _check_sending(practice: Practice, patients: list[Patient], delivery: Delivery) -> None:
    """Refuse to send to a family that declined, or to an address that opted out. Giving the PIN in person sends nothing."""
    if isinstance(delivery, InPerson):
        return
    for patient in patients:
        if patient.declines.live().exists():
            raise Refused(
                f"{patient.first_name}’s family declined the portal, so nothing can be sent to them. "
                "Choose “Do not send PIN”, or undo the decline on the account page.",
                field="delivery",
            )
    channel, address, field = (
        (Channel.EMAIL, delivery.address, "email")
        if isinstance(delivery, ByEmail)
        else (Channel.TEXT, delivery.national_number, "cell_phone")
    )
    if suppressions.is_suppressed(practice, channel, address):
        target = "email address" if channel == Channel.EMAIL else "number"
        raise Refused(
            f"This {target} has opted out of our messages. Choose another delivery method, or give the PIN in person.",
            field=field,
        )
