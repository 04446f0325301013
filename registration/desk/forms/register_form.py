"""The form of the Patient Registration window. `issuing.eligibility` decides whether the registration may be issued."""

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings

from patients import names, same_person
from patients.models import Contact, Patient
from portal import phones
from portal.form_messages import StaffForm
from portal.models import Practice
from portal.text_fields import LineField
from registration.communications import languages
from registration.desk.forms.delivery_form import DeliveryMethod
from registration.desk.forms.existing_account_form import ExistingAccountForm
from registration.desk.forms.fields import OTHER, PATIENT, RecipientChoice, SiblingChoice
from registration.desk.forms.safety_checks_form import SafetyChecksForm
from registration.models import Identification, Registration, VerificationQuestion
from registration.values import ByPin, ByQuestion, Method, Proxy, Recipient, ToAccount

_METHODS = [(method.value, method.label) for method in (Registration.Method.PIN, Registration.Method.QUESTION)]


class RegistrationForm(SafetyChecksForm, ExistingAccountForm):
    method = forms.ChoiceField(
        label="Register Patient with",
        choices=_METHODS,
        initial=Registration.Method.PIN,
        widget=forms.RadioSelect,
    )
    question = forms.ModelChoiceField(
        queryset=VerificationQuestion.objects.none(), label="Question", required=False, empty_label="Select a question"
    )
    answer = LineField(
        label="Answer",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="In the family’s words. Capitalization, accents and spaces do not matter.",
    )
    recipient = forms.ChoiceField(
        label="Recipient", widget=forms.RadioSelect, error_messages={"required": "Select the recipient."}
    )
    other_name = LineField(label="Name", required=False, max_length=200)
    other_relationship = LineField(label="Relationship to the patient", required=False, max_length=80)
    also = forms.MultipleChoiceField(label="Also for", required=False, widget=forms.CheckboxSelectMultiple)
    identified_by = forms.ChoiceField(
        label="How did you verify identity?",
        choices=[("", "Select one"), *Identification.choices],
        error_messages={"required": "Select how you verified identity."},
    )
    language = forms.ChoiceField(label="Language of the message", choices=settings.LANGUAGES)
    print_pin = forms.BooleanField(label="Print PIN: a paper copy for the family", required=False)
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    field_order: Iterable[str] | None = (
        *("existing_account", "method", "question", "answer", "recipient", "other_name", "other_relationship", "also"),
        *(
            "delivery",
            "email",
            "cell_phone",
            "carrier",
            "shared_address",
            "risk_acknowledged",
            "identified_by",
            "language",
        ),
    )

    def __init__(self, *args: Any, practice: Practice, patient: Patient, **options: Any) -> None:
        super().__init__(*args, practice=practice, patient=patient, **options)
        self.siblings = same_person.siblings_of(patient)
        questions = practice.verification_questions.filter(active=True)
        self._field("question", forms.ModelChoiceField).queryset = questions
        if not questions:  # a practice without a list of questions registers by PIN alone
            self._field("method", forms.ChoiceField).choices = _METHODS[:1]
        self._field("recipient", forms.ChoiceField).choices = list(self._recipients())
        also = [(str(sibling.patient.pk), sibling.patient.name) for sibling in self.siblings]
        self._field("also", forms.MultipleChoiceField).choices = also
        self.initial = self._prefilled()
        self.find_account(str(self.initial.get("email", "")))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("recipient") == OTHER:
            self.require("other_name", "Enter the recipient’s name.")
        self._clean_siblings()
        if cleaned.get("delivery") == DeliveryMethod.EMAIL:
            self.clean_address()
        self.clean_account()
        if not self.adds_to_account:
            self._clean_question()
            if cleaned.get("delivery") == DeliveryMethod.TEXT:
                self.clean_number()
        if cleaned.get("delivery") in {DeliveryMethod.EMAIL, DeliveryMethod.TEXT}:
            self.require("risk_acknowledged", "Explain the risk and check this box, or choose “Do not send PIN”.")
        return cleaned

    # --- What a valid form asks to issue ---

    @property
    def chosen_patients(self) -> list[Patient]:
        also = set(self.cleaned_data.get("also", []))
        return [self.patient, *(sibling.patient for sibling in self.siblings if str(sibling.patient.pk) in also)]

    @property
    def chosen_method(self) -> Method:
        if self.account and self.adds_to_account:
            return ToAccount(self.account)
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
        contact = self.person(choice)
        assert isinstance(contact, Contact), "a valid form names one of its choices"
        return Recipient(name=contact.name, relationship=contact.relationship, contact=contact)

    @property
    def chosen_language(self) -> str:
        """Return the account's language if there is an account, because the owner chose that language."""
        return self.account.language if self.account and self.adds_to_account else self.cleaned_data["language"]

    @property
    def chosen_proxy(self) -> Proxy | None:
        return None

    # --- What the page shows ---

    @property
    def recipient_choices(self) -> list[RecipientChoice]:
        """Return the radio buttons for the recipient, each with the family contact that it stands for."""
        contacts = {str(contact.pk): contact for contact in self.contacts}
        return [RecipientChoice(radio, contacts.get(str(radio.data["value"]))) for radio in self["recipient"]]

    @property
    def sibling_choices(self) -> list[SiblingChoice]:
        return [
            SiblingChoice(
                checkbox, sibling, [contact for contact in self.contacts if contact.pk in sibling.shared_with]
            )
            for checkbox, sibling in zip(self["also"], self.siblings, strict=True)
        ]

    @property
    def contacts_data(self) -> dict[str, dict[str, str | bool]]:
        """Return the values that the page fills in when a recipient is chosen."""
        informed = self._informed_recipients()
        people: dict[str, Contact | Patient] = {str(contact.pk): contact for contact in self.contacts}
        people[PATIENT] = self.patient
        return {
            choice: {"email": person.email, "phone": _shown(person.phone), "informed": _name_key(person) in informed}
            for choice, person in people.items()
        }

    # --- Setup and validation ---

    def _recipients(self) -> Iterable[tuple[str, str]]:
        if self.may_be_patient:
            yield PATIENT, "The patient"
        for contact in self.contacts:
            yield str(contact.pk), " · ".join(filter(None, [contact.name, contact.relationship]))
        yield OTHER, "Someone else"

    def _prefilled(self) -> dict[str, Any]:
        """Preselect a patient who is of age, otherwise the first authorized contact, and fill in the address on record."""
        first = next((contact for contact in self.contacts if contact.has_authority), None)
        chosen: Contact | Patient | None = self.patient if self.may_be_patient else first
        return {
            "form_token": uuid.uuid4(),
            "recipient": PATIENT if self.may_be_patient else str(first.pk) if first else OTHER,
            "email": chosen.email if chosen else "",
            "cell_phone": _shown(chosen.phone) if chosen else "",
            "risk_acknowledged": bool(chosen and _name_key(chosen) in self._informed_recipients()),
            "identified_by": self.practice.usual_identification,
            "language": languages.best_match(self.patient.language),
        }

    def _informed_recipients(self) -> set[str]:
        """Return the names of the people who acknowledged the risk in an earlier registration for this patient."""
        informed = self.patient.registrations.filter(risk_acknowledged=True).values_list("recipient_name", flat=True)
        return {names.key(name) for name in informed}

    def _field(self, name: str, kind: type[Any]) -> Any:
        field = self.fields[name]
        assert isinstance(field, kind)
        return field

    def _clean_question(self) -> None:
        if self.cleaned_data.get("method") != Registration.Method.QUESTION:
            return
        self.require("question", "Select a question.")
        if self.require("answer", "Enter the family’s answer.") and not names.key(self.cleaned_data["answer"]):
            self.add_error("answer", "Enter an answer with at least one letter or digit.")

    def _clean_siblings(self) -> None:
        """Require that the recipient is a contact of every child, because all the children share one PIN."""
        recipient, also = self.cleaned_data.get("recipient"), self.cleaned_data.get("also") or []
        for sibling in self.siblings:
            if str(sibling.patient.pk) in also and recipient not in {str(key) for key in sibling.shared_with}:
                self.add_error("also", f"{sibling.patient.first_name} does not have this contact.")


def _name_key(person: Contact | Patient) -> str:
    name = person.name if isinstance(person, Contact) else f"{person.given_names} {person.family_name}"
    return names.key(name)


def _shown(phone: str) -> str:
    return phones.national(phone) if phone else ""


class RevokeForm(StaffForm):
    reason = LineField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Enter a reason. Your manager can see it."},
        help_text="For example: sent to the wrong address.",
    )
