"""What the desk is asked before it changes who has access: the shape of it. What may be done is for the use cases to say."""

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
        error_messages={"required": "Type a reason. Your manager sees it."},
        help_text=help_text,
    )


def _day(*, label: str, help_text: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=DayInput(attrs={"autocomplete": "off"}),
        help_text=help_text,
        error_messages={"invalid": "This does not read as a date. Type it as 12/31/2026."},
    )


class RemoveForm(StaffForm):
    reason = _reason(help_text="For example: the parents’ agreement changed.")
    on = _day(label="Last day of access", help_text="Leave it empty to end access at once.")


class RestoreForm(StaffForm):
    reason = _reason(help_text="For example: removed by mistake.")


class ResetForm(StaffForm):
    identified_by = forms.ChoiceField(
        label="How did you know who asks?",
        choices=Identification.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how you knew who asks."},
    )

    def __init__(self, *args: Any, practice: Practice, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial = {"identified_by": practice.usual_identification}


class DeclineForm(StaffForm):
    reason = _reason(help_text="As the family put it. For example: prefers the phone.")
    ask_again_on = _day(label="Ask again on", help_text="Leave it empty if the family does not want to be asked again.")

    def clean_ask_again_on(self) -> date | None:
        day: date | None = self.cleaned_data["ask_again_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError("Choose a day to come.")
        return day
