"""Our own wording of the errors that Django's form fields report.

Every form of the project derives from `StaffForm`, `StaffModelForm` or `FamilyForm`, or mixes in one of the two `...Messages`
classes. A field's own `error_messages` take precedence, and so do `default_error_messages` of our own field classes.
"""

from typing import Any

from django import forms
from django.forms.utils import pretty_name
from django.utils.translation import gettext as _


class FamilyMessages(forms.BaseForm):
    """Replace Django's error messages with translatable ones that do not depend on the label."""

    def full_clean(self) -> None:
        """Set the messages just before validation, when labels and fields added by `__init__` are known."""
        for name, field in self.fields.items():
            _fill_in(field, {**_messages_for(field), "required": self.required_message(name, field)})
        super().full_clean()

    def required_message(self, name: str, field: forms.Field) -> str:
        match field:
            case forms.BooleanField():
                return _("Check this box to continue.")
            case forms.ChoiceField():
                return _("Choose one.")
            case forms.DateField():
                return _("Enter a date like 12/31/2026.")
            case forms.FileField():
                return _("Choose a file.")
        return _("Fill this in.")


class StaffMessages(FamilyMessages):
    """Name the field in the messages about fields that staff type into, such as "Enter the reason."."""

    def required_message(self, name: str, field: forms.Field) -> str:
        label = str(field.label or pretty_name(name))
        is_typed = not isinstance(field, forms.BooleanField | forms.ChoiceField | forms.DateField | forms.FileField)
        if is_typed and not label.endswith("?"):
            return f"Enter the {_lower_first(label)}."
        return super().required_message(name, field)


class FamilyForm(FamilyMessages, forms.Form):
    pass


class StaffForm(StaffMessages, forms.Form):
    pass


class StaffModelForm(StaffMessages, forms.ModelForm[Any]):
    pass


def _fill_in(field: forms.Field, messages: dict[str, str]) -> None:
    """Set the messages of `field` that are missing or still have Django's wording."""
    framework: dict[str, Any] = {}
    for cls in reversed(type(field).__mro__):
        defaults = vars(cls).get("default_error_messages", {})
        is_framework = cls.__module__.startswith(("django.", "allauth."))
        framework |= defaults if is_framework else dict.fromkeys(defaults)
    for code, message in messages.items():
        if code not in field.error_messages or field.error_messages[code] == framework.get(code):
            field.error_messages[code] = message


def _messages_for(field: forms.Field) -> dict[str, str]:
    """Return messages by error code.

    A plain CharField gets no message for "invalid", because only its validators use that code and have messages of
    their own.
    """
    messages = {
        "invalid_choice": _("Choose one from the list."),
        "invalid_list": _("Choose from the list."),
        "invalid_pk_value": _("Choose from the list."),
        "max_length": _("Use no more than %(limit_value)d characters."),
        "min_length": _("Use at least %(limit_value)d characters."),
        "max_value": _("Enter %(limit_value)s or less."),
        "min_value": _("Enter %(limit_value)s or more."),
        "null_characters_not_allowed": _("Remove the special characters."),
    }
    match field:
        case forms.EmailField():
            messages["invalid"] = _("Enter an email address like name@example.com.")
        case forms.DateField():
            messages["invalid"] = _("Enter a date like 12/31/2026.")
        case forms.IntegerField():
            messages["invalid"] = _("Enter a whole number.")
        case forms.SlugField():
            messages["invalid"] = _("Use only letters, numbers, hyphens and underscores.")
        case forms.UUIDField():
            messages["invalid"] = _("Reload this page and try again.")
        case forms.FileField():
            for code in ("invalid", "missing", "empty", "contradiction"):
                messages[code] = _("Choose a file.")
            messages["max_length"] = _("Choose a file with a shorter name.")
    return messages


def _lower_first(label: str) -> str:
    """Lower the first letter, except in an abbreviation.

    >>> _lower_first("Last name"), _lower_first("PIN")
    ('last name', 'PIN')
    """
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
