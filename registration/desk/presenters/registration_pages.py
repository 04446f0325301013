"""The sentences on the pages about one registration: completed, sent again, and revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list

from notifications.models import OutgoingMessage
from patients.models import Patient
from patients.templatetags.patient_values import us_date, us_datetime, us_time
from registration.desk.presenters import states
from registration.desk.presenters.registration_rows import shown_address
from registration.models import Registration
from registration.pins import Pin

Method, MessageState = Registration.Method, OutgoingMessage.State

_MESSAGES_ON_REVOKE: Final = {
    MessageState.QUEUED: "The queued message will not be sent.",
    MessageState.SENDING: "The message is being sent now and may still arrive. The {key} in it will not work.",
    MessageState.ACCEPTED: "The message has already been sent. The {key} in it will no longer work.",
}


def summary(registration: Registration, patient: Patient) -> str:
    """Return what was issued, to whom, when, and for which patient."""
    issued = us_datetime(registration.issued_at)
    kind = states.kind(registration)
    return f"{kind} for {registration.recipient_name}, issued {issued}. Patient: {patient.name}."


def revoke_note(registration: Registration) -> str:
    """Return what happens to the message when the registration is revoked."""
    if registration.message is None:
        return ""
    note = _MESSAGES_ON_REVOKE.get(MessageState(registration.message.state), "")
    return note.format(key=states.key_noun(registration))


@dataclass(frozen=True)
class SendAgainPage:
    """What will be sent again, and what stays the same."""

    registration: Registration
    patient: Patient

    @property
    def summary(self) -> str:
        return summary(self.registration, self.patient)

    @property
    def credential(self) -> str:
        return "PIN" if self.registration.method == Method.PIN else "link with the same question"

    @property
    def address(self) -> str:
        return shown_address(self.registration.message) if self.registration.message else ""

    @property
    def earlier_key_note(self) -> str:
        if not self.registration.is_live:
            return ""
        return f"The earlier {states.key_noun(self.registration)} stays valid until the new message is accepted."

    @property
    def proxy_terms(self) -> str:
        """Return the terms of a proxy's access, which stay the same, or "" if the recipient is not a proxy."""
        registration = self.registration
        if not registration.access_ends_on:
            return ""
        relationship = (registration.recipient_relationship or "proxy").lower()
        level = registration.get_level_display().lower()
        until = us_date(registration.access_ends_on)
        return (
            f"The access details stay the same: {relationship}, {level} access until {until}. "
            f"{registration.authorization}"
        )


@dataclass(frozen=True)
class Notice:
    tone: str
    text: str


@dataclass(frozen=True)
class CompletedPanel:
    """What staff see after completing a registration. `pin` is None if the PIN cannot be shown."""

    registration: Registration
    covered: list[Patient]
    pin: Pin | None
    replaced_names: list[str]
    is_delivery_paused: bool

    @property
    def subtitle(self) -> str:
        names = get_text_list([patient.name for patient in self.covered], "and")
        return f"{names} · for {self.registration.recipient_name}"

    @property
    def shared_pin_note(self) -> str:
        return f"One PIN for {self._first_names}." if len(self.covered) > 1 else ""

    @property
    def pin_note(self) -> str:
        return (
            f"Valid until {_deadline(self.registration.expires_at)}. Write it down or print it now. "
            "You can print the sheet for 15 minutes. After that, the PIN cannot be shown again."
        )

    @property
    def notices(self) -> list[Notice]:
        notices = [] if self.pin else [self._why_no_pin]
        notices += [
            Notice("attention", f"The earlier registration for {name} no longer works.") for name in self.replaced_names
        ]
        earlier = self.registration.replaces
        if earlier and earlier.is_live:
            noun = states.key_noun(earlier)
            notices.append(Notice("attention", f"The earlier {noun} stays valid until this message is accepted."))
        return notices

    @property
    def shows_delivery_paused(self) -> bool:
        message = self.registration.message
        return self.is_delivery_paused and message is not None and not message.is_finished

    @property
    def message_on_its_way(self) -> str:
        """Return the kind of message that is on its way, such as "Text message", or "" if there is none."""
        message = self.registration.message
        if message is None or message.is_finished or not self.registration.is_live:
            return ""
        return str(message.get_channel_display())

    @property
    def address(self) -> str:
        return shown_address(self.registration.message) if self.registration.message else ""

    @property
    def next_step(self) -> str:
        if not self.registration.is_live:
            return "See the account page for details."
        if self.registration.message:
            return "See the account page for its delivery status."
        if self.registration.method == Method.ACCOUNT:
            return "No message is sent. Ask the parent to sign in to the portal."
        return "No message is sent. Give the PIN in person or print it."

    @property
    def _why_no_pin(self) -> Notice:
        registration = self.registration
        issued = us_time(registration.issued_at)
        if not registration.is_live:
            state = states.state_label(registration).lower()
            return Notice(
                "attention",
                f"This registration was issued at {issued} and has since ended: {state}. "
                "If the family needs a PIN, register the patient again.",
            )
        if registration.method == Method.PIN:
            return Notice(
                "attention",
                f"This registration was completed at {issued}. Its PIN cannot be shown again. "
                "If the family needs a PIN, register the patient again. The new PIN replaces this one.",
            )
        if registration.account:
            return Notice(
                "good",
                f"No PIN is needed. The owner of {registration.account.email} must sign in to the portal "
                f"by {_deadline(registration.expires_at)} and confirm adding {self._first_names}.",
            )
        return Notice(
            "good",
            "The verification question is set. The family opens the link in the message and answers: "
            f"“{registration.question}”",
        )

    @property
    def _first_names(self) -> str:
        return get_text_list([patient.first_name for patient in self.covered], "and")


def _deadline(moment: datetime) -> str:
    """Format a deadline with its weekday, for staff to read to the family: "Saturday, 12/05/2026, 3:15 PM"."""
    return f"{date_format(timezone.localtime(moment), 'l')}, {us_datetime(moment)}"
