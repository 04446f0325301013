"""Forms on the pages of a signed-in family."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy

from portal.form_messages import FamilyForm
from portal.text_fields import TextField
from registration.family.forms.fields import EmailField, NameField, PhoneField


class ProfileForm(FamilyForm):
    given_names = NameField(
        gettext_lazy("First name"), autocomplete="given-name", missing=gettext_lazy("Enter your first name.")
    )
    family_name = NameField(
        gettext_lazy("Last name"), autocomplete="family-name", missing=gettext_lazy("Enter your last name.")
    )
    phone = PhoneField()
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("We’ll use it on these pages and in our emails and text messages to you."),
        choices=settings.LANGUAGES,
        widget=forms.Select({"class": "form-select"}),
        error_messages={"required": gettext_lazy("Choose a language.")},
    )


class EmailForm(FamilyForm):
    email = EmailField(label=gettext_lazy("New email address"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].widget.attrs["autocomplete"] = "email"


class AnswerQuestionForm(FamilyForm):
    """The family's answer when the practice asks for more information about a request."""

    answer = TextField(
        label=gettext_lazy("Your answer"),
        max_length=500,
        widget=forms.Textarea({"class": "form-control", "rows": 3}),
        error_messages={"required": gettext_lazy("Enter your answer.")},
    )
