"""What a family is told: the welcome, as an e-mail and as a text.

A message names the practice, the portal's address, the PIN, how long it is good and a number to ring; never the child's
full name, the date of birth or the reason of a visit (HIPAA minimum necessary, 45 CFR 164.502(b)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, assert_never
from urllib.parse import urlencode

from anyascii import anyascii
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from notifications import outbox
from notifications.models import Channel, OutgoingMessage
from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration import pins
from registration.communications import languages
from registration.pins import Pin
from registration.values import ByEmail, ByText, Delivery, InPerson, Refused

# One part of a text is 160 GSM-7 characters, of which a gateway uses some for the sender.
_BUDGET: Final = 140
# The printable ASCII characters that GSM-7 has, less those that count twice.
_PLAIN: Final = {chr(code) for code in range(32, 127)} - set("[]{}\\^~|`")


@dataclass(frozen=True, kw_only=True, repr=False)
class Welcome:
    """What there is to tell: a PIN, a link's token with the question that guards it, or that it is to be confirmed.

    Without a PIN and a token it is an offer to somebody who has an account: nothing in it is secret.
    """

    practice: Practice
    patients: Sequence[Patient]
    recipient_name: str
    pin: Pin | None
    token: str | None
    question: str
    expires_at: datetime
    language: str = languages.ENGLISH

    @property
    def is_offer(self) -> bool:
        return not (self.pin or self.token)

    @property
    def start_url(self) -> str:
        return start_url(self.language, self.practice)

    @property
    def link(self) -> str:
        return self.link_from(self.start_url)

    @property
    def mail_link(self) -> str:
        """The link of an e-mail, which proves that it was read there."""
        return f"{self.link}.{pins.email_proof(self.pin)}" if self.pin else self.link

    def link_from(self, start: str) -> str:
        """The address that leads on, with what is secret in it after `start`."""
        if self.pin:
            return pin_link(start, self.pin)
        return f"{start}#q={self.token}" if self.token else family_url(self.language)

    @property
    def who(self) -> str:
        return who_label(self.practice, self.patients)

    @property
    def phone(self) -> str:
        return national(self.practice.phone)

    @property
    def until(self) -> str:
        return languages.format_moment(self.expires_at, self.practice.zone)


@dataclass(frozen=True, kw_only=True, repr=False)
class Mail:
    subject: str
    text: str
    html: str


def start_url(language: str = languages.ENGLISH, practice: Practice | None = None) -> str:
    """The family's door. It says the language where it is not English, and the practice where there are several."""
    query = _language_query(language)
    if practice and practice.slug and Practice.objects.exclude(pk=practice.pk).exists():
        query["practice"] = practice.slug
    return _address("start", query)


def family_url(language: str = languages.ENGLISH) -> str:
    """The family's pages, behind the sign-in, which speaks the language too."""
    return _address("family", _language_query(language))


def _language_query(language: str) -> dict[str, str]:
    return {} if language == languages.ENGLISH else {"lang": language}


def _address(page: str, query: dict[str, str]) -> str:
    address = f"{settings.PUBLIC_URL}/{page}/"
    return f"{address}?{urlencode(query)}" if query else address


def pin_link(start: str, pin: Pin) -> str:
    """The start page with the PIN in the fragment, which no browser sends to a server (ASVS 14.2.1)."""
    return f"{start}#pin={pin.characters}"


def who_label(practice: Practice, patients: Sequence[Patient]) -> str:
    """How a message or a sheet says whom it is about, as the practice wishes: "A.G." or "Ana", and "A.G. and M.G."."""
    return languages.join(names_for_message(practice, patients))


def names_for_message(practice: Practice, patients: Sequence[Patient]) -> list[str]:
    first_names = practice.name_on_messages == Practice.NameOnMessages.FIRST_NAME
    return [each.first_name if first_names else each.initials for each in patients]


