"""Choices of the Patient Registration window that say more than a name."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from django import forms
from django.forms.boundfield import BoundWidget
from django.forms.models import ModelChoiceIterator
from django.utils import timezone

from notifications.models import Carrier
from patients.models import Contact
from patients.same_person import Sibling

# Of “For whom”; every other choice is the key of a family contact.
PATIENT: Final = "patient"
OTHER: Final = "other"

_AVAILABLE: Final = "Available"
_WILL_END: Final = "Will end"
_GONE: Final = "Not available any more"
_HEADINGS: Final = (_AVAILABLE, _WILL_END, _GONE)


@dataclass(frozen=True)
class RecipientChoice:
    """A radio button of “For whom”, and the contact that it stands for."""

    radio: BoundWidget
    contact: Contact | None


@dataclass(frozen=True)
class SiblingChoice:
    """A checkbox of “Also for”, and the recipients that this child has in common with the patient."""

    checkbox: BoundWidget
    sibling: Sibling
    shared: list[Contact]

    @property
    def shared_keys(self) -> str:
        return " ".join(str(each.pk) for each in self.shared)

    @property
    def shared_names(self) -> str:
        return " and ".join(each.name for each in self.shared)


class _ByAvailability(ModelChoiceIterator[Carrier]):
    """Carriers that work, then those that will end, then those that are gone, each group under its heading."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield "", self.field.empty_label
        carriers = sorted(self.queryset, key=lambda each: _HEADINGS.index(_heading(each)))
        for heading, group in groupby(carriers, key=_heading):
            yield heading, [self.choice(each) for each in group]


class _CarrierSelect(forms.Select):
    """Tells, with each carrier, what the desk has to know before it picks it."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **options)
        if value and (warning := value.instance.warning(on=timezone.localdate())):
            option["attrs"]["data-warning"] = warning
        return option


class CarrierField(forms.ModelChoiceField[Carrier]):
    widget = _CarrierSelect
    iterator = _ByAvailability

    def label_from_instance(self, obj: Carrier) -> str:
        if _heading(obj) == _GONE:
            return f"{obj.name} (ended {obj.when})" if obj.when else f"{obj.name} (ended)"
        if _heading(obj) == _WILL_END:
            return f"{obj.name} (until {obj.when})" if obj.when else f"{obj.name} (will end)"
        return f"{obj.name} (never verified)" if obj.status == Carrier.Status.UNVERIFIED else obj.name


def _heading(carrier: Carrier) -> str:
    if carrier.has_ended(on=timezone.localdate()):
        return _GONE
    return _WILL_END if carrier.will_end else _AVAILABLE
