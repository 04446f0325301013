"""Send allauth's emails (password codes, account changes) through the outbox.

The emails are written in the active language: the family's language on family pages, English on staff pages.
"""

from datetime import timedelta
from typing import Any, ClassVar

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from notifications import outbox
from notifications.models import Channel
from portal.sign_in_messages import ACCOUNT_ERRORS


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | ACCOUNT_ERRORS

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False to close allauth's sign-up page: administrators create staff accounts, and families use `/start/`."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        code_valid_for = timedelta(seconds=app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT)
        extra_context = {
            "request": allauth_context.request,
            "email": email,
            "code_minutes": code_valid_for // timedelta(minutes=1),
        }
        mail = self.render_mail(template_prefix, email, extra_context | context)
        with transaction.atomic():
            outbox.enqueue(
                practice=None,
                channel=Channel.EMAIL,
                recipient=email,
                shown_recipient=email,
                sender_name=gettext("Practice portal"),
                subject=mail.subject,
                text=mail.body,
                valid_until=timezone.now() + code_valid_for if "code" in context else None,
            )
