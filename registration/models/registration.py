"""What the desk issues: the registration, a PIN's life."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from django.db import models
from django.utils import timezone

from notifications.models import Carrier, OutgoingMessage
from patients.models import Contact, Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import Practice, User
from registration.models.access import AccessLevel, PortalAccount

# How long a family may take from the key to the account: a text's PIN is good for ten minutes, a form takes longer.
FINISH_WITHIN: Final = timedelta(minutes=30)


class VerificationQuestion(models.Model):
    """A question of the practice's list. NIST SP 800-63B-4 3.1.1.2 rules these out as a password: it only guards a link."""

    practice = models.ForeignKey(Practice, models.CASCADE, related_name="verification_questions")
    text = models.CharField("question", max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("position", "text")

    def __str__(self) -> str:
        return self.text


class Identification(models.TextChoices):
    """How the desk knew who stood before it, or rang: 45 CFR 164.514(h)."""

    PHOTO_ID = "photo_id", "Photo ID"
    KNOWN = "known", "Known to staff"
    CALLBACK = "callback", "Called back on the number on record"
    OTHER = "other", "Other"


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def live(self) -> Self:
        return self.filter(state=Registration.State.PENDING, expires_at__gt=timezone.now())

    def unfinished(self) -> Self:
        """Live, or run out so lately that a family which has opened it may still claim it."""
        states = (Registration.State.PENDING, Registration.State.EXPIRED)
        return self.filter(state__in=states, expires_at__gt=timezone.now() - FINISH_WITHIN)

    def end(
        self, state: "Registration.State", *, reason: str, by: User | None = None, at: datetime | None = None
    ) -> list["Registration"]:
        """Ends all of these, and gives them; a key that could still be seen is forgotten.

        Inside a transaction that holds their patients. Messages that still wait, and the audit trail, are the caller's.
        """
        ended = list(self.select_related("practice", "message").select_for_update(of=("self",)).order_by("pk"))
        PinDisplay.objects.filter(registration__in=ended).delete()
        Registration.objects.filter(pk__in=[each.pk for each in ended]).update(
            state=state, ended_at=at or timezone.now(), ended_by=by, end_reason=reason
        )
        return ended


class Registration(models.Model):
    """The practice's word that one recipient may see the records of these patients, and the key that proves it.

    The key is a PIN (`selector`, `digest`), a link with a question (`digest` of its token, `answer_digest`), or the
    sign-in to an `account` that is there already. What is stored cannot be turned back into a PIN, a token or an answer.
    """

    class Method(models.TextChoices):
        PIN = "pin", "PIN"
        QUESTION = "question", "Verification Question"
        ACCOUNT = "account", "Add to the account"

    class Delivery(models.TextChoices):
        EMAIL = "email", "Email Address"
        TEXT = "text", "Text Message"
        NONE = "none", "Do not send PIN"

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SUPERSEDED = "superseded", "Superseded"
        REVOKED = "revoked", "Revoked"
        EXPIRED = "expired", "Expired"
        LOCKED = "locked", "Locked"
        CLAIMED = "claimed", "Claimed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    patients = models.ManyToManyField(Patient, related_name="registrations")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, related_name="registrations")
    recipient_key = models.CharField(max_length=200, editable=False, help_text="The same for the same recipient.")
    recipient_name = models.CharField(max_length=200)
    recipient_relationship = models.CharField(max_length=80, blank=True)

    method = models.CharField(max_length=8, choices=Method)
    selector = models.CharField(max_length=4, blank=True, db_index=True, editable=False)
    digest = models.CharField(max_length=200, editable=False)
    question = models.CharField(max_length=120, blank=True)
    answer_digest = models.CharField(max_length=200, blank=True, editable=False)
    account = models.ForeignKey(
        PortalAccount, models.PROTECT, null=True, related_name="offers", help_text="To whose account it is to be added."
    )
    delivery = models.CharField(max_length=5, choices=Delivery)
    carrier = models.ForeignKey(Carrier, models.SET_NULL, null=True, related_name="+")
    language = models.CharField(max_length=10, default="en", help_text="In which the message and the sheet speak.")
    message = models.OneToOneField(OutgoingMessage, models.PROTECT, null=True, related_name="registration")

    level = models.CharField("access level", max_length=7, choices=AccessLevel, default=AccessLevel.FULL)
    access_ends_on = models.DateField(null=True, help_text="For a proxy: the last day of access.")
    authorization = models.CharField(
        max_length=200, blank=True, help_text="For a proxy: the paper that gives the right."
    )
    identified_by = models.CharField(max_length=10, choices=Identification, blank=True)
    risk_acknowledged = models.BooleanField(
        default=False, help_text="Told that plain e-mail and texts can be read by others, and prefers them (HIPAA)."
    )

    override_reasons = models.JSONField(
        default=dict, help_text="What the desk was asked about before it was sent, and the reason that it gave."
    )

    authority_override_for = models.JSONField(
        default=list, help_text="The patients whose record the contact may not see, and about whom the desk was asked."
    )

    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    wrong_attempts = models.PositiveSmallIntegerField(default=0)
    replaces = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="replacements",
        help_text="Sent again: the earlier one works until the message of this one is accepted.",
    )
    sent_again = models.BooleanField(default=False, editable=False, help_text="Another one was issued in its place.")
    claimed_by = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="claimed")
    issued_at = models.DateTimeField(default=timezone.now)
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)
    form_token = models.UUIDField(editable=False, help_text="The window that completed it.")
    request_digest = models.CharField(
        max_length=64, editable=False, help_text="A digest of what was asked for: the same again makes no second one."
    )

    objects: ClassVar[models.Manager["Registration"]] = models.Manager.from_queryset(RegistrationQuerySet)()

    class Meta:
        ordering = ("-issued_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("practice", "form_token", "request_digest"),
                condition=models.Q(state="pending"),
                name="unique_pending_request",
            ),
        )
        indexes = (
            models.Index(fields=("state", "expires_at"), name="registration_to_expire"),
            models.Index(
                fields=("state", "expires_at"), condition=models.Q(sent_again=True), name="registration_to_supersede"
            ),
            models.Index(fields=("practice", "issued_at"), name="registration_by_practice"),
            models.Index(fields=("form_token",), name="registration_by_form_token"),
        )

    def __str__(self) -> str:
        return f"{self.get_method_display()} for {self.recipient_name}"

    @property
    def is_live(self) -> bool:
        return self.state == self.State.PENDING and self.expires_at > timezone.now()

    @property
    def may_be_finished_until(self) -> datetime | None:
        """Until when a family that has opened it may still claim it, though it has run out; None where nobody may."""
        until = self.expires_at + FINISH_WITHIN
        ran_out = not self.is_live and self.state in {self.State.PENDING, self.State.EXPIRED}
        return until if ran_out and until > timezone.now() else None

    def replaced(self) -> RegistrationQuerySet:
        """The registrations that ended when this one was issued."""
        superseded = Registration.objects.for_practice(self.practice).filter(
            state=self.State.SUPERSEDED, ended_at=self.issued_at
        )
        return superseded.filter(patients__in=self.patients.all()).distinct()

    def record(self, action: Action, *, actor: Actor, **details: str | bool) -> None:
        """Writes a line of the audit trail for each patient that this registration covers."""
        facts = {"registration": str(self.pk), "method": self.method, "delivery": self.delivery, **details}
        for patient in self.patients.order_by("pk"):
            audit.record(action, actor=actor, practice=self.practice, patient=patient.pk, details=facts)


class PinDisplay(models.Model):
    """The sealed PIN of a registration, for 15 minutes, for the session that completed it: to show it and to print it."""

    registration = models.OneToOneField(Registration, models.CASCADE, primary_key=True)
    session = models.CharField(max_length=64, editable=False, help_text="A digest of the session's key.")
    sealed_pin = models.TextField(editable=False)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"PIN of {self.registration_id} until {self.until:%H:%M}"
