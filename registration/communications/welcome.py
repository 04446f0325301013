"""The welcome message: the email or text that brings a family its PIN, its link or an offer.

It contains the practice, the portal's address, the PIN, the expiration time and a phone number. It never contains the
child's full name, the date of birth or the reason for a visit (HIPAA minimum necessary, 45 CFR 164.502(b)). The text of
the email is in templates/registration/messages/, and the text of the SMS is in `welcome_sms`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import assert_never
from urllib.parse import urlencode

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext

from notifications import outbox
from notifications.models import Channel, OutgoingMessage
from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration import pins
from registration.communications import languages, welcome_sms
from registration.pins import Pin
from registration.values import ByEmail, ByText, Delivery, InPerson


@dataclass(frozen=True, kw_only=True, repr=False)
class Welcome:
    """The content of a welcome message: a PIN, or the token from a link that asks a verification question.

    If there is no PIN or token, the message is an offer to add patients to an existing account. An offer contains no
    secret.
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
        """Return the link for an email. Opening the link proves that the recipient reads mail at that address."""
        return f"{self.link}.{pins.email_proof(self.pin)}" if self.pin else self.link

    def link_from(self, start: str) -> str:
        """Return the link to the next step, with the PIN or token in the fragment of `start`."""
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
    """Return the start page's address. It names the language if not English, and the practice if there are several."""
    query = _language_query(language)
    if practice and practice.slug and Practice.objects.exclude(pk=practice.pk).exists():
        query["practice"] = practice.slug
    return _address("start", query)


def family_url(language: str = languages.ENGLISH) -> str:
    """Return the address of the signed-in family's home page. The sign-in page also uses the language in this address."""
    return _address("family", _language_query(language))


def _language_query(language: str) -> dict[str, str]:
    return {} if language == languages.ENGLISH else {"lang": language}


def _address(page: str, query: dict[str, str]) -> str:
    address = f"{settings.PUBLIC_URL}/{page}/"
    return f"{address}?{urlencode(query)}" if query else address


def pin_link(start: str, pin: Pin) -> str:
    """Return the start page's address with the PIN in the fragment, which browsers never send to a server (ASVS 14.2.1)."""
    return f"{start}#pin={pin.characters}"


def who_label(practice: Practice, patients: Sequence[Patient]) -> str:
    """Name the patients on a message or sheet the way the practice chose: "A.G. and M.G." or "Ana and Mateo"."""
    return languages.join(names_for_message(practice, patients))


def names_for_message(practice: Practice, patients: Sequence[Patient]) -> list[str]:
    first_names = practice.name_on_messages == Practice.NameOnMessages.FIRST_NAME
    return [patient.first_name if first_names else patient.initials for patient in patients]


def enqueue_welcome(welcome: Welcome, delivery: Delivery) -> OutgoingMessage | None:
    """Add the welcome message to the outbox, in the caller's transaction. Return None if staff give the PIN in person."""
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
        subject = gettext("%(practice)s: please confirm in your portal account")
    else:
        subject = gettext("%(practice)s: set up your portal access")
    return subject % {"practice": welcome.practice.name}


def welcome_text(welcome: Welcome) -> str:
    """Return the text message, in the longest version that fits in one SMS. Raises Refused if none fits.

    To save room, the link never names the practice: the PIN or the token identifies it.
    """
    with translation.override(welcome.language):
        wordings = [str(wording) for wording in _sms_wordings(welcome)]
        facts = _sms_facts(welcome)
    attempts = [(wording, start_url(welcome.language)) for wording in wordings]
    # As a last resort leave out the language, because the page can also take it from the browser.
    attempts.append((wordings[-1], start_url()))
    return welcome_sms.first_that_fits(
        wording % (facts | {"url": start, "link": welcome.link_from(start)}) for wording, start in attempts
    )


def _sms_wordings(welcome: Welcome) -> Sequence[Promise]:
    if welcome.pin:
        return welcome_sms.PIN
    return welcome_sms.QUESTION_LINK if welcome.token else welcome_sms.OFFER


def _sms_facts(welcome: Welcome) -> dict[str, str]:
    expires_at, zone = welcome.expires_at, welcome.practice.zone
    return {
        "name": welcome.practice.short_name,
        "who": welcome.who,
        "pin": welcome.pin.shown if welcome.pin else "",
        "until": languages.format_short_moment(expires_at, zone),
        "by": languages.format_shortest_moment(expires_at, zone),
        "phone": welcome.phone,
    }
