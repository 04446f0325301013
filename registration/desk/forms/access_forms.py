"""Forms that change access and record declines. The functions they call decide whether a change is allowed."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from portal.date_input import DayInput
from portal.form_messages import StaffForm
from portal.models import Practice
from portal.text_fields import LineField
from registration.models import Identification


def _reason(*, help_text: str) -> LineField:
    return LineField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Enter a reason. Your manager can see it."},
        help_text=help_text,
    )


def _day(*, label: str, help_text: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=DayInput(attrs={"autocomplete": "off"}),
        help_text=help_text,
        error_messages={"invalid": "Enter a date like 12/31/2026."},
    )


class RemoveForm(StaffForm):
    reason = _reason(help_text="For example: custody agreement changed.")
    on = _day(label="Last day of access", help_text="Leave blank to end access right away.")


class RestoreForm(StaffForm):
    reason = _reason(help_text="For example: removed by mistake.")


class ResetForm(StaffForm):
    identified_by = forms.ChoiceField(
        label="How did you verify the caller’s identity?",
        choices=Identification.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Select how you verified the caller’s identity."},
    )

    def __init__(self, *args: Any, practice: Practice, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial = {"identified_by": practice.usual_identification}


class DeclineForm(StaffForm):
    reason = _reason(help_text="What the family said. For example: prefers to call.")
    ask_again_on = _day(label="Ask again on", help_text="Leave blank if the family does not want to be asked again.")

    def clean_ask_again_on(self) -> date | None:
        day: date | None = self.cleaned_data["ask_again_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError("Choose a future date.")
        return day
