"""Our own words for the errors that django-allauth's adapters report, for staff and families."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WRONG_CODE: Final = _("That code isn’t right. Check it and try again.")

ACCOUNT_ERRORS: Final[dict[str, Promise]] = {
    "account_inactive": _("This account is closed. Call the practice."),
    "email_password_mismatch": _("The email address or password isn’t right. Check both and try again."),
    "enter_current_password": _("That isn’t your current password. Try again."),
    "incorrect_code": _WRONG_CODE,
    "incorrect_password": _("That password isn’t right. Try again."),
    "invalid_login": _("The email address or password isn’t right. Check both and try again."),
    "invalid_or_expired_key": _("This link has expired. Request a new code."),
    "invalid_password_reset": _("This link has expired. Request a new code."),
    "rate_limited": _("There were too many tries. Wait a few minutes, then try again."),
    "too_many_login_attempts": _("There were too many tries. Wait a few minutes, then try again."),
}

SECOND_FACTOR_ERRORS: Final[dict[str, Promise]] = {
    "incorrect_code": _WRONG_CODE,
}
