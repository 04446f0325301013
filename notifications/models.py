"""What is owed to a recipient, and what became of it."""

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
    EMAIL = "email", "E-mail"
    TEXT = "text", "Text message"


class Carrier(models.Model):
    """A mobile carrier whose gateway turns a mail to number@gateway into a text message, or did so once."""

    class Status(models.TextChoices):
        VERIFIED = "verified", "Works: seen by us"
        UNVERIFIED = "unverified", "Never verified"
        ENDING = "ending", "Works, and will end"
        ENDED = "ended", "Ended"

    name = models.CharField(max_length=60, unique=True)
    gateway = models.CharField(
        max_length=100,
        help_text="The domain behind number@, for example vtext.com.",
        validators=[RegexValidator(r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", "A domain, in lower case, for example vtext.com.")],
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.UNVERIFIED)
    ends_on = models.DateField(
        null=True, blank=True, help_text="The last day. When it has passed, the carrier counts as ended by itself."
    )
    date_note = models.CharField(
        max_length=60,
        blank=True,
        help_text="Said in place of the date where it is not exact: “December 2024 (reported)”.",
    )
    source = models.CharField(max_length=200, blank=True, help_text="Where we know it from.")
    verified_on = models.DateField(null=True, blank=True, help_text="The day a text of ours was last seen to arrive.")

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
        """The day of its end as it is told; "" where none is known."""
        return self.date_note or (date_format(self.ends_on, "F j, Y") if self.ends_on else "")

    def warning(self, *, on: date) -> str:
        """What the desk has to know before it picks this carrier; "" where there is nothing."""
        if self.has_ended(on=on):
            when = f" ({self.when})" if self.when else ""
            return f"{self.name} no longer takes our texts{when}. Choose Email Address, or print the PIN."
        if self.will_end:
            when = f" ({self.when})" if self.when else ""
            return f"{self.name} will stop taking our texts{when}."
        if self.status == self.Status.UNVERIFIED:
            return f"Nobody has verified that texts through {self.name} arrive. Ask the family whether it came."
        return ""

    def address_of(self, national_digits: str) -> str:
        """The mail address that becomes a text on this number (10 digits)."""
        return f"{national_digits}@{self.gateway}"


class MessageQuerySet(models.QuerySet["OutgoingMessage"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def visible_to(self, practice: Practice) -> Self:
        """Those of the practice, and what the installation itself wrote to its members (a code for a forgotten password)."""
        members = practice.memberships.values("user__email")
        return self.filter(Q(practice=practice) | Q(practice=None, recipient__in=members))


class OutgoingMessage(models.Model):
    """A message that is owed: the row is the queue. `due_at` is NULL once it is finished, and its Content is gone then.

    It knows neither patients nor PINs. `about` is the caller's, for the audit trail.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        ACCEPTED = "accepted", "Accepted"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    UNFINISHED = (State.QUEUED, State.SENDING)
    MAY_BE_OUT = "A worker that did not come back may have sent it."

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, null=True, related_name="+")
    about = models.UUIDField(null=True, editable=False)
    channel = models.CharField(max_length=5, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="The mail address it goes to.")
    shown_recipient = models.CharField(max_length=254, help_text="The address or number as the desk knows it.")
    sender_name = models.CharField(max_length=120, blank=True)
    reply_to = models.EmailField(blank=True)

    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True, editable=False)
    valid_until = models.DateTimeField(null=True, help_text="From then on it is not sent any more.")
    attempts = models.PositiveSmallIntegerField(default=0)
    abandoned_count = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often a worker had it and never said what became of it: it may be out."
    )
    cancel_requested = models.BooleanField(default=False)
    outcome = models.CharField(max_length=200, blank=True, help_text="In words, for the desk.")
    address_refused = models.BooleanField(default=False, help_text="It failed because nobody has this address.")
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
    """What an unfinished message says, sealed. Apart from the message, so that nobody opens it but who sends it."""

    message = models.OneToOneField(OutgoingMessage, models.CASCADE, primary_key=True)
    subject = SealedTextField()
    text = SealedTextField()
    html = SealedTextField(null=True)

    def __str__(self) -> str:
        return f"Content of {self.message_id}"


class DeliveryEvent(models.Model):
    """One thing that happened to a message. Kept for good; holds no content."""

    class Kind(models.TextChoices):
        QUEUED = "queued", "Queued"
        RETRY = "retry", "Not accepted, will be tried again"
        ACCEPTED = "accepted", "Accepted by the mail server"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    message = models.ForeignKey(OutgoingMessage, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=9, choices=Kind)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return self.get_kind_display()


class WorkerHeartbeat(models.Model):
    """When a delivery worker was last at work: one row for all of them (`notifications.heartbeat`)."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class SuppressedAddress(models.Model):
    """An e-mail address or a number to which a practice sends nothing, because whoever it belongs to asked for that."""

    practice = models.ForeignKey(Practice, models.CASCADE, related_name="+")
    channel = models.CharField(max_length=5, choices=Channel)
    address = models.CharField(
        max_length=254, help_text="An e-mail address in lower case, or the ten digits of a number."
    )
    at = models.DateTimeField(auto_now_add=True)
    by_name = models.CharField(max_length=254, help_text="Who wrote it down.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("practice", "channel", "address"), name="stopped_once"),)

    def __str__(self) -> str:
        return self.address
