"""Registrations that staff issue, the states of a registration, and the PINs that can still be displayed."""

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

# How long a family that has entered a valid PIN may take to create the account. A texted PIN lives for ten minutes, and
# the forms can take longer than that.
FINISH_WITHIN: Final = timedelta(minutes=30)


class VerificationQuestion(models.Model):
    """One of the questions that the practice offers.

    NIST SP 800-63B-4 3.1.1.2 forbids security questions as a credential, so an answer only protects a secret link.
    """

    practice = models.ForeignKey(Practice, models.CASCADE, related_name="verification_questions")
    text = models.CharField("question", max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("position", "text")

    def __str__(self) -> str:
        return self.text


class Identification(models.TextChoices):
    """How staff verified the identity of the person at the desk or on the phone (45 CFR 164.514(h))."""

    PHOTO_ID = "photo_id", "Photo ID"
    KNOWN = "known", "Known to staff"
    CALLBACK = "callback", "Called back at the number on record"
    OTHER = "other", "Other"


class EndCode(models.TextChoices):
    """Why the system ended a registration. When staff revoke a registration, they type a reason instead."""

    DECLINED = "declined", "The family declined the portal."
    INELIGIBLE = "ineligible", "The patient is deceased or inactive."
    CONTACT_LOST_AUTHORITY = "contact_lost_authority", "The contact is no longer authorized to see the record."
    SENT_AGAIN = "sent_again", "It was sent again."
    REISSUED = "reissued", "A new registration was issued."
    TOO_MANY_ATTEMPTS = "too_many_attempts", "Too many failed attempts."
    RESEND_CLAIMED = "resend_claimed", "Another PIN or link for the same registration was used."
    MATCHED = "matched", "The family signed up without it, and their request was matched."


def end_columns(reason: EndCode | str) -> dict[str, str]:
    """Return the columns that record why a registration ended: a code, or the text that staff typed."""
    if isinstance(reason, EndCode):
        return {"end_code": reason, "end_reason": ""}
    return {"end_code": "", "end_reason": reason}


def end_text(reason: EndCode | str) -> str:
    """Return the sentence that the page shows for a reason."""
    return str(reason.label) if isinstance(reason, EndCode) else reason


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def live(self) -> Self:
        return self.filter(state=Registration.State.PENDING, expires_at__gt=timezone.now())

    def unfinished(self) -> Self:
        """Return live registrations, and expired registrations that a family may still finish claiming (FINISH_WITHIN)."""
        states = (Registration.State.PENDING, Registration.State.EXPIRED)
        return self.filter(state__in=states, expires_at__gt=timezone.now() - FINISH_WITHIN)

    def end(
        self, state: "Registration.State", *, reason: EndCode | str, by: User | None = None, at: datetime | None = None
    ) -> list["Registration"]:
        """End these registrations, delete their displayable PINs, and return the registrations.

        Call inside a transaction that has locked their patients. The caller cancels queued messages and writes the
        audit trail.
        """
        ended = list(self.select_related("practice", "message").select_for_update(of=("self",)).order_by("pk"))
        PinDisplay.objects.filter(registration__in=ended).delete()
        Registration.objects.filter(pk__in=[registration.pk for registration in ended]).update(
            state=state, ended_at=at or timezone.now(), ended_by=by, **end_columns(reason)
        )
        return ended


class Registration(models.Model):
    """The practice's permission for one recipient to see these patients' records, and the credential that proves it.

    The credential is a PIN (`selector`, `digest`), a link with a question (`digest` of its token, `answer_digest`), or the
    sign-in of an existing `account`. Only hashes are stored: no PIN, token or answer can be read back.
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
    recipient_key = models.CharField(
        max_length=200, editable=False, help_text="Identifies the recipient. The same person has the same key."
    )
    recipient_name = models.CharField(max_length=200)
    recipient_relationship = models.CharField(max_length=80, blank=True)

    method = models.CharField(max_length=8, choices=Method)
    selector = models.CharField(max_length=4, blank=True, db_index=True, editable=False)
    digest = models.CharField(max_length=200, editable=False)
    question = models.CharField(max_length=120, blank=True)
    answer_digest = models.CharField(max_length=200, blank=True, editable=False)
    account = models.ForeignKey(
        PortalAccount,
        models.PROTECT,
        null=True,
        related_name="offers",
        help_text="The existing account that gets access.",
    )
    delivery = models.CharField(max_length=5, choices=Delivery)
    carrier = models.ForeignKey(Carrier, models.SET_NULL, null=True, related_name="+")
    language = models.CharField(max_length=10, default="en", help_text="Language of the message and the PIN sheet.")
    message = models.OneToOneField(OutgoingMessage, models.PROTECT, null=True, related_name="registration")

    level = models.CharField("access level", max_length=7, choices=AccessLevel, default=AccessLevel.FULL)
    access_ends_on = models.DateField(null=True, help_text="For a proxy: the last day of access.")
    authorization = models.CharField(
        max_length=200, blank=True, help_text="For a proxy: the authorization, for example a court order."
    )
    identified_by = models.CharField(max_length=10, choices=Identification, blank=True)
    risk_acknowledged = models.BooleanField(
        default=False, help_text="The family knows that email and texts are not private, and prefers them (HIPAA)."
    )

    override_reasons = models.JSONField(
        default=dict, help_text="The safety warnings before it was sent, each with the reason that staff gave."
    )
    authority_override_for = models.JSONField(
        default=list,
        help_text="Patients whose record the contact is not authorized to see, for whom staff gave a reason.",
    )

    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    wrong_attempts = models.PositiveSmallIntegerField(default=0)
    replaces = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="replacements",
        help_text="The earlier registration, which stays valid until this one’s message is accepted.",
    )
    sent_again = models.BooleanField(
        default=False, editable=False, help_text="A newer registration was sent in its place."
    )
    claimed_by = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="claimed")
    issued_at = models.DateTimeField(default=timezone.now)
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    end_code = models.CharField(
        max_length=30, choices=EndCode, blank=True, help_text="Why it ended, if the system ended it."
    )
    end_reason = models.CharField(max_length=200, blank=True, help_text="Why it ended, if staff typed a reason.")
    form_token = models.UUIDField(
        editable=False, help_text="Identifies the window that submitted it (idempotency key)."
    )
    request_digest = models.CharField(
        max_length=64,
        editable=False,
        help_text="Digest of the request, so that submitting it twice creates one registration.",
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
    def end_text(self) -> str:
        """Return why the registration ended: the label of `end_code`, or the reason that staff typed."""
        return self.get_end_code_display() if self.end_code else self.end_reason

    @property
    def may_be_finished_until(self) -> datetime | None:
        """Return the deadline for a family that started before the registration expired.

        Return None if the registration is live or can't be claimed.
        """
        until = self.expires_at + FINISH_WITHIN
        has_expired = not self.is_live and self.state in {self.State.PENDING, self.State.EXPIRED}
        return until if has_expired and until > timezone.now() else None

    def replaced(self) -> RegistrationQuerySet:
        """Return the registrations that ended when this registration was issued."""
        superseded = Registration.objects.for_practice(self.practice).filter(
            state=self.State.SUPERSEDED, ended_at=self.issued_at
        )
        return superseded.filter(patients__in=self.patients.all()).distinct()

    def record(self, action: Action, *, actor: Actor, **details: str | bool) -> None:
        """Write one audit event for each patient that this registration covers."""
        all_details = {"registration": str(self.pk), "method": self.method, "delivery": self.delivery, **details}
        for patient in self.patients.order_by("pk"):
            audit.record(action, actor=actor, practice=self.practice, patient=patient.pk, details=all_details)


class PinDisplay(models.Model):
    """A sealed PIN. For 15 minutes, the session that issued the PIN can display and print it."""

    registration = models.OneToOneField(Registration, models.CASCADE, primary_key=True)
    session = models.CharField(max_length=64, editable=False, help_text="Digest of the session key.")
    sealed_pin = models.TextField(editable=False)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"PIN for {self.registration_id}, valid until {self.until:%H:%M}"
