"""Before you send: a field for the reason of each concern that the desk is asked about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.forms.boundfield import BoundField

from portal.form_messages import StaffForm
from portal.text_fields import LineField
from registration.issuing import safety_checks
from registration.issuing.safety_checks import SafetyWarning

_PREFIX = "confirmed_"


@dataclass(frozen=True)
class WarningField:
    """A concern as the window shows it. `text` is empty where something else is to be mended first."""

    field: BoundField
    text: str

    @property
    def text_id(self) -> str:
        return f"{self.field.auto_id}_text"


class SafetyChecksForm(StaffForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._concerns: dict[str, SafetyWarning] = {}
        for key in safety_checks.QUESTIONS:
            if self._name(key) in self.data:  # what was confirmed is kept while something else is mended
                self._add(key)

    @property
    def override_reasons(self) -> dict[str, str]:
        """The reasons that were given, by the key of the concern."""
        named = {key: self.cleaned_data.get(self._name(key), "") for key in safety_checks.QUESTIONS}
        return {key: reason for key, reason in named.items() if reason}

    def ask(self, found: Sequence[SafetyWarning]) -> None:
        """Asks for the reasons. Only what was asked before and left empty is a mistake."""
        self._concerns = {each.key: each for each in found}
        for key in safety_checks.QUESTIONS:
            name = self._name(key)
            if key not in self._concerns:
                self.fields.pop(name, None)
            elif name not in self.fields:
                self._add(key)
            elif not self.cleaned_data.get(name):
                self.add_error(name, "Type the reason. It is kept in the audit trail.")
        for each in self.warning_fields:
            described = [each.text_id, *([f"{each.field.auto_id}_error"] if each.field.errors else [])]
            each.field.field.widget.attrs["aria-describedby"] = " ".join(described)
        unanswered = [each.field for each in self.warning_fields if not each.field.value()]
        if unanswered and not self.errors:
            first = unanswered[0]
            first.field.widget.attrs |= {"autofocus": True, "data-take-focus": True}

    @property
    def warning_fields(self) -> Iterator[WarningField]:
        for key in safety_checks.QUESTIONS:
            if (name := self._name(key)) in self.fields:
                found = self._concerns.get(key)
                yield WarningField(self[name], found.text if found else "")

    def _add(self, key: str) -> None:
        name = self._name(key)
        field = LineField(label=safety_checks.QUESTIONS[key], required=False, max_length=200)
        field.widget.attrs |= {"autocomplete": "off", "required": True}
        self.fields[name] = field

    def _name(self, key: str) -> str:
        return _PREFIX + key
