"""Give django-allauth's forms our own error messages. `ACCOUNT_FORMS` and `MFA_FORMS` in the settings list them."""

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.recovery_codes import forms as recovery_codes
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn

from portal.form_messages import FamilyMessages


class Login(FamilyMessages, account.LoginForm):  # type: ignore[misc]  # allauth ships no types
    pass


class ChangePassword(FamilyMessages, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPassword(FamilyMessages, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPassword(FamilyMessages, account.ResetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordFromKey(FamilyMessages, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ConfirmPasswordResetCode(FamilyMessages, account.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    pass


class Reauthenticate(FamilyMessages, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class Authenticate(FamilyMessages, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateWithCode(FamilyMessages, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateTotp(FamilyMessages, totp.ActivateTOTPForm):  # type: ignore[misc]
    pass


class GenerateRecoveryCodes(FamilyMessages, recovery_codes.GenerateRecoveryCodesForm):  # type: ignore[misc]
    pass


class AddPasskey(FamilyMessages, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    pass


class EditPasskey(FamilyMessages, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    pass
