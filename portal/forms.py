"""What the activity page can be narrowed to."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal import audit
from portal.date_input import DayInput
from portal.form_messages import StaffForm
from portal.models import AuditEvent, Practice, User

_PARTS_OF_THE_PROGRAM: Final = (audit.WORKER.name, audit.CLOCK.name, audit.COMMAND_LINE.name)


def validate_year(value: date) -> None:
    """Days at the ends of the calendar have no next day, or no such moment in UTC."""
    if not 1970 <= value.year <= 2999:
        raise forms.ValidationError("The year is to be between 1970 and 2999.")


class ActivityForm(StaffForm):
    since = forms.DateField(label="From", required=False, validators=[validate_year], widget=DayInput)
    until = forms.DateField(label="To", required=False, validators=[validate_year], widget=DayInput)
    who = forms.ChoiceField(label="Who", required=False)
    action = forms.ChoiceField(label="What", required=False, choices=[("", "Everything"), *AuditEvent.Action.choices])
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
            ("", "Everybody"),
            *((str(person.pk), str(person)) for person in people),
            *((name, name.capitalize()) for name in (*_PARTS_OF_THE_PROGRAM, audit.ANONYMOUS_FAMILY)),
        ]

    def clean(self) -> dict[str, Any]:
        if self.errors.pop("patient", None):  # a field that nobody sees: the page tells it, not the field
            raise forms.ValidationError("This link does not name a patient.")
        return self.cleaned_data

    def filtered(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """The events that are asked for; all of them where the form is empty, none where it cannot be read."""
        if not self.is_bound:
            return events
        if not self.is_valid():
            return events.none()
        wanted = self.cleaned_data
        if since := wanted["since"]:
            events = events.filter(at__gte=datetime.combine(since, time(), self.practice.zone))
        if until := wanted["until"]:
            events = events.filter(at__lt=datetime.combine(until + timedelta(days=1), time(), self.practice.zone))
        if who := wanted["who"]:
            events = events.filter(actor=who) if who.isdecimal() else events.filter(actor=None, actor_name=who)
        if action := wanted["action"]:
            events = events.filter(action=action)
        if patient := wanted["patient"]:
            events = events.filter(patient_id=patient)
        return events
