"""Outgoing messages, their delivery events, carriers and suppressed addresses."""

import uuid
from datetime import date
from typing import ClassVar, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.formats import date_format

from portal.models import Practice
from portal.sealing import SealedTextField


class Channel(models.TextChoices):
    EMAIL = "email", "Email"
    TEXT = "text", "Text message"


class Carrier(models.Model):
    """A mobile carrier that delivers, or once delivered, email sent to number@gateway as a text message."""

    class Status(models.TextChoices):
        VERIFIED = "verified", "Verified"
        UNVERIFIED = "unverified", "Not verified"
        ENDING = "ending", "Ending"
        ENDED = "ended", "Ended"

    name = models.CharField(max_length=60, unique=True)
    gateway = models.CharField(
        max_length=100,
        help_text="The domain that follows number@, such as vtext.com.",
        validators=[RegexValidator(r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", "Enter a domain in lowercase, such as vtext.com.")],
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.UNVERIFIED)
    ends_on = models.DateField(
        null=True, blank=True, help_text="Last day of service. After that, the carrier is treated as ended."
    )
    date_note = models.CharField(
        max_length=60,
        blank=True,
        help_text="Shown instead of the date if the exact day is unknown, such as “December 2024 (reported)”.",
    )
    source = models.CharField(max_length=200, blank=True, help_text="Where this information comes from.")
    verified_on = models.DateField(
        null=True, blank=True, help_text="The last day one of our texts is known to have arrived."
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def has_ended(self, *, on: date) -> bool:
        return self.status == self.Status.ENDED or (self.ends_on is not None and self.ends_on < on)

    @property
    def will_end(self) -> bool:
        return self.status == self.Status.ENDING or self.ends_on is not None

    @property
    def when(self) -> str:
        """Return when the service ends or ended, as staff see it: for example, "06/17/2025", or "" if it is unknown."""
        return self.date_note or (date_format(self.ends_on, "m/d/Y") if self.ends_on else "")

    def warning(self, *, on: date) -> str:
        """Return what staff need to know before they choose this carrier, or "" if there is no problem."""
        if self.has_ended(on=on):
            ended = f" (ended {self.when})" if self.when else ""
            return f"{self.name} no longer delivers our texts{ended}. Choose Email Address or print the PIN."
        if self.will_end:
            ends = f" (ends {self.when})" if self.when else ""
            return f"{self.name} will stop delivering our texts{ends}."
        if self.status == self.Status.UNVERIFIED:
            return (
                f"We have not verified that texts sent through {self.name} arrive. "
                "Ask the family to confirm that the text arrived."
            )
        return ""

    def address_of(self, national_digits: str) -> str:
        """Return the email address that reaches this 10-digit number as a text message."""
        return f"{national_digits}@{self.gateway}"


class MessageQuerySet(models.QuerySet["OutgoingMessage"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def visible_to(self, practice: Practice) -> Self:
        """Return the practice's messages, plus the account emails (such as password codes) sent to its members."""
        members = practice.memberships.values("user__email")
        return self.filter(Q(practice=practice) | Q(practice=None, recipient__in=members))


class OutgoingMessage(models.Model):
    """An outgoing message, either queued or finished.

    Once a message is finished, `due_at` is NULL and its Content is deleted. The row contains no PIN and does not
    reference patients; `about` is an id that the caller wants recorded in the audit trail.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        ACCEPTED = "accepted", "Accepted"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Canceled"

    UNFINISHED = (State.QUEUED, State.SENDING)
    MAY_HAVE_BEEN_SENT = "It may have been sent: a delivery worker stopped before recording the result."

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, null=True, related_name="+")
    about = models.UUIDField(null=True, editable=False)
    channel = models.CharField(max_length=5, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="The email address the message is sent to.")
    shown_recipient = models.CharField(max_length=254, help_text="The email address or phone number that staff see.")
    sender_name = models.CharField(max_length=120, blank=True)
    reply_to = models.EmailField(blank=True)

    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True, editable=False)
    valid_until = models.DateTimeField(null=True, help_text="The message is not sent at or after this time.")
    attempts = models.PositiveSmallIntegerField(default=0)
    abandoned_count = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="How many times a worker stopped before recording the result. If above 0, the message may have been sent.",
    )
    cancel_requested = models.BooleanField(default=False)
    outcome = models.CharField(max_length=200, blank=True, help_text="The latest result, as shown to staff.")
    address_refused = models.BooleanField(
        default=False, help_text="The message failed because the address does not exist or does not accept mail."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["OutgoingMessage"]] = models.Manager.from_queryset(MessageQuerySet)()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("due_at", "id"), name="message_due"),
            models.Index(fields=("practice", "state", "created_at"), name="message_by_state"),
            models.Index(fields=("recipient", "created_at"), name="message_by_recipient"),
        )

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.shown_recipient}"

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED

    @property
    def will_be_tried_again(self) -> bool:
        return self.state == self.State.QUEUED and self.attempts > 0


class Content(models.Model):
    """The encrypted content of an unfinished message.

    It has its own table so that only the code that sends a message decrypts it.
    """

    message = models.OneToOneField(OutgoingMessage, models.CASCADE, primary_key=True)
    subject = SealedTextField()
    text = SealedTextField()
    html = SealedTextField(null=True)

    def __str__(self) -> str:
        return f"Content of {self.message_id}"


class DeliveryEvent(models.Model):
    """One step in the delivery of a message. Kept permanently; has no message content."""

    class Kind(models.TextChoices):
        QUEUED = "queued", "Queued"
        RETRY = "retry", "Not accepted; will retry"
        ACCEPTED = "accepted", "Accepted by the mail server"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Canceled"

    message = models.ForeignKey(OutgoingMessage, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=9, choices=Kind)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return self.get_kind_display()


class WorkerHeartbeat(models.Model):
    """The last time any delivery worker was running. All workers share one row; see `worker_heartbeat`."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class SuppressedAddress(models.Model):
    """An email address or phone number that opted out of a practice's messages."""

    practice = models.ForeignKey(Practice, models.CASCADE, related_name="+")
    channel = models.CharField(max_length=5, choices=Channel)
    address = models.CharField(
        max_length=254, help_text="An email address in lowercase, or the ten digits of a phone number."
    )
    at = models.DateTimeField(auto_now_add=True)
    by_name = models.CharField(max_length=254, help_text="The person who recorded the opt-out.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("practice", "channel", "address"), name="stopped_once"),)

    def __str__(self) -> str:
        return self.address
