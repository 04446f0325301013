"""Users, practices, memberships and the audit trail."""

import uuid
import zoneinfo
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.utils import timezone
from django.utils.text import slugify


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
    """A person who signs in with an email address, which is stored in lower case."""

    email = models.EmailField(
        "email address",
        unique=True,
        error_messages={"unique": "Another user has this email address. Enter a different one."},
    )
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField("can sign in", default=True)
    is_staff = models.BooleanField("administrator", default=False, help_text="Can open the administration pages.")
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


_time_zones = cache(zoneinfo.available_timezones)  # reads hundreds of files


def validate_time_zone(value: str) -> None:
    if value not in _time_zones():
        raise ValidationError("Enter a time zone like America/Chicago.")


class Practice(models.Model):
    class NameOnMessages(models.TextChoices):
        INITIALS = "initials", "Initials"
        FIRST_NAME = "first_name", "First name"

    class SheetSize(models.TextChoices):
        LETTER = "letter", "US Letter"
        A4 = "a4", "A4"

    class AtAgeLimit(models.TextChoices):
        ENDS = "ends", "Parents’ access ends"
        LIMITED = "limited", "Parents’ access becomes limited"
        RENEWAL = "renewal", "Parents’ access pauses until it is renewed"

    class PinProfile(models.TextChoices):
        PRACTICE = "practice", "Standard: 7 days for every delivery method"
        NIST = "nist", "NIST SP 800-63A-4: email 24 hours, text message 10 minutes, in person 7 days"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    short_name = models.CharField(
        max_length=30,
        help_text="Used in text messages, which have room for only 140 characters.",
        validators=[
            RegexValidator(r"^[A-Za-z0-9 .,'&-]+$", "Use only unaccented letters, digits, spaces and . , ' & -")
        ],
    )
    phone = models.CharField(max_length=20, help_text="The number that families call, like (612) 555-0142.")
    email = models.EmailField("email address", help_text="Receives replies from families.")
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=20, blank=True)
    postal_code = models.CharField(max_length=12, blank=True)
    time_zone = models.CharField(max_length=60, default="America/Chicago", validators=[validate_time_zone])

    name_on_messages = models.CharField(
        max_length=10,
        choices=NameOnMessages,
        default=NameOnMessages.INITIALS,
        help_text="How messages and PIN sheets refer to the patient. They never show the full name or the date of birth.",
    )
    sheet_size = models.CharField(max_length=6, choices=SheetSize, default=SheetSize.LETTER)
    pin_profile = models.CharField(
        "how long PINs are valid", max_length=10, choices=PinProfile, default=PinProfile.PRACTICE
    )
    hours_by_email = models.PositiveSmallIntegerField(
        "hours valid if sent by email",
        null=True,
        blank=True,
        help_text="Leave blank to use the setting above.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    hours_by_text = models.PositiveSmallIntegerField(
        "hours valid if sent by text message",
        null=True,
        blank=True,
        help_text="Leave blank to use the setting above.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    hours_in_person = models.PositiveSmallIntegerField(
        "hours valid if given in person",
        null=True,
        blank=True,
        help_text="Leave blank to use the setting above.",
        validators=[MinValueValidator(1), MaxValueValidator(21 * 24)],
    )
    age_of_majority = models.PositiveSmallIntegerField(
        default=18,
        validators=[MinValueValidator(16), MaxValueValidator(25)],
        help_text="18 in most states, 19 in Alabama and Nebraska, 21 in Mississippi. "
        "From this age on, patients can have their own PIN.",
    )
    teen_from = models.PositiveSmallIntegerField(
        "age at which patients count as teens",
        default=12,
        validators=[MinValueValidator(10), MaxValueValidator(17)],
        help_text="From this age until patients can have their own PIN, staff must give a reason to send a PIN to a parent.",
    )
    minor_age_limit = models.PositiveSmallIntegerField(
        default=18,
        validators=[MinValueValidator(12), MaxValueValidator(25)],
        help_text="On this birthday, parents’ access changes, and the patient can have their own PIN.",
    )
    at_minor_age_limit = models.CharField(max_length=8, choices=AtAgeLimit, default=AtAgeLimit.ENDS)
    usual_identification = models.CharField(
        max_length=10,
        blank=True,
        choices=[
            ("photo_id", "Photo ID"),
            ("known", "Known to staff"),
            ("callback", "Called back at the number on record"),
            ("other", "Other"),
        ],
        help_text="Preselected in the Patient Registration window. Leave blank if staff should choose each time.",
    )
    slug = models.SlugField(
        "short address",
        max_length=60,
        unique=True,
        help_text="Used in links to the family pages: /start/?practice=…",
        error_messages={"unique": "Another practice has this short address. Enter a different one."},
    )
    terms_url = models.CharField(
        "terms of use",
        max_length=200,
        blank=True,
        validators=[URLValidator(["https", "http"])],
        help_text="The web address of your own terms. Leave blank to use the portal’s terms.",
    )
    clinical_portal_url = models.CharField(
        "clinical portal",
        max_length=200,
        blank=True,
        validators=[URLValidator(["https", "http"])],
        help_text="The web address where families see the medical record, if it is on another site.",
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        self.slug = self.slug or _free_slug(self.name)
        super().save(*args, **options)

    def today(self) -> date:
        """Return the current date in the practice's time zone."""
        return timezone.now().astimezone(self.zone).date()

    def last_day(self, ends_at: datetime) -> date:
        """Return the last day of something that ends at `ends_at`, usually a midnight in the practice's time zone."""
        return (ends_at - timedelta(microseconds=1)).astimezone(self.zone).date()

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def address_lines(self) -> list[str]:
        place = " ".join(filter(None, [self.state, self.postal_code]))
        return [line for line in (self.street, ", ".join(filter(None, [self.city, place]))) if line]


def _free_slug(name: str) -> str:
    preferred = slugify(name)[:50] or "practice"
    taken = set(Practice.objects.filter(slug__startswith=preferred).values_list("slug", flat=True))
    return next(slug for slug in (preferred, *(f"{preferred}-{n}" for n in range(2, 10_000))) if slug not in taken)


class Logo(models.Model):
    """A practice's logo, kept in the database so that every web server and every backup has it."""

    practice = models.OneToOneField(Practice, models.CASCADE, primary_key=True)
    png = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.practice} logo"


