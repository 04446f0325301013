"""Template tags that put this app's panels on the account page. That page belongs to `patients`, which can't import this app."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django import template
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from notifications import suppressions
from notifications.models import Channel, SuppressedAddress
from patients.models import Contact, Patient, PortalStatus
from patients.templatetags.patient_values import us_date
from portal.phones import national
from registration.access import authority
from registration.claiming import failed_attempts
from registration.desk.presenters.access_rows import AccessRow, EndedAccessRow
from registration.desk.presenters.account_settings import AccountSettings, AssignedKey
from registration.desk.presenters.registration_rows import RegistrationRow
from registration.issuing import eligibility, pin_display
from registration.models import Registration

register = template.Library()

_MAX_ROWS: Final = 30
_NOT_ON_RECORD: Final = {Channel.EMAIL: "no email on record", Channel.TEXT: "no phone on record"}


@dataclass(frozen=True)
class AddressOnRecord:
    """A family contact's email address or phone number, and who stopped messages to that address or number."""

    channel: Channel
    shown: str
    suppression: SuppressedAddress | None

    @property
    def is_number(self) -> bool:
        return self.channel == Channel.TEXT

    @property
    def not_on_record(self) -> str:
        return _NOT_ON_RECORD[self.channel]

    @property
    def stopped_note(self) -> str:
        stopped = self.suppression
        return f"Messages stopped by {stopped.by_name} on {us_date(stopped.at)}" if stopped else ""

    @property
    def button(self) -> str:
        return "Allow messages" if self.suppression else "Stop messages"

    @property
    def url_name(self) -> str:
        return "desk:allow_messages" if self.suppression else "desk:stop_messages"


@register.inclusion_tag("desk/_account_settings.html", takes_context=True)
def account_settings(context: dict[str, Any], patient: Patient, oob: bool = False) -> dict[str, Any]:
    """Show the Account Settings panel. With `oob`, the panel replaces the one already on the page (htmx)."""
    is_registered = patient.portal_status == PortalStatus.REGISTERED
    may = context["may"]
    settings = AccountSettings(
        patient=patient,
        assigned=[AssignedKey(registration) for registration in patient.registrations.live()],
        decline=None if is_registered else patient.declines.live().select_related("by").first(),
        self_registration=patient.self_registrations.waiting().first(),
        refusal=eligibility.refusal_reason(patient) or "",
        is_registered=is_registered,
        can_manage=bool(may.get("manage_access")),
    )
    return {"patient": patient, "settings": settings, "oob": oob, "may": may}


@register.inclusion_tag("desk/_registrations.html", takes_context=True)
def registrations(context: dict[str, Any], patient: Patient) -> dict[str, Any]:
    """List the patient's registrations, newest first, with the delivery status of each message."""
    return panel(context["request"], patient, may=context["may"])


@register.inclusion_tag("desk/_associations.html", takes_context=True)
def associations(context: dict[str, Any], patient: Patient, oob: bool = False) -> dict[str, Any]:
    """List who has access to the patient's record now, and who used to have access."""
    return {**access_of(patient, may=context["may"]), "oob": oob}


@register.inclusion_tag("desk/_contact_addresses.html", takes_context=True)
def contact_addresses(context: dict[str, Any], contact: Contact) -> dict[str, Any]:
    """Show a family contact's email address and phone number, each with a button that stops messages there."""
    on_record = [(Channel.EMAIL, contact.email, contact.email), (Channel.TEXT, contact.phone, national(contact.phone))]
    pairs = [(str(channel), address) for channel, address, _ in on_record]
    suppressed = suppressions.find_suppressed(contact.practice, pairs)
    return {
        "contact": contact,
        "addresses": [
            AddressOnRecord(channel, shown, suppressed.get((channel, address))) for channel, address, shown in on_record
        ],
        "may": context["may"],
    }


def panel(request: HttpRequest, patient: Patient, *, may: dict[str, bool]) -> dict[str, Any]:
    """Return the content of the Registrations panel.

    `rows` is the panel's content as HTML. `seen` is a digest of that content and of the associations. A page that
    already shows both sends the digest, so that it does not have to load them again. `refresh_trigger` is how often the
    page checks for changes: often while a message is on its way, and slowly while a registration can be used.
    """
    rows = list(_rows(patient, session_key=request.session.session_key or ""))
    shown = render_to_string("desk/_registration_rows.html", {"rows": rows, "may": may})
    access = render_to_string("desk/_association_rows.html", access_of(patient, may=may))
    return {
        "patient": patient,
        "rows": shown,
        "seen": hashlib.sha256(f"{shown}{access}{patient.portal_status}".encode()).hexdigest()[:16],
        "refresh_trigger": _refresh_trigger([row.registration for row in rows]),
    }


def access_of(patient: Patient, *, may: dict[str, bool]) -> dict[str, Any]:
    """Return the content of the Associations panel."""
    passkeys = Authenticator.objects.filter(user=OuterRef("account__user"), type=Authenticator.Type.WEBAUTHN)
    rows = patient.associations.select_related(
        "account__user", "registration", "self_registration", "ended_by"
    ).annotate(has_passkey=Exists(passkeys))
    live = [association for association in rows if association.is_live]
    barred = authority.lost(patient, live)
    can_manage = bool(may.get("manage_access"))
    return {
        "patient": patient,
        "live": [
            AccessRow(
                association,
                is_barred=association.pk in barred,
                has_passkey=association.has_passkey,  # type: ignore[attr-defined]  # annotated above
                can_manage=can_manage,
            )
            for association in live
        ],
        "ended": [EndedAccessRow(association) for association in reversed(rows) if not association.is_live],
        "may": may,
    }


def _rows(patient: Patient, *, session_key: str) -> Iterator[RegistrationRow]:
    attempts = failed_attempts.for_patient(patient)
    for registration in _newest(patient):
        yield RegistrationRow(
            registration=registration,
            is_printable=pin_display.is_available(registration, session_key=session_key),
            siblings=[sibling for sibling in registration.patients.all() if sibling.pk != patient.pk],
            failed_attempts=attempts.get(str(registration.pk), []),
        )


def _refresh_trigger(registrations: list[Registration]) -> str:
    """Return the end of the panel's hx-trigger attribute."""
    if any(registration.message and not registration.message.is_finished for registration in registrations):
        return ", every 2s"
    # By the stored state: a registration that has just expired is still pending until the worker marks it.
    is_pending = any(registration.state == Registration.State.PENDING for registration in registrations)
    return ", every 15s" if is_pending else ""


def _newest(patient: Patient) -> QuerySet[Registration]:
    rows = patient.registrations.select_related("message", "issued_by", "ended_by", "claimed_by", "replaces")
    return rows.prefetch_related("message__events", "patients")[:_MAX_ROWS]
