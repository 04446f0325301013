"""The part of the Patient Registration window that says where the registration is sent."""

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


def in_words(time: timedelta) -> str:
    """In the largest unit that says it exactly.

    >>> in_words(timedelta(days=7)), in_words(timedelta(days=1)), in_words(timedelta(hours=36)), in_words(timedelta(minutes=10))
    ('7 days', '24 hours', '36 hours', '10 minutes')
    """
    minutes = round(time.total_seconds() / 60)
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
        queryset=Carrier.objects.all(), label="Cell Carrier", required=False, empty_label="Choose a carrier"
    )
    shared_address = forms.BooleanField(
        label="They share this address or number", required=False, help_text="Both may read what is sent there."
    )
    risk_acknowledged = forms.BooleanField(
        label="They know that others may be able to read plain e-mail and texts, and prefer it", required=False
    )

    def __init__(self, *args: Any, practice: Practice, patient: Patient, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = practice
        self.patient = patient
        self.today = timezone.localdate()
        self.contacts = list(patient.contacts.current())
        self.asks_whether_shared = False

    @property
    def good_for(self) -> str:
        """How long what is issued may be claimed, by each way; the practice's settings say it."""
        by_way = pin_policy.pin_validity(self.practice)
        told = {
            DeliveryMethod.EMAIL: "sent by e-mail",
            DeliveryMethod.TEXT: "by text",
            DeliveryMethod.NONE: "told in person",
        }
        if len(set(by_way.values())) == 1:
            return f"It can be used for {in_words(by_way[DeliveryMethod.EMAIL])}, however it is sent."
        ways = ", ".join(f"{in_words(by_way[way])} {words}" for way, words in told.items())
        return f"It can be used for {ways}."

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
        """Who stands behind a choice of “For whom”; None for somebody else."""
        if choice == PATIENT:
            return self.patient
        return next((each for each in self.contacts if str(each.pk) == choice), None)

    # --- How it is done ---

    def require(self, name: str, message: str) -> bool:
        if name in self.errors:
            return False
        if not self.cleaned_data.get(name):
            self.add_error(name, message)
            return False
        return True

    def clean_address(self) -> None:
        """The e-mail address in the form in which mail servers take it."""
        if not self.require("email", "Type the e-mail address, or choose another way."):
            return
        try:
            valid = validate_email(self.cleaned_data["email"], check_deliverability=settings.CHECK_EMAIL_DELIVERABILITY)
        except EmailNotValidError as error:
            self.add_error("email", f"This address cannot be right. {error}")
            return
        self.cleaned_data["email"] = valid.normalized
        self._check_not_anothers("email", email_key(valid.normalized))

    def clean_number(self) -> None:
        """The ten digits of a number of the United States, and the carrier through which they are reached."""
        if self.require("cell_phone", "Type the cell phone number."):
            try:
                number = phones.read_national(self.cleaned_data["cell_phone"])
            except ValueError as error:
                self.add_error("cell_phone", str(error))
            else:
                self.cleaned_data["cell_phone"] = number
                self._check_not_anothers("cell_phone", phone_key(number))
        self.require("carrier", "Choose the family’s cell carrier.")

    def _check_not_anothers(self, field: str, key: str) -> None:
        """A PIN for one parent must not go to the other one because the address of the first was left in the field."""
        chosen = self.cleaned_data.get("recipient")
        if chosen == PATIENT:
            return  # a parent's address for a patient of age is a matter of registration.safety_warnings
        people: dict[str, Contact | Patient] = {str(each.pk): each for each in self.contacts}
        if self.may_be_patient:
            people[PATIENT] = self.patient
        owners = {choice: each for choice, each in people.items() if key in {each.email_key, each.phone_key}}
        named = names.key(self.cleaned_data.get("other_name") or "") if chosen == OTHER else ""
        if named in {names.key(each.name) for each in owners.values()}:
            return  # somebody else who is not: registration.rules says so
        if owners and chosen not in owners and not self.cleaned_data.get("shared_address"):
            self.asks_whether_shared = True
            owner = "the patient" if PATIENT in owners else next(iter(owners.values())).name
            self.add_error(
                field,
                f"This belongs to {owner}, who is not the one you chose. "
                "Check “For whom”, or say below that they share it.",
            )