def enqueue_welcome(welcome: Welcome, delivery: Delivery) -> OutgoingMessage | None:
    """Puts the welcome into the outbox, within the caller's transaction; None where the PIN is told in person."""
    enqueue = partial(
        outbox.enqueue,
        practice=welcome.practice,
        about=welcome.patients[0].pk,
        sender_name=welcome.practice.name,
        reply_to=welcome.practice.email,
        valid_until=welcome.expires_at,
    )
    match delivery:
        case InPerson():
            return None
        case ByEmail(address):
            mail = welcome_email(welcome)
            return enqueue(
                channel=Channel.EMAIL,
                recipient=address,
                shown_recipient=address,
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
            )
        case ByText(number, carrier):
            return enqueue(
                channel=Channel.TEXT,
                recipient=carrier.address_of(number),
                shown_recipient=number,
                subject="",
                text=welcome_text(welcome),
            )
        case _:
            assert_never(delivery)


def welcome_email(welcome: Welcome) -> Mail:
    with translation.override(welcome.language):
        subject = _subject(welcome)
        context = {"welcome": welcome, "practice": welcome.practice, "phone": welcome.phone, "subject": subject}
        return Mail(
            subject=subject,
            text=render_to_string("registration/messages/welcome.txt", context),
            html=render_to_string("registration/messages/welcome.html", context),
        )


def _subject(welcome: Welcome) -> str:
    if welcome.is_offer:
        words = gettext("%(practice)s: please confirm in your portal account")
    else:
        words = gettext("%(practice)s: set up your portal access")
    return words % {"practice": welcome.practice.name}


def welcome_text(welcome: Welcome) -> str:
    """The text message, in GSM-7 and one part. Says less where the practice's names are long; Refused where nothing fits.

    Its address never names the practice, because a text has no room: the PIN or the token tells.
    """
    with translation.override(welcome.language):
        wordings, facts = _wordings(welcome), _facts(welcome)
    tries = [(wording, start_url(welcome.language)) for wording in wordings]
    # The last thing to go is the language: the page can also take it from the browser.
    for wording, start in [*tries, (wordings[-1], start_url())]:
        text = wording % (facts | {"url": start, "link": welcome.link_from(start)})
        plain = "".join(filter(_PLAIN.__contains__, anyascii(text)))
        if len(plain) <= _BUDGET:
            return plain
    raise Refused(
        "The portal's address is too long for a text message. Choose Email Address or Print PIN.", field="delivery"
    )


def _facts(welcome: Welcome) -> dict[str, str]:
    return {
        "name": welcome.practice.short_name,
        "who": welcome.who,
        "pin": welcome.pin.shown if welcome.pin else "",
        "until": languages.format_short_moment(welcome.expires_at, welcome.practice.zone),
        "phone": welcome.phone,
    }


# Translations have to be understood without their accents, and without ñ: only plain letters are sent.
def _wordings(welcome: Welcome) -> list[str]:
    """From the one that says most to the one that says least."""
    if welcome.pin:
        return [
            gettext(
                "%(name)s: portal PIN %(pin)s for %(who)s, use it by %(until)s at %(url)s Not for you? Call %(phone)s"
            ),
            gettext("%(name)s: PIN %(pin)s for %(who)s, by %(until)s at %(url)s Not you? %(phone)s"),
            gettext("%(name)s: PIN %(pin)s by %(until)s %(url)s %(phone)s"),
        ]
    if welcome.token:
        return [
            gettext("%(name)s: portal access for %(who)s, use it by %(until)s: %(link)s Not for you? Call %(phone)s"),
            gettext("%(name)s: portal access by %(until)s: %(link)s Help %(phone)s"),
            gettext("%(name)s: by %(until)s %(link)s %(phone)s"),
        ]
    return [
        gettext("%(name)s: sign in by %(until)s to add %(who)s to your account: %(link)s Not for you? Call %(phone)s"),
        gettext("%(name)s: sign in by %(until)s and confirm: %(link)s Help %(phone)s"),
        gettext("%(name)s: confirm by %(until)s %(link)s %(phone)s"),
    ]
