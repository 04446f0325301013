"""The Patient Registration window: the shape of what is typed. What may be issued is for `registration.rules` to say."""

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils import timezone
from email_validator import EmailNotValidError, validate_email

from notifications.models import Carrier
from patients import names
from patients.keys import email_key, phone_key
from patients.models import Contact, Patient
from portal import phones
from portal.models import Practice
from registration.desk.fields import CarrierField, RecipientChoice
from registration.models import Registration, VerificationQuestion
from registration.rules import (
    ByEmail,
    ByPin,
    ByQuestion,
    ByText,
    Delivery,
    InPerson,
    Method,
    Recipient,
)

PATIENT: Final = "patient"
OTHER: Final = "other"


class RegistrationForm(forms.Form):
    method = forms.ChoiceField(
        label="Register Patient with",
        choices=Registration.Method.choices,
        initial=Registration.Method.PIN,
        widget=forms.RadioSelect,
    )
    question = forms.ModelChoiceField(
        queryset=VerificationQuestion.objects.none(), label="Question", required=False, empty_label="Choose a question"
    )
    answer = forms.CharField(
        label="Answer",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="As the family tells it. Capitals, accents and spaces will not matter.",
    )
    recipient = forms.ChoiceField(
        label="For whom", widget=forms.RadioSelect, error_messages={"required": "Choose who receives the registration."}
    )
    other_name = forms.CharField(label="Name", required=False, max_length=200)
    other_relationship = forms.CharField(label="Relationship to the patient", required=False, max_length=80)
    delivery = forms.ChoiceField(
        label="Send to",
        choices=Registration.Delivery.choices,
        initial=Registration.Delivery.EMAIL,
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
    print_pin = forms.BooleanField(label="Print PIN", required=False, help_text="A paper copy for the family.")
    window = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, practice: Practice, patient: Patient, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = practice
        self.patient = patient
        self.today = timezone.localdate()
        self.contacts = list(patient.contacts.current())
        questions = practice.verification_questions.filter(active=True)
        self._field("question", forms.ModelChoiceField).queryset = questions
        if not questions:  # a practice without a list of questions registers by PIN alone
            self._field("method", forms.ChoiceField).choices = Registration.Method.choices[:1]
        self._field("recipient", forms.ChoiceField).choices = list(self._recipients())
        self.asks_whether_shared = False
        self.initial = self._prefilled()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("method") == Registration.Method.QUESTION:
            self._require("question", "Choose a question.")
            if self._require("answer", "Type the answer that the family gives.") and not names.key(cleaned["answer"]):
                self.add_error("answer", "The answer needs at least one letter or digit.")
        if cleaned.get("recipient") == OTHER:
            self._require("other_name", "Type the name of the person who receives it.")
        match cleaned.get("delivery"):
            case Registration.Delivery.EMAIL:
                self._clean_email()
            case Registration.Delivery.TEXT:
                self._clean_text()
        return cleaned

    # --- What a valid form asks for ---

    @property
    def chosen_method(self) -> Method:
        if self.cleaned_data["method"] == Registration.Method.PIN:
            return ByPin()
        return ByQuestion(self.cleaned_data["question"].text, self.cleaned_data["answer"])

    @property
    def chosen_recipient(self) -> Recipient:
        choice = self.cleaned_data["recipient"]
        if choice == PATIENT:
            return Recipient(
                name=f"{self.patient.given_names} {self.patient.family_name}".strip(),
                relationship="Self",
                is_patient=True,
            )
        if choice == OTHER:
            return Recipient(name=self.cleaned_data["other_name"], relationship=self.cleaned_data["other_relationship"])
        contact = self._contact(choice)
        assert contact is not None, "a valid form names one of its choices"
        return Recipient(name=contact.name, relationship=contact.relationship, contact=contact)

    @property
    def chosen_delivery(self) -> Delivery:
        match self.cleaned_data["delivery"]:
            case Registration.Delivery.EMAIL:
                return ByEmail(self.cleaned_data["email"])
            case Registration.Delivery.TEXT:
                return ByText(self.cleaned_data["cell_phone"], self.cleaned_data["carrier"])
            case _:
                return InPerson()

    @property
    def recipient_choices(self) -> list[RecipientChoice]:
        """The radio buttons of “For whom”, each with the contact that it stands for."""
        choices = [RecipientChoice(radio, self._contact(str(radio.data["value"]))) for radio in self["recipient"]]
        for choice in choices:
            if choice.contact and not choice.contact.has_authority:
                choice.radio.data["attrs"]["disabled"] = True
        return choices

    @property
    def contacts_data(self) -> dict[str, dict[str, str]]:
        """What the page fills in when a contact is chosen."""
        data = {str(each.pk): {"email": each.email, "phone": _shown(each.phone)} for each in self.contacts}
        return data | {PATIENT: {"email": self.patient.email, "phone": _shown(self.patient.phone)}}

    @property
    def may_be_patient(self) -> bool:
        return self.patient.age(on=self.today) >= self.practice.age_of_majority

    # --- How it is done ---

    def _recipients(self) -> Iterable[tuple[str, str]]:
        if self.may_be_patient:
            yield PATIENT, "The patient"
        for contact in self.contacts:
            yield str(contact.pk), " · ".join(filter(None, [contact.name, contact.relationship]))
        yield OTHER, "Somebody else"

    def _contact(self, key: str) -> Contact | None:
        return next((each for each in self.contacts if str(each.pk) == key), None)

    def _prefilled(self) -> dict[str, Any]:
        """The patient who is of age, otherwise the first contact who may have a PIN, with what is on record."""
        first = next((each for each in self.contacts if each.has_authority), None)
        chosen: Contact | Patient | None = self.patient if self.may_be_patient else first
        return {
            "window": uuid.uuid4(),
            "recipient": PATIENT if self.may_be_patient else str(first.pk) if first else OTHER,
            "email": chosen.email if chosen else "",
            "cell_phone": _shown(chosen.phone) if chosen else "",
        }

    def _field(self, name: str, kind: type[Any]) -> Any:
        field = self.fields[name]
        assert isinstance(field, kind)
        return field

    def _require(self, name: str, message: str) -> bool:
        if name in self.errors:
            return False
        if not self.cleaned_data.get(name):
            self.add_error(name, message)
            return False
        return True

    def _clean_email(self) -> None:
        if not self._require("email", "Type the e-mail address, or choose another way."):
            return
        try:
            valid = validate_email(self.cleaned_data["email"], check_deliverability=settings.CHECK_EMAIL_DELIVERABILITY)
        except EmailNotValidError as error:
            self.add_error("email", f"This address cannot be right. {error}")
            return
        self.cleaned_data["email"] = valid.normalized
        self._check_not_anothers("email", email_key(valid.normalized))

    def _clean_text(self) -> None:
        if self._require("cell_phone", "Type the cell phone number."):
            try:
                number = phones.read_national(self.cleaned_data["cell_phone"])
            except ValueError as error:
                self.add_error("cell_phone", str(error))
            else:
                self.cleaned_data["cell_phone"] = number
                self._check_not_anothers("cell_phone", phone_key(number))
        if self._require("carrier", "Choose the family’s cell carrier."):
            carrier: Carrier = self.cleaned_data["carrier"]
            if carrier.has_ended(on=self.today):
                self.add_error("carrier", carrier.warning(on=self.today))

    def _check_not_anothers(self, field: str, key: str) -> None:
        """A PIN for one parent must not go to the other one because the address of the first was left in the field."""
        people: dict[str, Contact | Patient] = {str(each.pk): each for each in self.contacts}
        if self.may_be_patient:
            people[PATIENT] = self.patient
        owners = {choice: each for choice, each in people.items() if key in {each.email_key, each.phone_key}}
        is_anothers = owners and self.cleaned_data.get("recipient") not in owners
        if is_anothers and not self.cleaned_data.get("shared_address"):
            self.asks_whether_shared = True
            owner = "the patient" if PATIENT in owners else next(iter(owners.values())).name
            self.add_error(
                field,
                f"This belongs to {owner}, who is not the one you chose. "
                "Check “For whom”, or say below that they share it.",
            )


def _shown(phone: str) -> str:
    return phones.national(phone) if phone else ""


class RevokeForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Type a reason. Your manager sees it."},
        help_text="For example: sent to a wrong address.",
    )
