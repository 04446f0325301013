"""“Before you send”: a field for the override reason of each safety warning."""

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
    """A warning and its field. `text` is empty while staff still have to fix another error first."""

    field: BoundField
    text: str

    @property
    def text_id(self) -> str:
        return f"{self.field.auto_id}_text"


class SafetyChecksForm(StaffForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._warnings: dict[str, SafetyWarning] = {}
        for key in safety_checks.QUESTIONS:
            if self._name(key) in self.data:  # keep the reasons while another error is fixed
                self._add(key)

    @property
    def override_reasons(self) -> dict[str, str]:
        """Return the reasons that staff entered, keyed by the warning's key."""
        reasons = {key: self.cleaned_data.get(self._name(key), "") for key in safety_checks.QUESTIONS}
        return {key: reason for key, reason in reasons.items() if reason}

    def ask(self, found: Sequence[SafetyWarning]) -> None:
        """Add a field for each warning. A field that was already shown and left empty gets an error."""
        self._warnings = {warning.key: warning for warning in found}
        for key in safety_checks.QUESTIONS:
            name = self._name(key)
            if key not in self._warnings:
                self.fields.pop(name, None)
            elif name not in self.fields:
                self._add(key)
            elif not self.cleaned_data.get(name):
                self.add_error(name, "Enter the reason. It is kept in the audit trail.")
        for warning in self.warning_fields:
            described_by = [warning.text_id, *([f"{warning.field.auto_id}_error"] if warning.field.errors else [])]
            warning.field.field.widget.attrs["aria-describedby"] = " ".join(described_by)
        unanswered = [warning.field for warning in self.warning_fields if not warning.field.value()]
        if unanswered and not self.errors:
            first = unanswered[0]
            first.field.widget.attrs |= {"autofocus": True, "data-take-focus": True}

    @property
    def warning_fields(self) -> Iterator[WarningField]:
        for key in safety_checks.QUESTIONS:
            if (name := self._name(key)) in self.fields:
                warning = self._warnings.get(key)
                yield WarningField(self[name], warning.text if warning else "")

    def _add(self, key: str) -> None:
        name = self._name(key)
        field = LineField(label=safety_checks.QUESTIONS[key], required=False, max_length=200)
        field.widget.attrs |= {"autocomplete": "off", "required": True}
        self.fields[name] = field

    def _name(self, key: str) -> str:
        return _PREFIX + key
