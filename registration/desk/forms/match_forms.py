"""The forms of the Merge Match pages. `registration.matching` decides what may be matched."""

from typing import Any, Final

from django import forms

from patients import names
from patients.forms import BirthDateField
from portal.form_messages import StaffForm
from portal.text_fields import LineField, TextField
from registration.desk.forms.safety_checks_form import SafetyChecksForm
from registration.models import AccessLevel

OWN: Final = "own"
# The questions that staff ask most. The family sees the text exactly as it is here.
READY: Final = [
    (
        "spelling",
        "Please check the spelling of the name and the date of birth. Could we have your child under another name?",
    ),
    (
        "call",
        "We could not find your child with these details. Please call us, or stop by with a photo ID, so we can help.",
    ),
]


class MatchForm(SafetyChecksForm):
    patient = forms.UUIDField(widget=forms.HiddenInput)
    level = forms.ChoiceField(
        label="Access Level",
        choices=AccessLevel.choices,
        initial=AccessLevel.FULL,
        widget=forms.RadioSelect,
        error_messages={"required": "Select an access level.", "invalid_choice": "Select Full or Limited."},
    )
    reason = LineField(
        label="Reason",
        max_length=200,
        required=False,
        help_text="For example: called the mother at the number on record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def require_reason(self) -> None:
        self.add_error("reason", "Explain why this is the right patient.")


class RefuseForm(StaffForm):
    reason = LineField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Enter a reason."},
        help_text="For example: no patient with this name and date of birth. Your manager can see it; the family cannot.",
    )


class AskForm(StaffForm):
    ready = forms.ChoiceField(
        label="Question",
        choices=[*READY, (OWN, "Write your own question")],
        initial=READY[0][0],
        widget=forms.RadioSelect,
        error_messages={"required": "Select a question.", "invalid_choice": "Select a question from the list."},
    )
    question = TextField(
        label="Your question",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Don’t reveal anything on record; the requester may be a stranger.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("ready") == OWN and not cleaned.get("question") and "question" not in self.errors:
            self.add_error("question", "Enter your question.")
        return cleaned

    @property
    def chosen(self) -> str:
        return dict(READY).get(self.cleaned_data["ready"]) or self.cleaned_data["question"]


class SearchForm(StaffForm):
    """Search for a patient who is not among the candidates."""

    last_name = forms.CharField(label="Last name", max_length=120, required=False)
    first_name = forms.CharField(label="First name", max_length=120, required=False)
    date_of_birth = BirthDateField(label="Date of birth", max_length=40, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        self.fields["date_of_birth"].widget.attrs["placeholder"] = "m/d/yyyy"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("last_name", "first_name"):
            if cleaned.get(name) and not names.key(cleaned[name]):
                self.add_error(name, "Enter at least one letter.")
        if not any(cleaned.values()) and not self.errors:
            raise forms.ValidationError("Enter a name or a date of birth.")
        return cleaned
