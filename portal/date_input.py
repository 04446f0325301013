"""A day as the browser's own date field asks for it."""

from datetime import date
from typing import Any

from django import forms


class DayInput(forms.DateInput):
    """A plain text field again where what was typed is no date: a date field could not show it."""

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
            widget["attrs"] = {key: each for key, each in widget["attrs"].items() if key not in ("min", "max")}
        return context
