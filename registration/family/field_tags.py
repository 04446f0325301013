"""Template tags for the family pages, and for django-allauth's pages, which staff and families share."""

from datetime import datetime
from typing import Any, Final

from django import template
from django.forms import BoundField
from django.template import Context
from django.utils import timezone

from patients.templatetags.patient_values import us_date
from registration.communications import languages

register = template.Library()

# The first match wins. The order matters because most browsers also call themselves Safari.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_TONES: Final = {"success": "good", "error": "bad", "warning": "attention"}
_SYSTEMS: Final = ("iPhone", "iPad", "Android", "Windows", "Mac", "Linux")


@register.filter
def device(user_agent: str) -> str:
    """Shorten a user agent to the browser and the device or operating system.

    >>> device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1")
    'Safari, iPhone'
    >>> device("curl/8.5")
    'curl/8.5'
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for name in _SYSTEMS if name in user_agent), "")
    return ", ".join(filter(None, [browser, system])) or user_agent[:80]


@register.filter
def notice_tone(level_tag: str) -> str:
    """Return the CSS tone of a message."""
    return _TONES.get(level_tag, "")


@register.inclusion_tag("family/_field.html")
def family_field(field: BoundField, label: str = "", help_text: str = "") -> dict[str, Any]:
    """Render a django-allauth field in the family style, with our label and help text and without a placeholder."""
    attrs = field.field.widget.attrs
    attrs.pop("placeholder", None)
    attrs["class"] = "form-control"
    field.label = label or field.label
    field.help_text = help_text
    return {"field": field, "kind": ""}


@register.simple_tag(takes_context=True)
def page_date(context: Context, at: datetime) -> str:
    """Format the date as this page's readers expect: "November 28, 2026" for families, "11/28/2026" for staff.

    The date is in the practice's time zone.
    """
    zone = _time_zone(context)
    return languages.format_day(at.astimezone(zone).date()) if "family" in context else us_date(at.astimezone(zone))


@register.simple_tag(takes_context=True)
def page_time(context: Context, at: datetime) -> str:
    """Format the date and time as this page's readers expect, in the practice's time zone."""
    zone = _time_zone(context)
    if "family" in context:
        return languages.format_moment(at, zone)
    local = at.astimezone(zone)
    return f"{us_date(local)}, {local.hour % 12 or 12}:{local:%M %p}"


def _time_zone(context: Context) -> Any:
    family = context.get("family") or {}
    practice = family.get("practice") or context.get("practice")
    return practice.zone if practice else timezone.get_default_timezone()
