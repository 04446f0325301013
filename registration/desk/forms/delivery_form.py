"""The delivery part of the Patient Registration window: by email, by text message or in person."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from email_validator import EmailNotValidError, validate_email

from notifications.models import Carrier
from patients import names
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from portal import phones
from portal.form_messages import StaffForm
from portal.models import Practice
from registration import pin_policy
from registration.desk.forms.fields import OTHER, PATIENT, CarrierField
from registration.models import Registration
from registration.values import ByEmail, ByText, Delivery, InPerson

DeliveryMethod = Registration.Delivery


def format_duration(duration: timedelta) -> str:
    """Format a duration in the largest unit that is exact.

    >>> [format_duration(timedelta(hours=hours)) for hours in (168, 24, 36, 1 / 6)]
    ['7 days', '24 hours', '36 hours', '10 minutes']
    """
    minutes = round(duration.total_seconds() / 60)
    if minutes % (24 * 60) == 0 and minutes > 24 * 60:
        return f"{minutes // (24 * 60)} days"
    if minutes % 60 == 0:
        hours = minutes // 60
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{minutes} minutes"


class DeliveryForm(StaffForm):
    delivery = forms.ChoiceField(
        label="Send to",
        choices=DeliveryMethod.choices,
        initial=DeliveryMethod.EMAIL,
        widget=forms.RadioSelect,
        error_messages={"required": "Select how to send it."},
    )
    email = forms.CharField(
        label="Email Address", required=False, max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    cell_phone = forms.CharField(
        label="Cell phone number",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    carrier = CarrierField(
        queryset=Carrier.objects.all(), label="Cell Carrier", required=False, empty_label="Select a carrier"
    )
    shared_address = forms.BooleanField(
        label="They share this address or number", required=False, help_text="Both can read messages sent there."
    )
    risk_acknowledged = forms.BooleanField(
        label="The family understands that email and texts aren’t private, and agrees to use them",
        required=False,
    )

    def __init__(self, *args: Any, practice: Practice, patient: Patient, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = practice
        self.patient = patient
        self.today = timezone.localdate()
        self.contacts = list(patient.contacts.current())
        self.asks_whether_shared = False

    @property
    def validity_note(self) -> str:
        """Return how long a PIN or link is valid with each delivery method, as the practice has set."""
        validity = pin_policy.pin_validity(self.practice)
        by_email = format_duration(validity[DeliveryMethod.EMAIL])
        if len(set(validity.values())) == 1:
            return f"Valid for {by_email}, no matter how it’s sent."
        by_text, in_person = (format_duration(validity[name]) for name in (DeliveryMethod.TEXT, DeliveryMethod.NONE))
        return f"Valid for {by_email} by email, {by_text} by text message, {in_person} in person."

    @property
    def may_be_patient(self) -> bool:
        return self.patient.age(on=self.today) >= pin_policy.own_pin_age(self.practice)

    @property
    def chosen_delivery(self) -> Delivery:
        match self.cleaned_data["delivery"]:
            case DeliveryMethod.EMAIL:
                return ByEmail(self.cleaned_data["email"])
            case DeliveryMethod.TEXT:
                return ByText(self.cleaned_data["cell_phone"], self.cleaned_data["carrier"])
            case _:
                return InPerson()

    def person(self, choice: str) -> Contact | Patient | None:
        """Return the person that the chosen recipient stands for, or None for "Someone else"."""
        if choice == PATIENT:
            return self.patient
        return next((contact for contact in self.contacts if str(contact.pk) == choice), None)

    # --- Validation ---

    def require(self, name: str, message: str) -> bool:
        """Return True if the field has a valid value. If the field is empty, add the message as the field's error."""
        if name in self.errors:
            return False
        if not self.cleaned_data.get(name):
            self.add_error(name, message)
            return False
        return True

    def clean_address(self) -> None:
        """Normalize the email address into the form that mail servers accept."""
        if not self.require("email", "Enter the email address or choose another delivery method."):
            return
        try:
            valid = validate_email(self.cleaned_data["email"], check_deliverability=settings.CHECK_EMAIL_DELIVERABILITY)
        except EmailNotValidError as error:
            self.add_error("email", f"This email address is not valid. {error}")
            return
        self.cleaned_data["email"] = valid.normalized
        self._check_owner("email", email_key(valid.normalized))

    def clean_number(self) -> None:
        """Reduce the US phone number to its ten digits, and require a carrier."""
        if self.require("cell_phone", "Enter the cell phone number."):
            try:
                number = phones.read_national(self.cleaned_data["cell_phone"])
            except ValueError as error:
                self.add_error("cell_phone", str(error))
            else:
                self.cleaned_data["cell_phone"] = number
                self._check_owner("cell_phone", phone_key(number))
        self.require("carrier", "Select the family’s cell carrier.")

    def _check_owner(self, field: str, key: str) -> None:
        """Refuse an address that belongs to someone else, unless that person and the recipient share the address.

        Otherwise one parent's PIN could go to the other parent because the wrong address was left in the field.
        """
        chosen = self.cleaned_data.get("recipient")
        if chosen == PATIENT:
            return  # for an adult patient, issuing.safety_checks warns about a parent's address
        people: dict[str, Contact | Patient] = {str(contact.pk): contact for contact in self.contacts}
        if self.may_be_patient:
            people[PATIENT] = self.patient
        owners = {choice: person for choice, person in people.items() if key in {person.email_key, person.phone_key}}
        typed_name = names.key(self.cleaned_data.get("other_name") or "") if chosen == OTHER else ""
        if typed_name in {names.key(owner.name) for owner in owners.values()}:
            return  # issuing.eligibility refuses a contact who was entered as "Someone else"
        if owners and chosen not in owners and not self.cleaned_data.get("shared_address"):
            self.asks_whether_shared = True
            owner = "the patient" if PATIENT in owners else next(iter(owners.values())).name
            self.add_error(
                field,
                f"This belongs to {owner}, not the person you selected. "
                "Check the recipient, or check the box below if they share it.",
            )
