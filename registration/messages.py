"""What a family is told: the welcome, as an e-mail and as a text.

A message names the practice, the portal's address, the PIN, how long it is good and a number to ring; never the child's
full name, the date of birth or the reason of a visit (HIPAA minimum necessary, 45 CFR 164.502(b)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, assert_never

from anyascii import anyascii
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.text import get_text_list

from notifications import outbox
from notifications.models import Channel, OutgoingMessage
from patients.models import Patient
from portal.models import Practice
from portal.phones import national
from registration.pins import Pin
from registration.rules import ByEmail, ByText, Delivery, InPerson, Refused

# One part of a text is 160 GSM-7 characters, of which a gateway uses some for the sender.
_BUDGET: Final = 140
# The printable ASCII characters that GSM-7 has, less those that count twice.
_PLAIN: Final = {chr(code) for code in range(32, 127)} - set("[]{}\\^~|`")


@dataclass(frozen=True, kw_only=True, repr=False)
class Welcome:
    """What there is to tell. Either a PIN, or a link's token with the question that guards it."""

    practice: Practice
    patients: Sequence[Patient]
    recipient_name: str
    pin: Pin | None
    token: str | None
    question: str
    expires_at: datetime

    @property
    def start_url(self) -> str:
        return start_url()

    @property
    def link(self) -> str:
        return pin_link(self.start_url, self.pin) if self.pin else f"{self.start_url}#q={self.token}"

    @property
    def who(self) -> str:
        return label(self.practice, self.patients)

    @property
    def phone(self) -> str:
        return national(self.practice.phone)

    @property
    def expires(self) -> datetime:
        return self.expires_at.astimezone(self.practice.zone)

    @property
    def until(self) -> str:
        """In the practice's time, whatever zone is active: the date filter of a template would turn it back."""
        return date_format(self.expires, "l, F j, Y, g:i A")


@dataclass(frozen=True, kw_only=True, repr=False)
class Mail:
    subject: str
    text: str
    html: str


def start_url() -> str:
    return f"{settings.PUBLIC_URL}/start/"


def pin_link(start: str, pin: Pin) -> str:
    """The start page with the PIN in the fragment, which no browser sends to a server (ASVS 14.2.1)."""
    return f"{start}#pin={pin.characters}"


def label(practice: Practice, patients: Sequence[Patient]) -> str:
    """How a message or a sheet says whom it is about, as the practice wishes: "A.G." or "Ana", and "A.G. and M.G."."""
    first_names = practice.name_on_messages == Practice.NameOnMessages.FIRST_NAME
    return get_text_list([each.first_name if first_names else each.initials for each in patients], "and")


def owe(welcome: Welcome, delivery: Delivery) -> OutgoingMessage | None:
    """Puts the welcome into the outbox, within the caller's transaction; None where the PIN is told in person."""
    enqueue = partial(
        outbox.enqueue,
        practice=welcome.practice,
        about=welcome.patients[0].pk,
        sender_name=welcome.practice.name,
        reply_to=welcome.practice.email,
        good_until=welcome.expires_at,
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
    context = {"welcome": welcome, "practice": welcome.practice}
    return Mail(
        subject=f"{welcome.practice.name}: set up your portal access",
        text=render_to_string("registration/messages/welcome.txt", context),
        html=render_to_string("registration/messages/welcome.html", context),
    )


def welcome_text(welcome: Welcome) -> str:
    """The text message, in GSM-7 and one part. Says less where the practice's names are long; Refused where nothing fits."""
    name, phone = welcome.practice.short_name, welcome.phone
    until = date_format(welcome.expires, "n/j g:iA")
    if welcome.pin:
        pin, url = welcome.pin.shown, welcome.start_url
        wordings = [
            f"{name}: portal PIN {pin} for {welcome.who}, use it by {until} at {url} Not for you? Call {phone}",
            f"{name}: PIN {pin} for {welcome.who}, by {until} at {url} Not you? {phone}",
            f"{name}: PIN {pin} by {until} {url} {phone}",
        ]
    else:
        wordings = [
            f"{name}: portal access for {welcome.who}, use it by {until}: {welcome.link} Not for you? Call {phone}",
            f"{name}: portal access by {until}: {welcome.link} Help {phone}",
            f"{name}: by {until} {welcome.link} {phone}",
        ]
    for wording in wordings:
        plain = "".join(filter(_PLAIN.__contains__, anyascii(wording)))
        if len(plain) <= _BUDGET:
            return plain
    raise Refused(
        "The portal's address is too long for a text message. Choose Email Address or Print PIN.", field="delivery"
    )
