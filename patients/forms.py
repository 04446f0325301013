"""The form of the Search Patients panel."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.utils import timezone

from patients import dates, names
from patients.models import PortalStatus
from patients.search_filters import PatientQuery
from portal.form_messages import StaffForm
from portal.models import Practice

ACCOUNT: Final = "account"
CONTACT: Final = "contact"
_ONLY_FOR: Final = {ACCOUNT: ("date_of_birth",), CONTACT: ("email", "phone")}

# In the order in which the front desk needs them.
_SEARCH_BY: Final = [
    ("", "All patients"),
    (PortalStatus.UNREGISTERED.value, "Unregistered"),
    (PortalStatus.SELF_REGISTERED.value, "Self Registered"),
    (PortalStatus.PENDING.value, "Pending"),
    (PortalStatus.REGISTERED.value, "Registered"),
    (PortalStatus.DECLINED.value, "Declined"),
]


class BirthDateField(forms.CharField):
    """A date of birth in any format that patients.dates.parse_birth_date reads, or None if the field is empty."""

    def clean(self, value: Any) -> date | None:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            return dates.parse_birth_date(typed, today=timezone.localdate())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SearchForm(StaffForm):
    """The search form. The fields of the “Search for” option that is not chosen are hidden and treated as empty."""

    search_for = forms.ChoiceField(
        label="Search for",
        choices=[(ACCOUNT, "Account"), (CONTACT, "Family contact")],
        widget=forms.RadioSelect,
        required=False,
    )
    last_name = forms.CharField(label="Last name", max_length=120, required=False)
    first_name = forms.CharField(label="First name", max_length=120, required=False)
    date_of_birth = BirthDateField(label="Date of birth", max_length=40, required=False)
    email = forms.CharField(label="Email", max_length=254, required=False)
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
                self.add_error(name, "Enter at least one letter.")
        if cleaned.get("phone") and not any(map(str.isdigit, cleaned["phone"])):
            self.add_error("phone", "Enter the digits of the phone number.")
        return cleaned

    def query(self, practice: Practice) -> PatientQuery:
        """Return the query of a valid form."""
        values = self.cleaned_data
        return PatientQuery(
            practice=practice,
            by_contact=values["search_for"] == CONTACT,
            last_name=values["last_name"],
            first_name=values["first_name"],
            date_of_birth=values["date_of_birth"],
            email=values["email"],
            phone=values["phone"],
            status=PortalStatus(values["search_by"]) if values["search_by"] else None,
        )
