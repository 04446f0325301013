"""Give django-allauth's forms our own error messages. `ACCOUNT_FORMS` and `MFA_FORMS` in the settings list them.

`portal.sign_in_messages` has the messages of django-allauth's adapters.
"""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.recovery_codes import forms as recovery_codes
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.utils.translation import gettext as _

from portal.form_messages import FamilyMessages


class AccountMessages(FamilyMessages):
    def required_message(self, name: str, field: forms.Field) -> str:
        match name:
            case "login" | "email":
                return _("Enter your email address.")
            case "password" | "oldpassword":
                return _("Enter your password.")
            case "password1":
                return _("Enter a new password.")
            case "password2":
                return _("Enter the new password again.")
            case "code":
                return _("Enter the code.")
            case "name":
                return _("Enter a name.")
        return super().required_message(name, field)


class NewPasswordMessages(AccountMessages):
    """Error messages for the forms in which a new password is typed twice."""

    def clean(self) -> dict[str, Any]:
        # Calls the method after allauth's mixin, because the mixin has a message that we cannot replace.
        super(account.PasswordVerificationMixin, self).clean()
        cleaned = self.cleaned_data
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords don’t match. Enter them again."))
        return cleaned


class Login(AccountMessages, account.LoginForm):  # type: ignore[misc]  # allauth ships no types
    pass


class ChangePassword(NewPasswordMessages, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPassword(NewPasswordMessages, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPassword(AccountMessages, account.ResetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordFromKey(NewPasswordMessages, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ConfirmPasswordResetCode(AccountMessages, account.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    pass


class Reauthenticate(AccountMessages, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class Authenticate(AccountMessages, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateWithCode(AccountMessages, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateTotp(AccountMessages, totp.ActivateTOTPForm):  # type: ignore[misc]
    pass


class GenerateRecoveryCodes(AccountMessages, recovery_codes.GenerateRecoveryCodesForm):  # type: ignore[misc]
    pass


class AddPasskey(AccountMessages, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    pass


class EditPasskey(AccountMessages, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    pass