class Membership(models.Model):
    class Role(models.TextChoices):
        FRONT_DESK = "front_desk", "Front desk"
        MANAGER = "manager", "Practice manager"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    practice = models.ForeignKey(Practice, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        ordering = ("pk",)  # a user starts in the practice of the oldest membership
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
    """An event of the audit trail. Only `portal.audit` creates events; they are never changed or deleted."""

    class Action(models.TextChoices):
        # Values are stored in events and covered by their digests, so they never change. Labels may.
        SIGNED_IN = "signed_in", "Signed in"
        SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
        SIGNED_OUT = "signed_out", "Signed out"
        SEARCHED = "searched", "Searched patients"
        ACCOUNT_VIEWED = "account_viewed", "Viewed a patient account"
        REGISTRATION_ISSUED = "registration_issued", "Registered a patient"
        PIN_SHOWN = "pin_shown", "Showed a PIN"
        SHEET_PRINTED = "sheet_printed", "Printed a PIN sheet"
        REGISTRATION_SUPERSEDED = "registration_superseded", "Replaced a registration"
        REGISTRATION_REVOKED = "registration_revoked", "Revoked a registration"
        REGISTRATION_EXPIRED = "registration_expired", "Registration expired"
        MESSAGE_ACCEPTED = "message_accepted", "Message accepted"
        MESSAGE_FAILED = "message_failed", "Message failed"
        MESSAGE_CANCELLED = "message_cancelled", "Message canceled"
        PATIENTS_IMPORTED = "patients_imported", "Imported patients"
        TRAIL_VIEWED = "trail_viewed", "Viewed activity"
        REGISTRATION_CLAIMED = "registration_claimed", "Used a PIN or link"
        CLAIM_FAILED = "claim_failed", "Failed attempt to use a PIN or link"
        REGISTRATION_LOCKED = "registration_locked", "Registration locked"
        TRIES_LIMITED = "tries_limited", "Blocked after too many attempts"
        ACCOUNT_CREATED = "account_created", "Created a portal account"
        ACCOUNT_CHANGED = "account_changed", "Changed a portal account"
        FAMILY_VIEWED = "family_viewed", "Family viewed their access"
        ACCESS_GIVEN = "access_given", "Access granted"
        ACCESS_REMOVED = "access_removed", "Access removed"
        ACCESS_RESTORED = "access_restored", "Access restored"
        ACCESS_ENDED = "access_ended", "Access ended"
        ACCESS_LIMITED = "access_limited", "Access limited"
        SELF_REGISTERED = "self_registered", "Requested access without a PIN"
        SELF_REGISTRATION_WITHDRAWN = "self_registration_withdrawn", "Canceled an access request"
        MATCHED = "matched", "Merge Match completed"
        MATCH_REFUSED = "match_refused", "Marked as not our patient"
        MATCH_REOPENED = "match_reopened", "Reopened an access request"
        MATCH_ASKED = "match_asked", "Asked the family for information"
        MATCH_ANSWERED = "match_answered", "Family answered a question"
        DECLINED = "declined", "Family declined the portal"
        DECLINE_UNDONE = "decline_undone", "Undid a decline"
        MESSAGES_STOPPED = "messages_stopped", "Stopped messages to an address"
        MESSAGES_ALLOWED = "messages_allowed", "Resumed messages to an address"
        SIGN_IN_RESET = "sign_in_reset", "Removed lost passkeys"
        SCREEN_HANDED_OVER = "screen_handed_over", "Started kiosk mode for a family"
        TOLD_OF_AGE_LIMIT = "told_of_age_limit", "Notified of the minor age limit"
        REMINDED = "reminded", "Reminded that access will end"
        ADMINISTERED = "administered", "Changed on the administration pages"

    chain = models.CharField(max_length=36, editable=False, help_text="The practice’s ID, or “installation”.")
    number = models.PositiveBigIntegerField(editable=False)
    at = models.DateTimeField("when")
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField("who", max_length=254)
    address = models.GenericIPAddressField("IP address", null=True)
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
    """The head of a chain of audit events: the number of events and the digest of the last one."""

    name = models.CharField(max_length=36, primary_key=True)
    length = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return self.name
