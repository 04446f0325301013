"""Form fields for free text that is safe to store, show, print and email."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy

# Control characters, and characters that change the writing direction and can make one name look like another.
# NUL and lone surrogates never reach this validator: Django rejects NUL and replaces lone surrogates with a question mark.
only_text = RegexValidator(
    r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
    gettext_lazy("This contains a character that we can’t save. Type it instead of pasting it."),
    inverse_match=True,
)


class LineField(forms.CharField):
    """One line of text with single spaces. A line break could inject a header into an email (ASVS 5.0 1.3.11)."""

    default_validators = [only_text]  # noqa: RUF012 - declared as in Django

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())


class TextField(forms.CharField):
    """Several lines of text."""

    default_validators = [only_text]  # noqa: RUF012

    def to_python(self, value: Any) -> str:
        return "\n".join((super().to_python(value) or "").splitlines())
