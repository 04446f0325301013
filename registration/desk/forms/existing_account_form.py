"""This family is here already: the e-mail address signs in to a portal account, so that a PIN would make a second one."""

from typing import Any, Final
from uuid import UUID

from django import forms

from registration.access import accounts
from registration.desk.forms.delivery_form import DeliveryForm, DeliveryMethod
from registration.models import PortalAccount
from registration.values import ByEmail, Delivery, InPerson

ADD: Final = "add"
PIN: Final = "pin"


class ExistingAccountForm(DeliveryForm):
    existing_account = forms.ChoiceField(
        label="This family is here already",
        choices=[(ADD, "Add to this account"), (PIN, "Send a PIN all the same")],
        required=False,
        widget=forms.RadioSelect,
    )
    offered_account = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.account: PortalAccount | None = None

    def look_for_account(self, email: str) -> None:
        self.account = accounts.by_email(email) if email else None

    def clean_account(self) -> None:
        """The choice is made for the account that was shown: for another one, or a new one, it is asked for."""
        self.look_for_account(self._address_of_recipient())
        if self.account is None:
            return
        chosen_for: UUID | None = self.cleaned_data.get("offered_account")
        if chosen_for != self.account.pk or not self.cleaned_data.get("existing_account"):
            self.add_error("existing_account", f"{self.account.email} signs in to the portal. Say what is to be done.")

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
        """What is chosen, beforehand or for the account that is shown."""
        if self.account and self.data.get("offered_account") == str(self.account.pk):
            return str(self.data.get("existing_account") or ADD)
        return PIN if self.sees_it_already else ADD

    @property
    def sees_it_already(self) -> bool:
        return self.account is not None and self.account.associations.live().filter(patient=self.patient).exists()

    @property
    def account_name(self) -> str:
        """Whose it is, where this practice has to do with the account; "" for one of another practice."""
        if self.account is None or not self.account.associations.for_practice(self.practice).exists():
            return ""
        return self.account.name

    def _address_of_recipient(self) -> str:
        """What is typed where an e-mail is sent, otherwise what is on record."""
        if self.cleaned_data.get("delivery") == DeliveryMethod.EMAIL:
            return "" if "email" in self.errors else str(self.cleaned_data.get("email") or "")
        person = self.person(str(self.cleaned_data.get("recipient") or ""))
        return person.email if person else ""
