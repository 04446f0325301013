"""The shape of what families type. What follows from it is decided by the use cases."""

from dataclasses import replace
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.form_messages import FamilyForm
from portal.models import Practice, User
from portal.text_fields import LineField, TextField
from registration.family.forms.fields import (
    BirthDateField,
    Choices,
    EmailField,
    Key,
    NameField,
    PhoneField,
    PinField,
    read_token,
)
from registration.family.labels import relationships
from registration.family.signup.draft import SELF, Draft

PASSPHRASE: Final = "passphrase"  # noqa: S105 - a choice, no secret
PASSKEY: Final = "passkey"


class PinForm(FamilyForm):
    """The door: a PIN, or the token that a link left in the hidden field; and a date of birth."""

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
        typed: Key | None = self.cleaned_data["pin"]
        key = self.from_link or typed
        assert key is not None
        return replace(key, mark=key.mark or self.cleaned_data["mark"])


class BirthDateForm(FamilyForm):
    birth_date = BirthDateField(label=gettext_lazy("Date of birth"))


class AnswerForm(FamilyForm):
    answer = forms.CharField(
        max_length=200,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type your answer.")},
    )

    def __init__(self, *args: Any, question: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["answer"].label = question
        self.fields["answer"].help_text = _("Capital letters, accents and spaces do not matter.")


class AboutYouForm(FamilyForm):
    """Who the family member is: the patient (`may_be_self`), or somebody for a child."""

    who = forms.ChoiceField(
        label=gettext_lazy("Who is the account for?"),
        widget=Choices,
        error_messages={"required": gettext_lazy("Choose one.")},
    )
    given_names = NameField(gettext_lazy("Your first name"), autocomplete="given-name")
    family_name = NameField(gettext_lazy("Your last name"), autocomplete="family-name")
    relationship = forms.ChoiceField(
        label=gettext_lazy("You are the child’s"), required=False, widget=forms.Select({"class": "form-select"})
    )
    phone = PhoneField()
    street = NameField(
        gettext_lazy("Street and number (optional)"), autocomplete="address-line1", max_length=200, required=False
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
        who.choices = [("child", _("A child or somebody I care for")), (SELF, _("Myself: I am the patient"))]
        relationship.choices = [("", _("Choose")), *relationships()]
        unused = [] if with_address else ["street", "postal_code"]
        unused += ["given_names", "family_name", "phone"] if has_account else []
        for name in unused if may_be_self else [*unused, "who"]:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("who") == SELF:
            cleaned["relationship"] = SELF
        elif not cleaned.get("relationship") and "relationship" not in self.errors:
            self.add_error("relationship", _("Choose what you are to the child."))
        return cleaned

    def you(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if name != "who"}


class ChildForm(FamilyForm):
    """A child that a family asks for without a PIN."""

    given_names = NameField(gettext_lazy("Child’s first name"), autocomplete="off", max_length=160)
    family_name = NameField(gettext_lazy("Child’s last name"), autocomplete="off", max_length=120)
    birth_date = BirthDateField(label=gettext_lazy("Child’s date of birth"))


class PracticeForm(FamilyForm):
    practice = forms.ChoiceField(label=gettext_lazy("Practice"), widget=Choices)

    def __init__(self, *args: Any, practices: list[Practice], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["practice"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(each.pk), each.name) for each in practices]


class SignInDetailsForm(FamilyForm):
    """How the family will sign in. A passphrase that was typed before need not be typed again."""

    email = EmailField(help_text=gettext_lazy("You sign in with it. We write to you there."))
    way = forms.ChoiceField(
        label=gettext_lazy("How do you want to sign in?"), required=False, widget=Choices, initial=PASSPHRASE
    )
    passphrase = forms.CharField(
        label=gettext_lazy("Passphrase"),
        required=False,
        strip=False,
        max_length=256,
        help_text=gettext_lazy("15 characters or more. Four words that only you would put together are good."),
        widget=forms.PasswordInput(
            {"class": "form-control", "autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    terms = forms.BooleanField(
        label=gettext_lazy("I accept the terms of use"),
        error_messages={"required": gettext_lazy("Without accepting the terms of use there is no account.")},
    )

    def __init__(self, *args: Any, draft: Draft, on_our_screen: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.draft = draft
        way = self.fields["way"]
        assert isinstance(way, forms.ChoiceField)
        way.choices = [
            (PASSPHRASE, _("With a passphrase")),
            (PASSKEY, _("With a passkey: my fingerprint, my face or my screen lock")),
        ]
        if on_our_screen:
            del self.fields["way"]
            for name in ("email", "passphrase"):
                self.fields[name].widget.attrs["autocomplete"] = "off"
        if draft.password_hash:
            self.fields["passphrase"].help_text = _("You typed one before. Leave this empty to keep it.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("way") == PASSKEY:
            return cleaned | {"passphrase": "", "by_passkey": True}
        typed = cleaned.get("passphrase") or ""
        if typed:
            self._check(typed, email=cleaned.get("email", ""))
        elif not self.draft.password_hash and "passphrase" not in self.errors:
            self.add_error("passphrase", _("Think of a passphrase of 15 characters or more."))
        return cleaned | {"by_passkey": False}

    def _check(self, typed: str, *, email: str) -> None:
        you = self.draft.you or {}
        name = " ".join(filter(None, [you.get("given_names"), you.get("family_name")]))
        try:
            password_validation.validate_password(typed, User(email=email, name=name))
        except forms.ValidationError as error:
            self.add_error("passphrase", error)

    def typed(self) -> dict[str, Any]:
        """What the draft keeps of it. The passphrase is hashed whether anybody has this address or not."""
        cleaned = self.cleaned_data
        passphrase = cleaned["passphrase"]
        kept = "" if cleaned["by_passkey"] else self.draft.password_hash
        return {
            "email": cleaned["email"],
            "by_passkey": cleaned["by_passkey"],
            "password_hash": make_password(passphrase) if passphrase else kept,
        }


class CodeForm(FamilyForm):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(
            {
                "class": "form-control code-input",
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "maxlength": None,
            }
        ),
        error_messages={"required": gettext_lazy("Type the six digits from the e-mail.")},
    )

    def clean_code(self) -> str:
        digits = "".join(filter(str.isdecimal, self.cleaned_data["code"]))
        if len(digits) != 6:
            raise forms.ValidationError(_("The code has six digits."))
        return digits


class RelationshipForm(FamilyForm):
    relationship = forms.ChoiceField(
        label=gettext_lazy("You are the child’s"),
        widget=forms.Select({"class": "form-select"}),
        error_messages={"required": gettext_lazy("Choose what you are to the child.")},
    )

    def __init__(self, *args: Any, may_be_self: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["relationship"]
        assert isinstance(field, forms.ChoiceField)
        own = [(SELF, _("Myself: I am the patient"))] if may_be_self else []
        field.choices = [("", _("Choose")), *own, *relationships()]


class ProfileForm(FamilyForm):
    given_names = NameField(gettext_lazy("First name"), autocomplete="given-name")
    family_name = NameField(gettext_lazy("Last name"), autocomplete="family-name")
    phone = PhoneField()
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("For these pages and for what we write to you."),
        choices=settings.LANGUAGES,
        widget=forms.Select({"class": "form-select"}),
    )


class EmailForm(FamilyForm):
    email = EmailField(label=gettext_lazy("New e-mail address"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["email"].widget.attrs["autocomplete"] = "email"


class AnswerQuestionForm(FamilyForm):
    answer = TextField(
        label=gettext_lazy("Your answer"),
        max_length=500,
        widget=forms.Textarea({"class": "form-control", "rows": 3}),
        error_messages={"required": gettext_lazy("Type your answer.")},
    )
