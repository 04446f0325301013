"""Who signs in, for which practice, and the trail of what they did."""

import uuid
import zoneinfo
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; the e-mail address, in lower case, is the name."""

    email = models.EmailField("e-mail address", unique=True, error_messages={"unique": "This address is taken."})
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField("may sign in", default=True)
    is_staff = models.BooleanField("administrator", default=False, help_text="May open the administration pages.")
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        return self.name


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError("Not a time zone, for example America/Chicago.")


class Practice(models.Model):
    class NameOnMessages(models.TextChoices):
        INITIALS = "initials", "Initials"
        FIRST_NAME = "first_name", "First name"

    class SheetSize(models.TextChoices):
        LETTER = "letter", "US Letter"
        A4 = "a4", "A4"

    class PinProfile(models.TextChoices):
        PRACTICE = "practice", "Practice: 7 days however it travels"
        NIST = "nist", "NIST SP 800-63A-4: e-mail 24 hours, text 10 minutes, in person 7 days"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    short_name = models.CharField(
        max_length=30,
        help_text="For text messages, in plain letters: a text has room for 140 characters in all.",
        validators=[RegexValidator(r"^[A-Za-z0-9 .,'&-]+$", "Plain letters, digits and . , ' & - only.")],
    )
    phone = models.CharField(max_length=20, help_text="The number that families ring, as (612) 555-0142.")
    email = models.EmailField("e-mail address", help_text="Families' replies go here.")
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=20, blank=True)
    postal_code = models.CharField(max_length=12, blank=True)
    time_zone = models.CharField(max_length=60, default="America/Chicago", validators=[validate_time_zone])

    name_on_messages = models.CharField(
        max_length=10,
        choices=NameOnMessages,
        default=NameOnMessages.INITIALS,
        help_text="How a message or a PIN sheet says whom it is about. Never the full name or the date of birth.",
    )
    sheet_size = models.CharField(max_length=6, choices=SheetSize, default=SheetSize.LETTER)
    pin_profile = models.CharField("PIN validity", max_length=10, choices=PinProfile, default=PinProfile.PRACTICE)
    hours_by_email = models.PositiveSmallIntegerField(
        "hours valid by e-mail",
        null=True,
        blank=True,
        help_text="Leave empty for the usual time.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    hours_by_text = models.PositiveSmallIntegerField(
        "hours valid by text",
        null=True,
        blank=True,
        help_text="Leave empty for the usual time.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    hours_in_person = models.PositiveSmallIntegerField(
        "hours valid in person",
        null=True,
        blank=True,
        help_text="Leave empty for the usual time.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    age_of_majority = models.PositiveSmallIntegerField(
        default=18,
        validators=[MinValueValidator(16), MaxValueValidator(25)],
        help_text="18 in most states; Alabama and Nebraska 19, Mississippi 21. From then on the patient may have a PIN.",
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def address_lines(self) -> list[str]:
        place = " ".join(filter(None, [self.state, self.postal_code]))
        return [line for line in (self.street, ", ".join(filter(None, [self.city, place]))) if line]

    @property
    def pin_validity(self) -> dict[str, timedelta]:
        """How long a PIN is good, by how it travels: "email", "text", "none" (in person)."""
        profile = (
            {"email": timedelta(hours=24), "text": timedelta(minutes=10), "none": timedelta(days=7)}
            if self.pin_profile == self.PinProfile.NIST
            else dict.fromkeys(("email", "text", "none"), timedelta(days=7))
        )
        own = {"email": self.hours_by_email, "text": self.hours_by_text, "none": self.hours_in_person}
        return profile | {channel: timedelta(hours=hours) for channel, hours in own.items() if hours}


class Logo(models.Model):
    """A practice's logo, in the database: every web machine has it, and so has the backup."""

    practice = models.OneToOneField(Practice, models.CASCADE, primary_key=True)
    png = models.BinaryField()

    def __str__(self) -> str:
        return f"Logo of {self.practice}"


class Membership(models.Model):
    class Role(models.TextChoices):
        FRONT_DESK = "front_desk", "Front desk"
        MANAGER = "manager", "Practice manager"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    practice = models.ForeignKey(Practice, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        ordering = ("pk",)  # the first one given is where a person works until another is chosen
        constraints = (models.UniqueConstraint(fields=("user", "practice"), name="one_role_in_a_practice"),)

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()} at {self.practice}"


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **fields: Any) -> NoReturn:
        raise PermissionError("The audit trail cannot be changed.")

    def delete(self) -> NoReturn:
        raise PermissionError("The audit trail cannot be changed.")

    def bulk_update(self, objs: Iterable[Any], fields: Any, batch_size: int | None = None) -> NoReturn:
        raise PermissionError("The audit trail cannot be changed.")


class AuditEvent(models.Model):
    """One line of the trail. Written by `portal.audit.record` alone; never changed, never deleted."""

    class Action(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
        SIGNED_OUT = "signed_out", "Signed out"
        SEARCHED = "searched", "Searched patients"
        ACCOUNT_VIEWED = "account_viewed", "Viewed a patient account"
        REGISTRATION_ISSUED = "registration_issued", "Issued a registration"
        PIN_SHOWN = "pin_shown", "PIN shown"
        SHEET_PRINTED = "sheet_printed", "PIN sheet printed"
        REGISTRATION_SUPERSEDED = "registration_superseded", "Superseded a registration"
        REGISTRATION_REVOKED = "registration_revoked", "Revoked a registration"
        REGISTRATION_EXPIRED = "registration_expired", "Registration expired"
        MESSAGE_ACCEPTED = "message_accepted", "Message accepted"
        MESSAGE_FAILED = "message_failed", "Message failed"
        MESSAGE_CANCELLED = "message_cancelled", "Message cancelled"
        PATIENTS_IMPORTED = "patients_imported", "Imported patients"
        TRAIL_VIEWED = "trail_viewed", "Viewed the activity"

    chain = models.CharField(max_length=36, editable=False, help_text="The practice, or “installation”.")
    number = models.PositiveBigIntegerField(editable=False)
    at = models.DateTimeField("when")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField("who", max_length=254)
    address = models.GenericIPAddressField("from where", null=True)
    action = models.CharField("what", max_length=30, choices=Action)
    practice = models.ForeignKey(Practice, models.PROTECT, null=True, related_name="+")
    patient_id = models.UUIDField("patient", null=True)
    details = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, editable=False)

    objects: ClassVar[models.Manager["AuditEvent"]] = models.Manager.from_queryset(AuditQuerySet)()

    class Meta:
        ordering = ("-at", "-id")
        constraints = (models.UniqueConstraint(fields=("chain", "number"), name="one_event_a_number"),)
        indexes = (
            models.Index(fields=("practice", "at"), name="audit_by_practice"),
            models.Index(fields=("patient_id", "at"), name="audit_by_patient"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name}: {self.get_action_display()}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise PermissionError("The audit trail cannot be changed.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise PermissionError("The audit trail cannot be changed.")


class AuditChain(models.Model):
    """The head of a chain of audit events: how many there are and the digest of the last."""

    name = models.CharField(max_length=36, primary_key=True)
    length = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return self.name
