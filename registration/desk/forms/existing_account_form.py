"""The choice to add patients to an existing account. A PIN sent to the account's address would create a second account."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms

from registration.access import accounts
from registration.desk.forms.delivery_form import DeliveryForm, DeliveryMethod
from registration.models import PortalAccount
from registration.values import ByEmail, Delivery, InPerson

ADD: Final = "add"
PIN: Final = "pin"
_LABELS: Final = {ADD: "Add to this account", PIN: "Send a PIN anyway"}
_HINTS: Final = {
    ADD: "No PIN. The parent is notified, signs in and confirms.",
    PIN: "It can be used with this account or a new one.",
}


@dataclass(frozen=True)
class AccountChoice:
    """A radio button with a hint."""

    value: str
    id: str
    is_checked: bool

    @property
    def label(self) -> str:
        return _LABELS[self.value]

    @property
    def hint(self) -> str:
        return _HINTS[self.value]


class ExistingAccountForm(DeliveryForm):
    existing_account = forms.ChoiceField(
        label="This family already has an account",
        choices=list(_LABELS.items()),
        required=False,
        widget=forms.RadioSelect,
    )
    offered_account = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.account: PortalAccount | None = None

    def find_account(self, email: str) -> None:
        self.account = accounts.by_email(email) if email else None

    def clean_account(self) -> None:
        """Require a choice for this account. A choice counts only for the account that was displayed."""
        self.find_account(self._address_of_recipient())
        if self.account is None:
            return
        displayed: UUID | None = self.cleaned_data.get("offered_account")
        if displayed != self.account.pk or not self.cleaned_data.get("existing_account"):
            self.add_error("existing_account", f"{self.account.email} already has a portal account. Choose what to do.")

    @property
    def adds_to_account(self) -> bool:
        return self.account is not None and self.cleaned_data.get("existing_account") == ADD

    @property
    def chosen_delivery(self) -> Delivery:
        if self.account is None or not self.adds_to_account:
            return super().chosen_delivery
        return InPerson() if self.cleaned_data["delivery"] == DeliveryMethod.NONE else ByEmail(self.account.email)

    @property
    def account_choice(self) -> str:
        """Return the choice that staff made for the displayed account, or the default if they made none."""
        if self.account and self.data.get("offered_account") == str(self.account.pk):
            return str(self.data.get("existing_account") or ADD)
        return PIN if self.can_see_record else ADD

    @property
    def account_choices(self) -> list[AccountChoice]:
        return [
            AccountChoice(value, f"id_existing_account_{number}", value == self.account_choice)
            for number, value in enumerate(_LABELS)
        ]

    @property
    def account_note(self) -> str:
        """Return what is known about the account. The page shows this text after the account's email address."""
        owner = f" It belongs to {self.account_name}." if self.account_name else ""
        access = f" It can already see {self.patient.first_name}’s record." if self.can_see_record else ""
        return f"already has a portal account.{owner}{access}"

    @property
    def can_see_record(self) -> bool:
        return self.account is not None and self.account.associations.live().filter(patient=self.patient).exists()

    @property
    def account_name(self) -> str:
        """Return the owner's name if the account has ever had access at this practice. Otherwise return "", for privacy."""
        if self.account is None or not self.account.associations.for_practice(self.practice).exists():
            return ""
        return self.account.name

    def _address_of_recipient(self) -> str:
        """Return the entered address if the registration is sent by email. Otherwise return the address on record."""
        if self.cleaned_data.get("delivery") == DeliveryMethod.EMAIL:
            return "" if "email" in self.errors else str(self.cleaned_data.get("email") or "")
        person = self.person(str(self.cleaned_data.get("recipient") or ""))
        return person.email if person else ""
