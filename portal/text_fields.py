"""What people type where no choice is offered, as text that can be stored, shown, printed and mailed."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy

# Control characters, and those that turn round the direction of what stands beside them: a name could read as another's.
# NUL and halves of a pair never come this far: Django refuses the one, and reads the other as a question mark.
only_text = RegexValidator(
    r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
    gettext_lazy("There is a character in it that cannot be kept. Please type it anew, without copying."),
    inverse_match=True,
)


class LineField(forms.CharField):
    """One line, with single spaces: a line break would begin a header of its own in a mail."""

    default_validators = [only_text]  # noqa: RUF012 - as Django has it

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())


class TextField(forms.CharField):
    """Several lines."""

    default_validators = [only_text]  # noqa: RUF012

    def to_python(self, value: Any) -> str:
        return "\n".join((super().to_python(value) or "").splitlines())
