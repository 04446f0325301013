"""Forms of the last sign-up steps, which create an account or add to one."""

from typing import Any, Final

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from portal.form_messages import FamilyForm
from portal.models import User
from registration.family.forms.fields import Choices, EmailField
from registration.family.labels import relationship_choices
from registration.family.signup.drafts import SELF, Draft

PASSWORD: Final = "password"  # noqa: S105 - a form choice, not a secret
PASSKEY: Final = "passkey"


class SignInDetailsForm(FamilyForm):
    """Asks how the family will sign in. If the password is empty, the draft keeps the password it already has."""

    email = EmailField(help_text=gettext_lazy("You’ll use it to sign in, and we’ll send our emails there."))
    sign_in_method = forms.ChoiceField(
        label=gettext_lazy("How do you want to sign in?"), required=False, widget=Choices, initial=PASSWORD
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=256,
        help_text=gettext_lazy("At least 15 characters. Try four random words, like “purple otter dances slowly”."),
        widget=forms.PasswordInput(
            {"class": "form-control", "autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    terms = forms.BooleanField(
        label=gettext_lazy("I accept the terms of use"),
        error_messages={"required": gettext_lazy("You need to accept the terms of use to create an account.")},
    )

    def __init__(self, *args: Any, draft: Draft, is_kiosk: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.draft = draft
        sign_in_method = self.fields["sign_in_method"]
        assert isinstance(sign_in_method, forms.ChoiceField)
        sign_in_method.choices = [
            (PASSWORD, _("With a password")),
            (PASSKEY, _("With a passkey (your fingerprint, face or screen lock)")),
        ]
        if is_kiosk:
            del self.fields["sign_in_method"]
            for name in ("email", "password"):
                self.fields[name].widget.attrs["autocomplete"] = "off"
        if draft.password_hash:
            self.fields["password"].help_text = _("You already entered a password. Leave this blank to keep it.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("sign_in_method") == PASSKEY:
            return cleaned | {"password": "", "uses_passkey": True}
        password = cleaned.get("password") or ""
        if password:
            self._validate_password(password, email=cleaned.get("email", ""))
        elif not self.draft.password_hash and "password" not in self.errors:
            self.add_error("password", _("Create a password with at least 15 characters."))
        return cleaned | {"uses_passkey": False}

    def _validate_password(self, password: str, *, email: str) -> None:
        about_you = self.draft.about_you or {}
        name = " ".join(filter(None, [about_you.get("given_names"), about_you.get("family_name")]))
        try:
            password_validation.validate_password(password, User(email=email, name=name))
        except forms.ValidationError as error:
            self.add_error("password", error)

    def draft_values(self) -> dict[str, Any]:
        """Return the values for the draft.

        The password is hashed here, before the account is looked up, so that the response takes the same time whether
        or not the address has an account.
        """
        cleaned = self.cleaned_data
        password = cleaned["password"]
        earlier_hash = "" if cleaned["uses_passkey"] else self.draft.password_hash
        return {
            "email": cleaned["email"],
            "uses_passkey": cleaned["uses_passkey"],
            "password_hash": make_password(password) if password else earlier_hash,
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
        error_messages={"required": gettext_lazy("Enter the 6-digit code from the email.")},
    )

    def clean_code(self) -> str:
        digits = "".join(filter(str.isdecimal, self.cleaned_data["code"]))
        if len(digits) != 6:
            raise forms.ValidationError(_("The code has 6 digits. Check what you typed."))
        return digits


class RelationshipForm(FamilyForm):
    relationship = forms.ChoiceField(
        label=gettext_lazy("Your relationship to the child"),
        widget=forms.Select({"class": "form-select"}),
        error_messages={"required": gettext_lazy("Choose your relationship to the child.")},
    )

    def __init__(self, *args: Any, may_be_self: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["relationship"]
        assert isinstance(field, forms.ChoiceField)
        own = [(SELF, pgettext("relationship", "Myself (I’m the patient)"))] if may_be_self else []
        field.choices = [("", _("Choose")), *own, *relationship_choices()]
