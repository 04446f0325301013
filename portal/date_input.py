"""A date field that uses the browser's date picker."""

from datetime import date
from typing import Any

from django import forms


class DayInput(forms.DateInput):
    """A date picker. If the value is not a date, show a text field instead, because a picker could not show the value."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        try:
            date.fromisoformat(widget["value"] or "2026-01-01")
        except ValueError:
            widget["type"] = "text"
            widget["attrs"] = {key: value for key, value in widget["attrs"].items() if key not in ("min", "max")}
        return context
