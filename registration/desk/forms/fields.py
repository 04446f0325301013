"""Choices in the Patient Registration window that show more than a label."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

from django import forms
from django.forms.boundfield import BoundWidget
from django.forms.models import ModelChoiceIterator
from django.utils import timezone

from notifications.models import Carrier
from patients.models import Contact
from patients.same_person import Sibling
from portal import phones

# Choices of the recipient. Every other choice is the key of a family contact.
PATIENT: Final = "patient"
OTHER: Final = "other"


class _Availability(StrEnum):
    """The groups in the carrier list, in order. The values are the headings."""

    AVAILABLE = "Available"
    ENDING = "Ending"
    ENDED = "No longer available"


@dataclass(frozen=True)
class RecipientChoice:
    """A radio button for a recipient, and the family contact that the button stands for."""

    radio: BoundWidget
    contact: Contact | None

    @property
    def authority_note(self) -> str:
        is_barred = self.contact is not None and not self.contact.has_authority
        return "Not authorized to see the record: you will be asked why · " if is_barred else ""

    @property
    def email(self) -> str:
        return (self.contact.email if self.contact else "") or "no email on record"

    @property
    def phone(self) -> str:
        phone = self.contact.phone if self.contact else ""
        return phones.national(phone) if phone else "no phone on record"


@dataclass(frozen=True)
class SiblingChoice:
    """A checkbox for a sibling, and the contacts that the sibling shares with the patient."""

    checkbox: BoundWidget
    sibling: Sibling
    shared: list[Contact]

    @property
    def shared_keys(self) -> str:
        return " ".join(str(contact.pk) for contact in self.shared)

    @property
    def shared_names(self) -> str:
        return " and ".join(contact.name for contact in self.shared)


class _ByAvailability(ModelChoiceIterator[Carrier]):
    """List the carriers in groups: available, ending, and no longer available."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield "", self.field.empty_label
        order = list(_Availability)
        carriers = sorted(self.queryset, key=lambda carrier: order.index(_availability(carrier)))
        for availability, group in groupby(carriers, key=_availability):
            yield availability.value, [self.choice(carrier) for carrier in group]


class _CarrierSelect(forms.Select):
    """A select field that attaches a warning to each carrier. The page shows the warning when the carrier is selected."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **options)
        if value and (warning := value.instance.warning(on=timezone.localdate())):
            option["attrs"]["data-warning"] = warning
        return option


class CarrierField(forms.ModelChoiceField[Carrier]):
    widget = _CarrierSelect
    iterator = _ByAvailability

    def label_from_instance(self, obj: Carrier) -> str:
        if _availability(obj) == _Availability.ENDED:
            return f"{obj.name} (ended {obj.when})" if obj.when else f"{obj.name} (ended)"
        if _availability(obj) == _Availability.ENDING:
            return f"{obj.name} (until {obj.when})" if obj.when else f"{obj.name} (will end)"
        return f"{obj.name} (never verified)" if obj.status == Carrier.Status.UNVERIFIED else obj.name


def _availability(carrier: Carrier) -> _Availability:
    if carrier.has_ended(on=timezone.localdate()):
        return _Availability.ENDED
    return _Availability.ENDING if carrier.will_end else _Availability.AVAILABLE
