"""The rows of the Registrations panel, with every sentence ready for the template."""

from dataclasses import dataclass
from typing import Final

from notifications.models import Channel, OutgoingMessage
from patients.models import Patient
from patients.templatetags.patient_values import language_name, us_date, us_datetime, us_time
from portal.phones import national
from registration.communications import languages
from registration.desk.presenters import states
from registration.issuing import registrations
from registration.models import AccessLevel, Registration

Method, State = Registration.Method, Registration.State
MessageState = OutgoingMessage.State

_MESSAGE_TONES: Final = {
    MessageState.QUEUED: "waiting",
    MessageState.SENDING: "waiting",
    MessageState.ACCEPTED: "good",
    MessageState.FAILED: "bad",
    MessageState.CANCELLED: "quiet",
}


def shown_address(message: OutgoingMessage) -> str:
    """Return the message's email address or phone number, formatted for staff."""
    return national(message.shown_recipient) if message.channel == Channel.TEXT else message.shown_recipient


@dataclass(frozen=True)
class MessageSummary:
    """A registration's message: where it goes, how far delivery got, and what that means."""

    message: OutgoingMessage
    registration: Registration

    @property
    def channel(self) -> str:
        return self.message.get_channel_display()

    @property
    def address(self) -> str:
        return shown_address(self.message)

    @property
    def state_label(self) -> str:
        return "Waiting to try again" if self.message.will_be_tried_again else self.message.get_state_display()

    @property
    def tone(self) -> str:
        return _MESSAGE_TONES[MessageState(self.message.state)]

    @property
    def explanation(self) -> str:
        return " ".join(filter(None, [self._progress, self._validity]))

    @property
    def events(self) -> list[str]:
        """Return the delivery history, or nothing if the history adds nothing to the explanation."""
        events = list(self.message.events.all())
        if len(events) <= 2:
            return []
        return [
            f"{us_datetime(event.at)} {event.get_kind_display()}{f': {event.detail}' if event.detail else ''}"
            for event in events
        ]

    @property
    def _progress(self) -> str:
        message = self.message
        if message.state == MessageState.SENDING:
            return "Being sent now."
        if message.will_be_tried_again:
            tries = "1 attempt" if message.attempts == 1 else f"{message.attempts} attempts"
            next_try = f" Next attempt at {us_time(message.due_at)}." if message.due_at else ""
            return f"{message.outcome} {tries} so far.{next_try}"
        if message.state == MessageState.QUEUED:
            return "Waiting to be sent."
        finished = f"{us_datetime(message.finished_at)}." if message.finished_at else ""
        return f"{message.outcome} {finished}".strip()

    @property
    def _validity(self) -> str:
        registration, noun = self.registration, states.key_noun(self.registration)
        replaced = registration.replaces
        if registration.state == State.PENDING and not self.message.is_finished and replaced and replaced.is_live:
            return f"The earlier {noun} stays valid until this message is accepted."
        if registration.state == State.REVOKED and self.message.state == MessageState.ACCEPTED:
            return f"The {noun} in it no longer works."
        return ""


@dataclass(frozen=True)
class RegistrationRow:
    """A registration, as the Registrations panel shows it."""

    registration: Registration
    is_printable: bool
    siblings: list[Patient]
    failed_attempts: list[str]

    @property
    def kind(self) -> str:
        return states.kind(self.registration)

    @property
    def state_label(self) -> str:
        return states.state_label(self.registration)

    @property
    def tone(self) -> str:
        return states.state_tone(self.registration)

    @property
    def is_used(self) -> bool:
        return self.registration.state == State.CLAIMED

    @property
    def history(self) -> str:
        verb = "Offered" if self._is_offer else "Issued"
        registration = self.registration
        issued = f"{verb} {us_datetime(registration.issued_at)} by {registration.issued_by}."
        return " ".join(filter(None, [issued, self._end]))

    @property
    def details(self) -> str:
        """Return what is unusual about the registration, and how staff verified the recipient's identity."""
        registration = self.registration
        sentences = [
            "Limited access." if registration.level == AccessLevel.LIMITED else "",
            f"Access until {us_date(registration.access_ends_on)}." if registration.access_ends_on else "",
            f"Language: {self._foreign_language}." if self._foreign_language else "",
            f"Identity check: {registration.get_identified_by_display()}." if registration.identified_by else "",
        ]
        return " ".join(filter(None, sentences))

    @property
    def finish_note(self) -> str:
        until = self.registration.may_be_finished_until
        return f"A family that has already started can finish until {us_time(until)}." if until else ""

    @property
    def message(self) -> MessageSummary | None:
        message = self.registration.message
        return MessageSummary(message, self.registration) if message else None

    @property
    def no_message_note(self) -> str:
        if self._is_offer:
            return "No message was sent. The offer appears in the portal."
        return "Given in person; nothing was sent."

    @property
    def can_be_sent_again(self) -> bool:
        return registrations.can_send_again(self.registration)

    @property
    def can_be_revoked(self) -> bool:
        return self.registration.is_live or self.registration.may_be_finished_until is not None

    @property
    def _is_offer(self) -> bool:
        return self.registration.method == Method.ACCOUNT

    @property
    def _end(self) -> str:
        registration = self.registration
        state = states.state_of(registration)
        if state == State.PENDING:
            verb = "Can be confirmed in the portal until" if self._is_offer else "Valid until"
            return f"{verb} {us_datetime(registration.expires_at)}."
        ended = us_datetime(registration.ended_at or registration.expires_at)
        if state == State.CLAIMED:
            verb = "Confirmed" if self._is_offer else "Used"
            return f"{verb} {ended} by {registration.claimed_by or 'an account'}."
        by = f" by {registration.ended_by}" if registration.ended_by else ""
        reason = f": {registration.end_text}" if registration.end_text else "."
        return f"{self.state_label} {ended}{by}{reason}"

    @property
    def _foreign_language(self) -> str:
        """Return the language, such as "Spanish", or "" for English, which needs no mention."""
        tag = self.registration.language
        return "" if languages.best_match(tag) == languages.ENGLISH else language_name(tag)
