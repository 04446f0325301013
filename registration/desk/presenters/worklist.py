"""The lines of the dashboard's lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from patients.models import Patient
from patients.templatetags.patient_values import us_date, us_datetime
from registration.desk.presenters import states
from registration.models import Association, Decline, Registration


@dataclass(frozen=True)
class WorklistLine:
    """A badge, a link and a note."""

    label: str
    tone: str
    title: str
    url: str
    note: str

    @classmethod
    def for_registration(cls, registration: Registration, note: str, *, label: str = "", tone: str = "") -> Self:
        """Describe a registration. `note` follows what was issued and to whom, and starts with a comma or a period."""
        first, *siblings = registration.patients.all()
        return cls(
            label=label or states.state_label(registration),
            tone=tone or states.state_tone(registration),
            title=" · ".join([first.name, *(sibling.first_name for sibling in siblings)]),
            url=first.get_absolute_url(),
            note=f"{states.kind(registration)} for {registration.recipient_name}{note}",
        )


def failed(registrations: Iterable[Registration]) -> list[WorklistLine]:
    return [
        WorklistLine.for_registration(registration, f". {_outcome(registration)}", label="Message failed", tone="bad")
        for registration in registrations
    ]


def locked(registrations: Iterable[Registration]) -> list[WorklistLine]:
    note = ". Too many failed attempts. See the account page for details."
    return [
        WorklistLine.for_registration(registration, note, label="PIN locked", tone="bad")
        for registration in registrations
    ]


def delayed(registrations: Iterable[Registration]) -> list[WorklistLine]:
    return [
        WorklistLine.for_registration(
            registration,
            f". {_outcome(registration) or 'Waiting to be sent for more than five minutes.'}",
            label="Message delayed",
            tone="waiting",
        )
        for registration in registrations
    ]


def expiring(registrations: Iterable[Registration]) -> list[WorklistLine]:
    return [
        WorklistLine.for_registration(
            registration,
            f", valid until {us_datetime(registration.expires_at)}",
            label="Expires soon",
            tone="attention",
        )
        for registration in registrations
    ]


def recently_issued(registrations: Iterable[Registration]) -> list[WorklistLine]:
    return [
        WorklistLine.for_registration(
            registration, f", {us_datetime(registration.issued_at)} by {registration.issued_by}"
        )
        for registration in registrations
    ]


def to_ask_again(declines: Iterable[Decline]) -> list[WorklistLine]:
    return [
        _patient_line(
            decline.patient,
            "Ask again",
            "quiet",
            f"Ask again on {us_date(decline.ask_again_on)}. Declined {us_date(decline.at)}: {decline.reason}",
        )
        for decline in declines
    ]


def access_ending(rows: Iterable[Association]) -> list[WorklistLine]:
    lines = []
    for association in rows:
        assert association.ends_at is not None, "only access with an end is listed"
        day = association.patient.practice.last_day(association.ends_at)
        relationship = association.get_relationship_display().lower()
        authorization = f". {association.authorization}" if association.authorization else ""
        note = f"{association.account.name}, {relationship}{authorization}"
        lines.append(_patient_line(association.patient, us_date(day), "attention", note))
    return lines


def _patient_line(patient: Patient, label: str, tone: str, note: str) -> WorklistLine:
    return WorklistLine(label=label, tone=tone, title=patient.name, url=patient.get_absolute_url(), note=note)


def _outcome(registration: Registration) -> str:
    return registration.message.outcome if registration.message else ""
