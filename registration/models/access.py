"""Portal accounts, and their access to patients' records."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from patients.models import Patient
from portal.models import Practice, User


class AccessLevel(models.TextChoices):
    FULL = "full", "Full"
    LIMITED = "limited", "Limited"


class PortalAccount(models.Model):
    """A family member's account. It belongs to no practice, because the children may be patients of several practices."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, models.PROTECT, related_name="portal_account")
    given_names = models.CharField("first name", max_length=80)
    family_name = models.CharField("last name", max_length=80)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="en", help_text="Language of pages and messages.")
    terms = models.CharField(max_length=200, help_text="Version of the terms of use that was accepted.")
    terms_accepted_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("family_name", "given_names", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the first and last name, for example "Ana García"."""
        return " ".join(filter(None, [self.given_names, self.family_name]))

    @property
    def email(self) -> str:
        return self.user.email


class AssociationQuerySet(models.QuerySet["Association"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(patient__practice=practice)

    def live(self) -> Self:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()), ended_at=None)


class Association(models.Model):
    """One account's access to one patient's record: its start, how it was granted, its level, and its end.

    `ending` is why the access ended, and `end_reason` is the reason that staff typed.
    """

    class Relationship(models.TextChoices):
        SELF = "self", "Self"
        MOTHER = "mother", "Mother"
        FATHER = "father", "Father"
        PARENT = "parent", "Parent"
        STEPPARENT = "stepparent", "Stepparent"
        GRANDPARENT = "grandparent", "Grandparent"
        GUARDIAN = "guardian", "Legal guardian"
        FOSTER_PARENT = "foster_parent", "Foster parent"
        OTHER = "other", "Other"

    class Ending(models.TextChoices):
        REMOVED = "removed", "Removed"
        DATE = "date", "End date reached"
        AGE = "age", "Minor age limit"
        RENEWAL = "renewal", "Needs renewal (minor age limit)"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="associations")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="associations")
    relationship = models.CharField(max_length=15, choices=Relationship)
    level = models.CharField("access level", max_length=7, choices=AccessLevel, default=AccessLevel.FULL)
    authorization = models.CharField(
        max_length=200,
        blank=True,
        help_text="For a proxy: the authorization, for example a court order or a signed consent form.",
    )
    since = models.DateTimeField(default=timezone.now)
    registration = models.ForeignKey(
        "registration.Registration", models.PROTECT, null=True, related_name="associations"
    )
    self_registration = models.OneToOneField(
        "registration.SelfRegistration", models.PROTECT, null=True, related_name="association"
    )
    ends_at = models.DateTimeField(null=True, help_text="Access ends automatically at this time.")
    reminded = models.PositiveSmallIntegerField(default=0, help_text="How many reminders of the end date were sent.")
    past_age_limit = models.BooleanField(
        default=False, help_text="The minor age limit was applied or does not apply. It will not be applied again."
    )
    age_limit_notice_sent = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ending = models.CharField(max_length=10, choices=Ending, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar[models.Manager["Association"]] = models.Manager.from_queryset(AssociationQuerySet)()

    class Meta:
        ordering = ("ended_at", "since", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "patient"), condition=Q(ended_at=None), name="one_live_association"
            ),
        )
        indexes = (models.Index(fields=("ends_at",), condition=Q(ended_at=None), name="association_to_end"),)

    def __str__(self) -> str:
        return f"{self.account} for {self.patient}"

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and (self.ends_at is None or self.ends_at > timezone.now())
