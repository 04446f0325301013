"""That an e-mail address is somebody's: a six-digit code is sent there and typed here.

Whether anybody has an account with the address is not asked, so that no answer can tell it. NIST SP 800-63B-4 3.1.3.

An address belongs to nobody before it is proved, so anybody may ask for a code to it. Each asker (a network: an IPv4
address, an IPv6 /48) has a share of its own, 3 an hour and 6 a day, of the 9 an hour and 18 a day that strangers have
together: it takes three networks, not one, to use up what is left for the owner. Whoever opened a registration with its
key is no stranger and has 3 of another 6 an hour, 6 of another 12 a day, which strangers do not touch.
So an address gets 9 + 6 = 15 mails an hour at most, and 18 + 12 = 30 a day.
"""

import secrets
from datetime import timedelta
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
    """No further code for a while, to this address or from this caller."""


class CodeExpired(Exception):
    """The code has run out, was used, or was tried too often: a new one is needed."""


@transaction.atomic
def send_code(
    address: str, *, practice: Practice | None, language: str, asked_from: str | None, known_as: str = ""
) -> UUID:
    """Owes the address a code, and names it. `known_as` names who proved already to be somebody. Raises TooManyCodes."""
    try:
        rate_limits.consume_code(to=address.casefold(), asked_from=asked_from, known_as=known_as)
    except rate_limits.TooManyAttempts:
        raise TooManyCodes from None
    digits = f"{secrets.randbelow(1_000_000):06}"
    now = timezone.now()
    code = EmailCode.objects.create(
        address=address, digest=pins.digest(digits), created_at=now, expires_at=now + VALID_FOR
    )
    with translation.override(language):
        context = {"practice": practice, "phone": national(practice.phone) if practice else "", "code": digits}
        name = practice.name if practice else gettext("Patient portal")
        outbox.enqueue(
            practice=practice,
            channel=Channel.EMAIL,
            recipient=address,
            shown_recipient=address,
            sender_name=name,
            reply_to=practice.email if practice else "",
            subject=gettext("%(practice)s: your code") % {"practice": name},
            text=render_to_string(
                "registration/messages/code.txt", {**context, "minutes": VALID_FOR // timedelta(minutes=1)}
            ),
            valid_until=code.expires_at,
        )
    return code.pk


def verify_code(code_id: UUID, typed: str) -> bool:
    """Whether this is the code; a right one is used up. Raises CodeGone, also with the last wrong try."""
    open_codes = EmailCode.objects.filter(pk=code_id, used_at=None, expires_at__gt=timezone.now())
    # Counted before it is compared, so that tries at the same moment are all counted.
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
