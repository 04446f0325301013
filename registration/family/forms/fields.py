"""Form fields for families, with error messages in plain language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hmac import compare_digest
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import phones
from portal.text_fields import LineField
from registration import pins
from registration.pins import Pin

_MAX_AGE: Final = 130  # years
# A whole link that was pasted into the PIN field.
_IN_A_LINK: Final = re.compile(r"#(pin|q)=([\w-]+)(?:\.(\w+))?\s*$")
_TOKEN: Final = re.compile(r"[\w-]{16,64}")


class Choices(forms.RadioSelect):
    template_name = "family/widgets/choices.html"


class BirthDateWidget(forms.MultiWidget):
    """Ask for the month by name, so that it cannot be confused with the day."""

    template_name = "family/widgets/birth_date.html"
    use_fieldset = True

    def __init__(self) -> None:
        numbers = {"class": "form-control", "inputmode": "numeric", "autocomplete": "off"}
        super().__init__(
            [
                forms.Select({"class": "form-select", "autocomplete": "off"}, [("", "–"), *MONTHS.items()]),
                forms.TextInput({**numbers, "maxlength": "2"}),
                forms.TextInput({**numbers, "maxlength": "4"}),
            ]
        )

    def decompress(self, value: date | None) -> list[Any]:
        return [value.month, value.day, value.year] if value else [None, None, None]


class BirthDateField(forms.Field):
    widget = BirthDateWidget

    def has_changed(self, initial: Any, data: Any) -> bool:
        return any(data or [])

    def clean(self, value: Sequence[str] | None) -> date | None:
        month, day, year = ((part or "").strip() for part in value or ["", "", ""])
        if not (month or day or year):
            if self.required:
                raise forms.ValidationError(_("Choose the month, and enter the day and the year."))
            return None
        if not (month and day and year):
            raise forms.ValidationError(_("Choose the month, and enter the day and the year."))
        return _parse(month, day, year)


def _parse(month: str, day: str, year: str) -> date:
    if not re.fullmatch(r"\d{4}", year, re.ASCII):
        raise forms.ValidationError(_("Enter all four digits of the year, like 2019."))
    try:
        birth_date = date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        raise forms.ValidationError(_("That date doesn’t exist. Check the month and the day.")) from None
    today = timezone.localdate()
    if birth_date > today:
        raise forms.ValidationError(_("This date is in the future. Check the year."))
    if birth_date.year < today.year - _MAX_AGE:
        raise forms.ValidationError(_("Check the year."))
    return birth_date


@dataclass(frozen=True, repr=False)
class Key:
    """What opens a registration: a PIN, or the token from a link that asks a verification question.

    `mark` proves that the PIN came from an emailed link, where it follows the PIN (`pins.email_proof`).
    """

    pin: Pin | None = None
    token: str = ""
    mark: str = ""

    @property
    def is_from_message(self) -> bool:
        """Return True if the key came from the registration's own message. A token is never sent any other way."""
        return bool(self.token) or (self.pin is not None and _is_mark_of(self.mark, self.pin))


def _is_mark_of(mark: str, pin: Pin) -> bool:
    return compare_digest(mark.encode(), pins.email_proof(pin).encode())


class PinField(forms.CharField):
    """Accept a PIN with any capitalization and separators, or the whole link from the message."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("PIN"),
            help_text=gettext_lazy("It has 12 letters and numbers, like K7QF‑2M9T‑XB4C. Capital letters don’t matter."),
            max_length=400,
            widget=forms.TextInput(
                {
                    "class": "form-control pin-input",
                    "autocomplete": "off",
                    "autocapitalize": "characters",
                    "spellcheck": "false",
                    "inputmode": "text",
                    "maxlength": None,
                }
            ),
            error_messages={"required": gettext_lazy("Enter the PIN the practice gave you.")},
        )

    def clean(self, value: str) -> Any:
        typed = super().clean(value)
        return read_key(typed) if typed else None


def read_key(typed: str) -> Key:
    """Read a PIN, or a link that contains a PIN or a token.

    Raises ValidationError with a message for the person who typed the text.
    """
    in_a_link = _IN_A_LINK.search(typed)
    if in_a_link and in_a_link[1] == "q":
        return Key(token=in_a_link[2])
    try:
        return Key(pin=pins.read(in_a_link[2]), mark=in_a_link[3] or "") if in_a_link else Key(pin=pins.read(typed))
    except ValueError:
        raise forms.ValidationError(
            _("A PIN has 12 letters and numbers, like K7QF‑2M9T‑XB4C. Check what you typed.")
        ) from None


def read_token(typed: str) -> Key | None:
    """Read the token that a link put into the hidden field. Return None if the text is not a token."""
    return Key(token=typed) if _TOKEN.fullmatch(typed) else None


class NameField(LineField):
    def __init__(
        self, label: Any, *, autocomplete: str, missing: Any = None, max_length: int = 80, **options: Any
    ) -> None:
        """Make a field for a name or a street. `missing` is the error message for a required field that is empty."""
        if missing:
            options["error_messages"] = {"required": missing}
        attrs = {
            "class": "form-control",
            "autocomplete": autocomplete,
            "autocapitalize": "words",
            "spellcheck": "false",
        }
        super().__init__(label=label, max_length=max_length, widget=forms.TextInput(attrs), **options)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if typed and not any(map(str.isalpha, typed)):
            raise forms.ValidationError(_("Enter at least one letter."))
        return typed


class PhoneField(forms.CharField):
    """A US phone number, returned as ten digits, or "" if the field is empty."""

    def __init__(self, **options: Any) -> None:
        attrs = {"class": "form-control", "type": "tel", "inputmode": "tel", "autocomplete": "tel"}
        options = {"label": gettext_lazy("Phone (optional)"), "required": False, "max_length": 40, **options}
        super().__init__(widget=forms.TextInput(attrs), **options)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return ""
        try:
            return phones.read_national(typed)
        except ValueError:
            raise forms.ValidationError(_("Enter a US phone number with the area code, like (612) 555-0142.")) from None


class EmailField(forms.EmailField):
    """An email address in lower case, because it is also the user name."""

    def __init__(self, **options: Any) -> None:
        attrs = {"class": "form-control", "autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}
        required = {"required": gettext_lazy("Enter your email address.")}
        options = {
            "label": gettext_lazy("Email address"),
            "max_length": 254,
            "error_messages": required,
            **options,
        }
        super().__init__(widget=forms.EmailInput(attrs), **options)

    def clean(self, value: Any) -> Any:
        return super().clean(value).strip().lower()
