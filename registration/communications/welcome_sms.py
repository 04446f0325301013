"""The text of the welcome SMS: its different versions, and how the longest one that fits in one message is chosen.

The welcome email is in templates/registration/messages/welcome.txt and welcome.html. Only plain ASCII is sent. Some
gateways garble other letters, and a single letter outside GSM-7 shortens a message from 160 to 70 characters.
Translations must therefore be clear without accents or ñ, and must not contain questions, because the Spanish "¿" is
lost.
"""

from collections.abc import Iterable
from typing import Final

from anyascii import anyascii
from django.utils.translation import gettext_lazy as _

from registration.values import Refused

# One SMS has 160 GSM-7 characters, and the gateway uses some of them for the sender.
MAX_LENGTH: Final = 140
# The printable ASCII characters that count as one character in GSM-7.
_PLAIN: Final = {chr(code) for code in range(32, 127)} - set("[]{}\\^~|`")

# Each list begins with the longest wording. `until` is "Nov 30, 3:15 PM", `by` is "Nov 30 3:15PM".
PIN: Final = (
    _("%(name)s: portal PIN %(pin)s for %(who)s, use it by %(until)s at %(url)s Not for you? Call %(phone)s"),
    _("%(name)s: PIN %(pin)s for %(who)s, use by %(until)s: %(url)s Not for you? %(phone)s"),
    _("%(name)s: PIN %(pin)s for %(who)s, use by %(by)s %(url)s %(phone)s"),
    _("%(name)s: PIN %(pin)s expires %(by)s %(url)s %(phone)s"),
)
QUESTION_LINK: Final = (
    _("%(name)s: portal access for %(who)s, use this link by %(until)s: %(link)s Not for you? Call %(phone)s"),
    _("%(name)s: portal access, use by %(until)s: %(link)s Help: %(phone)s"),
    _("%(name)s portal: open by %(by)s %(link)s %(phone)s"),
    _("%(name)s: by %(by)s %(link)s %(phone)s"),
)
OFFER: Final = (
    _("%(name)s: sign in by %(until)s to add %(who)s to your account: %(link)s Not for you? Call %(phone)s"),
    _("%(name)s: sign in by %(until)s to confirm: %(link)s Help: %(phone)s"),
    _("%(name)s: confirm by %(by)s %(link)s %(phone)s"),
)


def first_that_fits(texts: Iterable[str]) -> str:
    """Return the first text that fits in one SMS, in plain ASCII. Raises Refused if none fits."""
    for text in texts:
        plain = "".join(filter(_PLAIN.__contains__, anyascii(text)))
        if len(plain) <= MAX_LENGTH:
            return plain
    raise Refused(
        "The portal’s address is too long for a text message. Choose Email Address or Print PIN.", field="delivery"
    )
