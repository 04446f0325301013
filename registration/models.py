"""A PIN's life: the registration that the desk issues."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from notifications.models import OutgoingMessage
from patients.models import Contact, Patient
from portal import audit
from portal.audit import Action, Actor
from portal.models import Practice, User


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


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def of(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def live(self) -> Self:
        return self.filter(state=Registration.State.PENDING, expires_at__gt=timezone.now())


class Registration(models.Model):
    """The practice's word that one recipient may see the records of these patients, and the key that proves it.

    The key is a PIN (`selector`, `digest`) or a link with a question (`digest` of its token, `answer_digest`). What is
    stored cannot be turned back into either.
    """

    class Method(models.TextChoices):
        PIN = "pin", "PIN"
        QUESTION = "question", "Verification Question"

    class Delivery(models.TextChoices):
        EMAIL = "email", "Email Address"
        TEXT = "text", "Text Message"
        NONE = "none", "Do not send PIN"

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SUPERSEDED = "superseded", "Superseded"
        REVOKED = "revoked", "Revoked"
        EXPIRED = "expired", "Expired"

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
    delivery = models.CharField(max_length=5, choices=Delivery)
    message = models.OneToOneField(OutgoingMessage, models.PROTECT, null=True, related_name="registration")

    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    issued_at = models.DateTimeField(default=timezone.now)
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)
    window = models.UUIDField(editable=False, help_text="The window that completed it.")
    wish = models.CharField(
        max_length=64, editable=False, help_text="A digest of what was asked for: the same again makes no second one."
    )

    objects: ClassVar[models.Manager["Registration"]] = models.Manager.from_queryset(RegistrationQuerySet)()

    class Meta:
        ordering = ("-issued_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("practice", "window", "wish"),
                condition=models.Q(state="pending"),
                name="one_registration_a_wish",
            ),
        )
        indexes = (
            models.Index(fields=("state", "expires_at"), name="registration_to_expire"),
            models.Index(fields=("practice", "issued_at"), name="registration_by_practice"),
        )

    def __str__(self) -> str:
        return f"{self.get_method_display()} for {self.recipient_name}"

    @property
    def is_live(self) -> bool:
        return self.state == self.State.PENDING and self.expires_at > timezone.now()

    def replaced(self) -> RegistrationQuerySet:
        """The registrations that ended when this one was issued."""
        superseded = Registration.objects.of(self.practice).filter(state=self.State.SUPERSEDED, ended_at=self.issued_at)
        return superseded.filter(patients__in=self.patients.all()).distinct()

    def record(self, action: Action, *, actor: Actor, **details: str | bool) -> None:
        """Writes a line of the audit trail for each patient that this registration covers."""
        facts = {"registration": str(self.pk), "method": self.method, "delivery": self.delivery, **details}
        for patient in self.patients.order_by("pk"):
            audit.record(action, actor=actor, practice=self.practice, patient=patient.pk, details=facts)


class Reveal(models.Model):
    """The sealed PIN of a registration, for 15 minutes, for the session that completed it: to show it and to print it."""

    registration = models.OneToOneField(Registration, models.CASCADE, primary_key=True)
    session = models.CharField(max_length=64, editable=False, help_text="A digest of the session's key.")
    sealed_pin = models.TextField(editable=False)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"PIN of {self.registration_id} until {self.until:%H:%M}"
