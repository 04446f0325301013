"""Verify an email address with a six-digit code.

Whether the address has an account is not looked up here, so no answer can reveal it. NIST SP 800-63B-4 3.1.3.

Anyone can request a code to any address, because nothing is proved before the code is entered. Two pools keep one caller
from using up the owner's codes:

- Strangers share 9 codes per hour and 18 per day to one address. Each network (an IPv4 address, an IPv6 /48) gets at most
  3 per hour and 6 per day of those, so it takes three networks to use them up.
- Callers who have opened a registration share another 6 per hour and 12 per day, at most 3 and 6 per registration.
  Strangers cannot use these.

So one address gets at most 15 emails per hour and 30 per day.
"""

import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext

from notifications import outbox
from notifications.models import Channel
from portal.models import Practice
from portal.phones import national
from registration import pins
from registration.claiming import rate_limits
from registration.models import EmailCode

VALID_FOR: Final = timedelta(minutes=15)
MAX_ATTEMPTS: Final = 5


class TooManyCodes(Exception):
    """For a while, no more codes can be sent to this address or for this caller."""


class CodeExpired(Exception):
    """The code has expired, was used, or has no attempts left. The caller needs a new one."""


@transaction.atomic
def send_code(
    address: str, *, practice: Practice | None, language: str, requester_address: str | None, opened_with: str = ""
) -> UUID:
    """Enqueue an email with a new code and return the code's id. Raises TooManyCodes.

    `requester_address` is the caller's IP address; `opened_with` names the registration that the caller has opened.
    """
    try:
        rate_limits.consume_code(to=address.casefold(), requester_address=requester_address, opened_with=opened_with)
    except rate_limits.TooManyAttempts:
        raise TooManyCodes from None
    digits = f"{secrets.randbelow(1_000_000):06}"
    now = timezone.now()
    code = EmailCode.objects.create(
        address=address, digest=pins.digest(digits), created_at=now, expires_at=now + VALID_FOR
    )
    with translation.override(language):
        _enqueue_email(address, digits, practice=practice, valid_until=code.expires_at)
    return code.pk


def _enqueue_email(address: str, digits: str, *, practice: Practice | None, valid_until: datetime) -> None:
    name = practice.name if practice else gettext("Patient portal")
    context = {
        "practice": practice,
        "phone": national(practice.phone) if practice else "",
        "code": digits,
        "minutes": VALID_FOR // timedelta(minutes=1),
    }
    outbox.enqueue(
        practice=practice,
        channel=Channel.EMAIL,
        recipient=address,
        shown_recipient=address,
        sender_name=name,
        reply_to=practice.email if practice else "",
        subject=gettext("%(practice)s: your code") % {"practice": name},
        text=render_to_string("registration/messages/code.txt", context),
        valid_until=valid_until,
    )


def verify_code(code_id: UUID, typed: str) -> bool:
    """Return True if the code is correct, and use up the code.

    Otherwise return False. Raises CodeExpired, also after the last wrong attempt.
    """
    open_codes = EmailCode.objects.filter(pk=code_id, used_at=None, expires_at__gt=timezone.now())
    # Counted before the comparison, so that simultaneous attempts are all counted.
    if not open_codes.filter(attempts__lt=MAX_ATTEMPTS).update(attempts=F("attempts") + 1):
        raise CodeExpired
    code = EmailCode.objects.get(pk=code_id)
    if pins.matches("".join(filter(str.isdecimal, typed)), code.digest):
        if not open_codes.update(used_at=timezone.now()):
            raise CodeExpired
        return True
    if code.attempts >= MAX_ATTEMPTS:
        raise CodeExpired
    return False


def delete_old() -> None:
    EmailCode.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()
