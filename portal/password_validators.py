"""Django's password validators with our own messages."""

from django.contrib.auth import password_validation
from django.utils.translation import gettext as _


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return _("Use at least %(number)s characters.") % {"number": self.min_length}

    def get_help_text(self) -> str:
        return self.get_error_message()


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("This password is too easy to guess. Choose another one.")

    def get_help_text(self) -> str:
        return _("Don’t use a common password.")


class UserAttributeSimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    def get_error_message(self) -> str:
        return _("This password is too similar to your name or email address. Choose another one.")

    def get_help_text(self) -> str:
        return _("Don’t use your name or email address.")
