"""Add Proxy: the Patient Registration window for giving time-limited access to someone with written authorization."""

from collections.abc import Iterable
from typing import Any

from django import forms

from patients import names
from portal.date_input import DayInput
from portal.text_fields import LineField
from registration.desk.forms.fields import OTHER
from registration.desk.forms.register_form import RegistrationForm
from registration.issuing.eligibility import MAX_PROXY_YEARS
from registration.models import AccessLevel
from registration.values import Proxy, Recipient


class ProxyForm(RegistrationForm):
    level = forms.ChoiceField(label="Access Level", choices=AccessLevel.choices)
    access_ends_on = forms.DateField(
        label="Last day of access",
        widget=DayInput,
        help_text=f"At most {MAX_PROXY_YEARS} years from today.",
        error_messages={"required": "Enter the last day of access."},
    )
    authorization = LineField(
        label="Authorization",
        max_length=200,
        help_text="For example: written consent from the mother, on file.",
        error_messages={"required": "Enter the authorization, for example a court order."},
    )

    field_order: Iterable[str] | None = (
        *("existing_account", "other_name", "other_relationship", "level", "access_ends_on", "authorization"),
        *("method", "question", "answer", "delivery", "email", "cell_phone", "carrier", "shared_address"),
        *("risk_acknowledged", "identified_by", "language"),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["also"]
        recipient = self._field("recipient", forms.ChoiceField)
        recipient.choices = [(OTHER, "Someone else")]
        recipient.widget = forms.HiddenInput()

    def _prefilled(self) -> dict[str, Any]:
        """Leave out the addresses on record, because they belong to other people."""
        kept = ("form_token", "identified_by", "language")
        return {"recipient": OTHER} | {name: value for name, value in super()._prefilled().items() if name in kept}

    @property
    def chosen_recipient(self) -> Recipient:
        """Recognize a family contact by name, so that the same person does not get two PINs."""
        name = names.key(self.cleaned_data["other_name"])
        contact = next((contact for contact in self.contacts if names.key(contact.name) == name), None)
        relationship = self.cleaned_data["other_relationship"] or (contact.relationship if contact else "")
        return Recipient(
            name=contact.name if contact else self.cleaned_data["other_name"],
            relationship=relationship,
            contact=contact,
        )

    @property
    def chosen_proxy(self) -> Proxy:
        return Proxy(
            level=AccessLevel(self.cleaned_data["level"]),
            authorization=self.cleaned_data["authorization"],
            ends_on=self.cleaned_data["access_ends_on"],
        )
