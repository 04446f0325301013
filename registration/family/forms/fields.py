"""Fields that families fill in, with sentences for them."""

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

_OLDEST: Final = 130  # years
# A whole link that was pasted where the PIN goes.
_IN_A_LINK: Final = re.compile(r"#(pin|q)=([\w-]+)(?:\.(\w+))?\s*$")
_TOKEN: Final = re.compile(r"[\w-]{16,64}")


class Choices(forms.RadioSelect):
    template_name = "family/widgets/choices.html"


class BirthDateWidget(forms.MultiWidget):
    """Month by name, day, year: no two countries read it differently."""

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
                raise forms.ValidationError(_("Choose the month, and type the day and the year."))
            return None
        if not (month and day and year):
            raise forms.ValidationError(_("Choose the month, and type the day and the year."))
        return _read(month, day, year)


def _read(month: str, day: str, year: str) -> date:
    if not re.fullmatch(r"\d{4}", year, re.ASCII):
        raise forms.ValidationError(_("Type all four digits of the year, as 2019."))
    try:
        born = date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        raise forms.ValidationError(_("There is no such day in this month.")) from None
    today = timezone.localdate()
    if born > today:
        raise forms.ValidationError(_("This day is in the future."))
    if born.year < today.year - _OLDEST:
        raise forms.ValidationError(_("Please check the year."))
    return born


@dataclass(frozen=True, repr=False)
class Key:
    """What opens a registration: a PIN, or the token of a link with a question.

    `mark`: what the link of an e-mail has beside the PIN (`pins.mail_mark`).
    """

    pin: Pin | None = None
    token: str = ""
    mark: str = ""

    @property
    def is_from_message(self) -> bool:
        """Whether it was read in the registration's own message: a token is nowhere else."""
        return bool(self.token) or (self.pin is not None and _is_mark(self.mark, self.pin))


def _is_mark(typed: str, pin: Pin) -> bool:
    return compare_digest(typed.encode(), pins.email_proof(pin).encode())


class PinField(forms.CharField):
    """A PIN as people type it, or the whole link that they got."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("PIN"),
            help_text=gettext_lazy(
                "It has 12 letters and digits, like K7QF‑2M9T‑XB4C. Capital or small letters do not matter."
            ),
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
            error_messages={"required": gettext_lazy("Type the PIN that you got from the practice.")},
        )

    def clean(self, value: str) -> Any:
        typed = super().clean(value)
        return read_key(typed) if typed else None


def read_key(typed: str) -> Key:
    """Raises ValidationError with a sentence for the person who typed it."""
    in_a_link = _IN_A_LINK.search(typed)
    if in_a_link and in_a_link[1] == "q":
        return Key(token=in_a_link[2])
    try:
        return Key(pin=pins.read(in_a_link[2]), mark=in_a_link[3] or "") if in_a_link else Key(pin=pins.read(typed))
    except ValueError:
        raise forms.ValidationError(
            _("A PIN has 12 letters and digits, like K7QF‑2M9T‑XB4C. Please check what you typed.")
        ) from None


def read_token(typed: str) -> Key | None:
    """What a link left in the hidden field; None where it is no token."""
    return Key(token=typed) if _TOKEN.fullmatch(typed) else None


class NameField(LineField):
    def __init__(self, label: Any, *, autocomplete: str, max_length: int = 80, **options: Any) -> None:
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
            raise forms.ValidationError(_("Type at least one letter."))
        return typed


class PhoneField(forms.CharField):
    """A US phone number, as its ten digits; "" where none was typed."""

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
            raise forms.ValidationError(
                _("This is not a US phone number. Type it with the area code, like (612) 555-0142.")
            ) from None


class EmailField(forms.EmailField):
    """In lower case: it is the name to sign in with."""

    def __init__(self, **options: Any) -> None:
        attrs = {"class": "form-control", "autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}
        options = {"label": gettext_lazy("E-mail address"), "max_length": 254, **options}
        super().__init__(widget=forms.EmailInput(attrs), **options)

    def clean(self, value: Any) -> Any:
        return super().clean(value).strip().lower()
