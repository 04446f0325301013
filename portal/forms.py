"""What the activity page can be narrowed to."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.models import AuditEvent, Practice


class ActivityForm(forms.Form):
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    who = forms.CharField(label="Who", required=False, max_length=254)
    action = forms.ChoiceField(label="What", required=False, choices=[("", "Everything"), *AuditEvent.Action.choices])
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, practice: Practice, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = practice

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
        if who := wanted["who"].strip().lower():
            events = events.filter(actor_name=who)
        if action := wanted["action"]:
            events = events.filter(action=action)
        if patient := wanted["patient"]:
            events = events.filter(patient_id=patient)
        return events
