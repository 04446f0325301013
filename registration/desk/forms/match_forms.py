"""Merge Match: the shape of what the desk chooses and types. What may be matched is for `registration.matching` to say."""

from typing import Any, Final

from django import forms

from patients import names
from patients.forms import BirthDateField
from portal.form_messages import StaffForm
from portal.text_fields import LineField, TextField
from registration.desk.forms.safety_checks_form import SafetyChecksForm
from registration.models import AccessLevel

OWN: Final = "own"
# What a desk asks most; the family reads it as it stands.
READY: Final = [
    (
        "spelling",
        "Please check the spelling of the name and the date of birth. Is there another name that we may have on record?",
    ),
    (
        "call",
        "We could not find your child with these details. Please call us, or come by with a photo ID, so that we can help.",
    ),
]


class MatchForm(SafetyChecksForm):
    patient = forms.UUIDField(widget=forms.HiddenInput)
    level = forms.ChoiceField(
        label="Access level", choices=AccessLevel.choices, initial=AccessLevel.FULL, widget=forms.RadioSelect
    )
    reason = LineField(
        label="Reason",
        max_length=200,
        required=False,
        help_text="For example: rang the mother on the number on record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RefuseForm(StaffForm):
    reason = LineField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Type a reason. Your manager sees it, the family does not."},
        help_text="For example: nobody of that name and date of birth. The family does not see it.",
    )


class AskForm(StaffForm):
    ready = forms.ChoiceField(
        label="Question",
        choices=[*READY, (OWN, "A question of your own")],
        initial=READY[0][0],
        widget=forms.RadioSelect,
    )
    question = TextField(
        label="Your own question",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Tell nothing of what is on record: whoever asks may be a stranger.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("ready") == OWN and not cleaned.get("question") and "question" not in self.errors:
            self.add_error("question", "Type what the family is asked.")
        return cleaned

    @property
    def chosen(self) -> str:
        return dict(READY).get(self.cleaned_data["ready"]) or self.cleaned_data["question"]


class SearchForm(StaffForm):
    """For somebody else than the candidates."""

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
                self.add_error(name, "Type at least one letter.")
        if not any(cleaned.values()) and not self.errors:
            raise forms.ValidationError("Type a name or a date of birth to search for.")
        return cleaned
