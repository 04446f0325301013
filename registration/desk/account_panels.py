"""What registration shows on the account page, which belongs to the floor below: the one place where it hands down."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django import template
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from notifications import suppressions
from notifications.models import Channel, OutgoingMessage, SuppressedAddress
from patients.models import Contact, Patient, PortalStatus
from patients.templatetags.patient_values import language_name
from portal.phones import national
from registration.access import associations as access
from registration.access import authority
from registration.claiming import failed_attempts
from registration.communications import languages
from registration.issuing import eligibility, pin_display
from registration.issuing import registrations as issuing
from registration.models import AccessLevel, Association, Registration

register = template.Library()

_TONES = {
    Registration.State.PENDING: "waiting",
    Registration.State.SUPERSEDED: "quiet",
    Registration.State.REVOKED: "bad",
    Registration.State.EXPIRED: "quiet",
    Registration.State.LOCKED: "bad",
    Registration.State.CLAIMED: "good",
}
_MESSAGE_TONES = {
    OutgoingMessage.State.QUEUED: "waiting",
    OutgoingMessage.State.SENDING: "waiting",
    OutgoingMessage.State.ACCEPTED: "good",
    OutgoingMessage.State.FAILED: "bad",
    OutgoingMessage.State.CANCELLED: "quiet",
}
_METHOD_NAMES = {
    Registration.Method.PIN: "PIN",
    Registration.Method.QUESTION: "verification question",
    Registration.Method.ACCOUNT: "offer",
}
_SHOWN: Final = 30


@dataclass(frozen=True)
class Row:
    """A registration as the panel shows it."""

    registration: Registration
    is_printable: bool
    siblings: list[Patient]
    tries: list[str]

    @property
    def language(self) -> str:
        """ "Spanish"; "" where it is English, of which nobody has to be told."""
        return "" if languages.best_match(self.registration.language) == languages.ENGLISH else self._language_name

    @property
    def can_be_sent_again(self) -> bool:
        return issuing.can_send_again(self.registration)

    @property
    def _language_name(self) -> str:
        return language_name(self.registration.language)


@dataclass(frozen=True)
class AddressOnRecord:
    """An e-mail address or a number of a family contact, and who stopped messages to it."""

    channel: Channel
    shown: str
    stopped: SuppressedAddress | None


@register.inclusion_tag("desk/_account_settings.html", takes_context=True)
def account_settings(context: dict[str, Any], patient: Patient, oob: bool = False) -> dict[str, Any]:
    """The Account Settings panel: Status, PIN/VQ, Register Patient. `oob`: it replaces the one on the page (htmx)."""
    registered = patient.portal_status == PortalStatus.REGISTERED
    return {
        "patient": patient,
        "oob": oob,
        "live": list(patient.registrations.live()),
        "declined": None if registered else patient.declines.live().select_related("by").first(),
        "waiting": patient.self_registrations.waiting().first(),
        "refused": eligibility.refusal_reason(patient),
        "registered": registered,
        "may": context["may"],
    }


@register.inclusion_tag("desk/_registrations.html", takes_context=True)
def registrations(context: dict[str, Any], patient: Patient) -> dict[str, Any]:
    """The registrations of a patient, the newest first, and what became of each message."""
    return panel(context["request"], patient, may=context["may"])


@register.inclusion_tag("desk/_associations.html", takes_context=True)
def associations(context: dict[str, Any], patient: Patient, oob: bool = False) -> dict[str, Any]:
    """Who has access to the patient's record, and who had."""
    return {**access_of(patient, may=context["may"]), "oob": oob}


@register.inclusion_tag("desk/_contact_addresses.html", takes_context=True)
def contact_addresses(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """A family contact's e-mail address and number, each with the way to stop messages to it."""
    on_record = [(Channel.EMAIL, contact.email, contact.email), (Channel.TEXT, contact.phone, national(contact.phone))]
    pairs = [(str(channel), address) for channel, address, _ in on_record]
    stopped = suppressions.find_suppressed(contact.practice, pairs)
    return {
        "contact": contact,
        "addresses": [
            AddressOnRecord(channel, shown, stopped.get((channel, address))) for channel, address, shown in on_record
        ],
        "may": context["may"],
    }


def panel(request: HttpRequest, patient: Patient, *, may: dict[str, bool]) -> dict[str, Any]:
    """`rows` is the panel's content; `seen` names it and who has access, so that a page that has both need not get them
    again. While a message is on its way the page asks often, while a registration waits to be claimed it asks slowly.
    """
    rows = list(_rows(patient, session_key=request.session.session_key or ""))
    shown = render_to_string("desk/_registration_rows.html", {"rows": rows, "may": may})
    who = render_to_string("desk/_association_rows.html", access_of(patient, may=may))
    messages = [row.registration.message for row in rows if row.registration.message]
    return {
        "patient": patient,
        "rows": shown,
        "seen": hashlib.sha256(f"{shown}{who}{patient.portal_status}".encode()).hexdigest()[:16],
        "unfinished": any(not message.is_finished for message in messages),
        # Not only what is live: what has just run out waits for the worker to say so.
        "live": any(row.registration.state == Registration.State.PENDING for row in rows),
    }


def access_of(patient: Patient, *, may: dict[str, bool]) -> dict[str, Any]:
    passkeys = Authenticator.objects.filter(user=OuterRef("account__user"), type=Authenticator.Type.WEBAUTHN)
    given_by = ("registration", "self_registration")
    rows = patient.associations.select_related("account__user", *given_by, "ended_by").annotate(
        has_passkey=Exists(passkeys)
    )
    live = [each for each in rows if each.is_live]
    return {
        "patient": patient,
        "live": live,
        "barred": authority.lost(patient, live),
        "ended": [each for each in reversed(rows) if not each.is_live],
        "may": may,
    }


def _rows(patient: Patient, *, session_key: str) -> Iterator[Row]:
    tries = failed_attempts.for_patient(patient)
    for each in _listed(patient):
        yield Row(
            registration=each,
            is_printable=pin_display.is_available(each, session_key=session_key),
            siblings=_without(patient, each.patients.all()),
            tries=tries.get(str(each.pk), []),
        )


def _listed(patient: Patient) -> QuerySet[Registration]:
    rows = patient.registrations.select_related("message", "issued_by", "ended_by", "claimed_by", "replaces")
    return rows.prefetch_related("message__events", "patients")[:_SHOWN]


def _without(patient: Patient, everybody: Sequence[Patient] | QuerySet[Patient]) -> list[Patient]:
    return [each for each in everybody if each.pk != patient.pk]


@register.filter
def state_tone(registration: Registration) -> str:
    return _TONES[Registration.State(registration.state)]


@register.filter
def message_tone(message: OutgoingMessage) -> str:
    return _MESSAGE_TONES[OutgoingMessage.State(message.state)]


@register.filter
def method_name(registration: Registration) -> str:
    """By what access came about: "by the PIN of Nov 20"."""
    return _METHOD_NAMES[Registration.Method(registration.method)]


@register.filter
def level_tone(association: Association) -> str:
    return "attention" if association.level == AccessLevel.LIMITED else "quiet"


@register.filter
def last_day(association: Association) -> Any:
    """The last day of access, for the date filter; None where it does not end by itself."""
    if association.ends_at is None:
        return None
    return association.patient.practice.last_day(association.ends_at)


@register.filter
def is_removal_scheduled(association: Association) -> bool:
    return access.is_removal_scheduled(association)


@register.filter
def needs_renewal(association: Association) -> bool:
    return association.ending == Association.Ending.RENEWAL
