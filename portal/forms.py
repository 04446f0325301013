"""The filters of the activity page."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal import audit
from portal.date_input import DayInput
from portal.form_messages import StaffForm
from portal.models import AuditEvent, Practice, User

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999


def validate_year(value: date) -> None:
    """Reject a date if it has no next day, or if it is too early or too late to be converted to UTC."""
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise forms.ValidationError(f"Enter a year from {_FIRST_YEAR} to {_LAST_YEAR}.")


class ActivityForm(StaffForm):
    since = forms.DateField(label="From", required=False, validators=[validate_year], widget=DayInput)
    until = forms.DateField(label="To", required=False, validators=[validate_year], widget=DayInput)
    who = forms.ChoiceField(label="Who", required=False)
    action = forms.ChoiceField(label="What", required=False, choices=[("", "All activity"), *AuditEvent.Action.choices])
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, practice: Practice, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = practice
        who = self.fields["who"]
        assert isinstance(who, forms.ChoiceField)
        acted = AuditEvent.objects.filter(practice=practice, actor=OuterRef("pk"))
        people = (
            User.objects.filter(Q(memberships__practice=practice) | Exists(acted)).distinct().order_by("name", "email")
        )
        who.choices = [
            ("", "Everyone"),
            *((str(person.pk), str(person)) for person in people),
            *audit.ACTOR_LABELS.items(),
        ]

    def clean(self) -> dict[str, Any]:
        if self.errors.pop("patient", None):  # a hidden field, so the error is shown for the whole form
            raise forms.ValidationError(
                "This link doesn’t match a patient. Open the activity page from the patient’s account."
            )
        return self.cleaned_data

    def filtered(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Return the matching events: all events if nothing was submitted, none if the form is invalid."""
        if not self.is_bound:
            return events
        if not self.is_valid():
            return events.none()
        filters = self.cleaned_data
        if since := filters["since"]:
            events = events.filter(at__gte=datetime.combine(since, time(), self.practice.zone))
        if until := filters["until"]:
            events = events.filter(at__lt=datetime.combine(until + timedelta(days=1), time(), self.practice.zone))
        if who := filters["who"]:
            events = events.filter(actor=who) if who.isdecimal() else events.filter(actor=None, actor_name=who)
        if action := filters["action"]:
            events = events.filter(action=action)
        if patient := filters["patient"]:
            events = events.filter(patient_id=patient)
        return events
