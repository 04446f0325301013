"""Families' own decisions: requests for access without a PIN, and declines."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from patients.models import Patient
from portal.models import Practice, User
from registration.models.access import Association, PortalAccount


class SelfRegistrationQuerySet(models.QuerySet["SelfRegistration"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def waiting(self) -> Self:
        """Return undecided requests, including requests that are waiting for the family's answer."""
        return self.filter(state__in=SelfRegistration.WAITING)


class SelfRegistration(models.Model):
    """An account's request for access to one patient's record without a PIN. Staff decide which patient it matches.

    What the family typed is kept unchanged. It is compared with the record, but never copied into the record.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ASKED = "asked", "Asked for more information"
        MATCHED = "matched", "Matched"
        REFUSED = "refused", "Not our patient"
        WITHDRAWN = "withdrawn", "Withdrawn by the family"

    WAITING = (State.WAITING, State.ASKED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="self_registrations")
    given_names = models.CharField("first name", max_length=160)
    family_name = models.CharField("last name", max_length=120)
    birth_date = models.DateField("date of birth")
    relationship = models.CharField(max_length=15, choices=Association.Relationship)
    street = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField("ZIP code", max_length=20, blank=True)
    likely = models.ForeignKey(
        Patient,
        models.SET_NULL,
        null=True,
        related_name="self_registrations",
        help_text="The only patient with this name and date of birth. Their status is Self Registered.",
    )
    likely_checked_at = models.DateTimeField(
        default=timezone.now, help_text="When the likely patient was last looked up."
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    question = models.CharField(max_length=500, blank=True, help_text="The practice’s question to the family.")
    answer = models.CharField(max_length=500, blank=True, help_text="The family’s answer.")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    override_reasons = models.JSONField(
        default=dict, help_text="The safety warnings before the match, each with the reason that staff gave."
    )

    objects: ClassVar[models.Manager["SelfRegistration"]] = models.Manager.from_queryset(SelfRegistrationQuerySet)()

    class Meta:
        ordering = ("created_at", "pk")
        indexes = (
            models.Index(fields=("practice", "state", "created_at"), name="self_registration_queue"),
            models.Index(
                fields=("likely_checked_at",),
                condition=Q(state__in=("waiting", "asked")),
                name="self_registration_to_check",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account} requests {self.given_names} {self.family_name}"

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING


class DeclineQuerySet(models.QuerySet["Decline"]):
    def for_practice(self, practice: Practice) -> Self:
        """Filter by the patient's practice. Few patients have declines, so a subquery for each decline is fast."""
        return self.filter(Exists(Patient.objects.for_practice(practice).filter(pk=OuterRef("patient"))))

    def live(self) -> Self:
        return self.filter(ended_at=None)


class Decline(models.Model):
    """A family's decision not to use the portal. Nothing is sent to the family until staff undo the decline."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="declines")
    reason = models.CharField(max_length=200)
    ask_again_on = models.DateField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar[models.Manager["Decline"]] = models.Manager.from_queryset(DeclineQuerySet)()

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(fields=("patient",), condition=Q(ended_at=None), name="one_live_decline"),
        )
        indexes = (models.Index(fields=("ask_again_on",), condition=Q(ended_at=None), name="decline_to_ask_again"),)

    def __str__(self) -> str:
        return self.reason
