"""The Search Patients panel."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.utils import timezone

from patients import dates, names
from patients.models import PortalStatus
from patients.search import PatientQuery
from portal.form_messages import StaffForm
from portal.models import Practice

ACCOUNT: Final = "account"
CONTACT: Final = "contact"
_ONLY_FOR: Final = {ACCOUNT: ("date_of_birth",), CONTACT: ("email", "phone")}

# The order in which a desk needs them.
_SEARCH_BY: Final = [
    ("", "All patients"),
    (PortalStatus.UNREGISTERED.value, "Unregistered"),
    (PortalStatus.SELF_REGISTERED.value, "Self Registered"),
    (PortalStatus.PENDING.value, "Pending"),
    (PortalStatus.REGISTERED.value, "Registered"),
    (PortalStatus.DECLINED.value, "Declined"),
]


class BirthDateField(forms.CharField):
    """A date of birth as people type it (patients.dates.read); None where nothing was typed."""

    def clean(self, value: Any) -> date | None:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            return dates.read(typed, today=timezone.localdate())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SearchForm(StaffForm):
    """Fields that belong to the other choice of “Search for” are hidden on the page, and taken as empty."""

    search_for = forms.ChoiceField(
        label="Search for",
        choices=[(ACCOUNT, "Account"), (CONTACT, "Family contact")],
        widget=forms.RadioSelect,
        required=False,
    )
    last_name = forms.CharField(label="Last name", max_length=120, required=False)
    first_name = forms.CharField(label="First name", max_length=120, required=False)
    date_of_birth = BirthDateField(label="Date of birth", max_length=40, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    phone = forms.CharField(label="Phone", max_length=40, required=False)
    search_by = forms.ChoiceField(label="Search by", choices=_SEARCH_BY, required=False)

    def __init__(self, data: Mapping[str, str] | None = None, **options: Any) -> None:
        if data is not None:
            other = ACCOUNT if data.get("search_for") == CONTACT else CONTACT
            data = {**data, **dict.fromkeys(_ONLY_FOR[other], "")}
        super().__init__(data, **options)
        self.initial.setdefault("search_for", ACCOUNT)
        for name, field in self.fields.items():
            if name not in {"search_for", "search_by"}:
                field.widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        self.fields["date_of_birth"].widget.attrs["placeholder"] = "m/d/yyyy"
        if data is None:
            self.fields["last_name"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("last_name", "first_name"):
            if cleaned.get(name) and not names.key(cleaned[name]):
                self.add_error(name, "Type at least one letter.")
        if cleaned.get("phone") and not any(map(str.isdigit, cleaned["phone"])):
            self.add_error("phone", "Type the digits of the number.")
        return cleaned

    def query(self, practice: Practice) -> PatientQuery:
        """What a valid form asks for."""
        typed = self.cleaned_data
        return PatientQuery(
            practice=practice,
            by_contact=typed["search_for"] == CONTACT,
            last_name=typed["last_name"],
            first_name=typed["first_name"],
            date_of_birth=typed["date_of_birth"],
            email=typed["email"],
            phone=typed["phone"],
            status=PortalStatus(typed["search_by"]) if typed["search_by"] else None,
        )
