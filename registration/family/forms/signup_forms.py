"""Forms of the first sign-up steps. The forms check only the format. The use cases decide what the values allow."""

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.form_messages import FamilyForm
from portal.models import Practice
from portal.text_fields import LineField
from registration.family.forms.fields import (
    BirthDateField,
    Choices,
    Key,
    NameField,
    PhoneField,
    PinField,
    read_token,
)
from registration.family.labels import relationship_choices
from registration.family.signup.drafts import SELF


class PinForm(FamilyForm):
    """A PIN and a date of birth. A link in a message fills in `link` or `mark` instead (static/js/family.js)."""

    pin = PinField()
    link = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    mark = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    birth_date = BirthDateField(label=gettext_lazy("Patient’s date of birth"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.from_link = read_token(self.data.get("link", "")) if self.is_bound else None
        if self.from_link:
            self.fields["pin"].required = False

    def key(self) -> Key:
        entered: Key | None = self.cleaned_data["pin"]
        key = self.from_link or entered
        assert key is not None
        return replace(key, mark=key.mark or self.cleaned_data["mark"])


class BirthDateForm(FamilyForm):
    birth_date = BirthDateField(label=gettext_lazy("Date of birth"))


class AnswerForm(FamilyForm):
    """The answer to the verification question that the family and the practice agreed on."""

    answer = forms.CharField(
        max_length=200,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Enter your answer.")},
    )

    def __init__(self, *args: Any, question: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["answer"].label = question
        self.fields["answer"].help_text = _("Capital letters, accents and spaces don’t matter.")


class AboutYouForm(FamilyForm):
    """Who the family member is: the patient (only if `may_be_self`), or someone who cares for a child."""

    who = forms.ChoiceField(
        label=gettext_lazy("Who is the account for?"),
        widget=Choices,
        error_messages={"required": gettext_lazy("Choose who the account is for.")},
    )
    given_names = NameField(
        gettext_lazy("Your first name"), autocomplete="given-name", missing=gettext_lazy("Enter your first name.")
    )
    family_name = NameField(
        gettext_lazy("Your last name"), autocomplete="family-name", missing=gettext_lazy("Enter your last name.")
    )
    relationship = forms.ChoiceField(
        label=gettext_lazy("Your relationship to the child"),
        required=False,
        widget=forms.Select({"class": "form-select"}),
    )
    phone = PhoneField()
    street = NameField(
        gettext_lazy("Street address (optional)"), autocomplete="address-line1", max_length=200, required=False
    )
    postal_code = LineField(
        label=gettext_lazy("ZIP code (optional)"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "postal-code"}),
    )

    def __init__(
        self, *args: Any, may_be_self: bool, with_address: bool = False, has_account: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        who, relationship = self.fields["who"], self.fields["relationship"]
        assert isinstance(who, forms.ChoiceField)
        assert isinstance(relationship, forms.ChoiceField)
        who.choices = [("child", _("A child or someone I care for")), (SELF, _("Myself (I’m the patient)"))]
        relationship.choices = [("", _("Choose")), *relationship_choices()]
        unused = [] if with_address else ["street", "postal_code"]
        unused += ["given_names", "family_name", "phone"] if has_account else []
        for name in unused if may_be_self else [*unused, "who"]:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("who") == SELF:
            cleaned["relationship"] = SELF
        elif not cleaned.get("relationship") and "relationship" not in self.errors:
            self.add_error("relationship", _("Choose your relationship to the child."))
        return cleaned

    def about_you(self) -> dict[str, str]:
        """Return the values for the draft."""
        return {name: value for name, value in self.cleaned_data.items() if name != "who"}


class ChildForm(FamilyForm):
    """A child for whom a family without a PIN requests access."""

    given_names = NameField(
        gettext_lazy("Child’s first name"),
        autocomplete="off",
        missing=gettext_lazy("Enter the child’s first name."),
        max_length=160,
    )
    family_name = NameField(
        gettext_lazy("Child’s last name"),
        autocomplete="off",
        missing=gettext_lazy("Enter the child’s last name."),
        max_length=120,
    )
    birth_date = BirthDateField(label=gettext_lazy("Child’s date of birth"))


class PracticeForm(FamilyForm):
    practice = forms.ChoiceField(
        label=gettext_lazy("Practice"),
        widget=Choices,
        error_messages={"required": gettext_lazy("Choose your practice.")},
    )

    def __init__(self, *args: Any, practices: list[Practice], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["practice"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(practice.pk), practice.name) for practice in practices]
