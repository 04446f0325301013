"""Fields of forms that are not ours, in the family's look and words."""

from typing import Any, Final

from django import template
from django.forms import BoundField

register = template.Library()

# The first that is in the browser's own name for itself; the order matters, because most call themselves Safari, too.
_BROWSERS: Final = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
                    ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS: Final = ("iPhone", "iPad", "Android", "Windows", "Mac", "Linux")


@register.filter
def device(user_agent: str) -> str:
    """As a person would say it.

    >>> device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1")
    'Safari, iPhone'
    >>> device("curl/8.5")
    'curl/8.5'
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for name in _SYSTEMS if name in user_agent), "")
    return ", ".join(filter(None, [browser, system])) or user_agent[:80]


@register.inclusion_tag("family/_field.html")
def family_field(field: BoundField, label: str = "", help_text: str = "") -> dict[str, Any]:
    """A field of django-allauth's: its label and help are replaced, the placeholder (a second label) goes."""
    attrs = field.field.widget.attrs
    attrs.pop("placeholder", None)
    attrs["class"] = "form-control"
    field.label = label or field.label
    field.help_text = help_text
    return {"field": field, "kind": ""}
