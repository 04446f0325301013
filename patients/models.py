"""The patients of a practice, their family contacts, and the keys by which a search finds them."""

import uuid
from collections.abc import Iterable
from datetime import date
from operator import attrgetter
from typing import ClassVar, NamedTuple, Self
from uuid import UUID

from django.db import models
from django.urls import reverse

from patients import dates, names
from patients.keys import KeyField
from portal.models import Practice, User


class PortalStatus(models.TextChoices):
    UNREGISTERED = "unregistered", "Unregistered"
    SELF_REGISTERED = "self_registered", "Self Registered"
    PENDING = "pending", "Pending"
    REGISTERED = "registered", "Registered"
    DECLINED = "declined", "Declined"


class PatientQuerySet(models.QuerySet["Patient"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)


class Patient(models.Model):
    class Sex(models.TextChoices):
        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    source_system = models.CharField(max_length=200, help_text="The system that assigned the source identifier.")
    source_id = models.CharField("source identifier", max_length=200)
    mrn = models.CharField("MRN", max_length=64, blank=True)
    family_name = models.CharField("last name", max_length=120)
    given_names = models.CharField("first and middle names", max_length=160, blank=True)
    preferred_name = models.CharField("goes by", max_length=80, blank=True)
    birth_date = models.DateField("date of birth")
    sex = models.CharField(max_length=7, choices=Sex, default=Sex.UNKNOWN)
    active = models.BooleanField(
        default=True, help_text="Uncheck if this person is no longer a patient of the practice."
    )
    deceased = models.BooleanField(default=False)
    deceased_on = models.DateField(null=True, blank=True)
    language = models.CharField(max_length=35, blank=True, help_text="A BCP 47 language tag, for example es.")
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField("email address", blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)

    portal_status = models.CharField(max_length=15, choices=PortalStatus, default=PortalStatus.UNREGISTERED)
    phone_key = KeyField(max_length=20, blank=True, editable=False)
    email_key = KeyField(max_length=254, blank=True, editable=False)
    mrn_key = KeyField(max_length=64, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Patient"]] = models.Manager.from_queryset(PatientQuerySet)()

    class Meta:
        ordering = ("family_name", "given_names", "birth_date", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("practice", "source_system", "source_id"), name="one_patient_an_identifier"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "phone_key"), name="patient_by_phone"),
            models.Index(fields=("practice", "email_key"), name="patient_by_email"),
            models.Index(fields=("practice", "mrn_key"), name="patient_by_mrn"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("patients:account", args=[self.pk])

    @property
    def name(self) -> str:
        """Return the name in the form that lists use: "García-López, Ana María"."""
        return ", ".join(filter(None, [self.family_name, self.given_names]))

    @property
    def first_name(self) -> str:
        """Return the first name that the family calls the patient by."""
        return self.preferred_name or self.given_names.split(" ")[0]

    @property
    def initials(self) -> str:
        return names.initials(self.given_names, self.family_name)

    @property
    def has_placeholder_name(self) -> bool:
        return names.is_placeholder(self.given_names)

    @property
    def address_lines(self) -> list[str]:
        place = " ".join(filter(None, [self.state, self.postal_code]))
        return [line for line in (self.street, ", ".join(filter(None, [self.city, place]))) if line]

    def age(self, *, on: date) -> int:
        return dates.age(self.birth_date, on=on)


class ContactQuerySet(models.QuerySet["Contact"]):
    def for_practice(self, practice: Practice) -> Self:
        return self.filter(practice=practice)

    def current(self) -> Self:
        """Return the contacts that are current; see Contact.is_current."""
        return self.filter(active=True, in_source=True)


class Contact(models.Model):
    """A family contact of one patient: a parent, a guardian, an emergency contact."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="contacts")
    source_key = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Identifies the contact in the record system."
    )
    position = models.PositiveSmallIntegerField(default=0)
    family_name = models.CharField("last name", max_length=120)
    given_names = models.CharField("first and middle names", max_length=160, blank=True)
    relationship = models.CharField(max_length=80, blank=True)
    email = models.EmailField("email address", blank=True)
    phone = models.CharField(max_length=40, blank=True)
    has_authority = models.BooleanField(
        "authorized to see the record", default=True, help_text="A contact who is not authorized gets no PIN."
    )
    active = models.BooleanField(default=True, help_text="Set by the practice. Imports don’t change it.")
    in_source = models.BooleanField(
        "in the record system",
        default=True,
        help_text="Set by imports: checked if the last import contained this contact.",
    )
    phone_key = KeyField(max_length=20, blank=True, editable=False)
    email_key = KeyField(max_length=254, blank=True, editable=False)

    objects: ClassVar[models.Manager["Contact"]] = models.Manager.from_queryset(ContactQuerySet)()

    class Meta:
        ordering = ("position", "family_name", "given_names", "pk")
        indexes = (
            models.Index(fields=("practice", "phone_key"), name="contact_by_phone"),
            models.Index(fields=("practice", "email_key"), name="contact_by_email"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the full name: "Ana García"."""
        return " ".join(filter(None, [self.given_names, self.family_name]))

    @property
    def listed_name(self) -> str:
        """Return the name in the form that lists use: "García, Ana"."""
        return ", ".join(filter(None, [self.family_name, self.given_names]))

    @property
    def is_current(self) -> bool:
        """Return whether both the practice and its record system still have this contact."""
        return self.active and self.in_source


class NameKey(models.Model):
    """A name by which a patient is found: one row for each part of a last name and each first name in use.

    `owner` is the person whose name it is, the patient or a family contact. Status and date of birth are copied from the
    patient, so that one index answers each search.
    """

    class Owner(models.IntegerChoices):
        PATIENT = 0
        CONTACT = 1

    practice = models.ForeignKey(Practice, models.CASCADE, related_name="+", db_index=False)
    owner = models.PositiveSmallIntegerField(choices=Owner)
    last = KeyField(max_length=120)
    first = KeyField(max_length=160)
    date_of_birth = models.DateField()
    status = models.CharField(max_length=15, choices=PortalStatus)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="name_keys")
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="name_keys")

    class Meta:
        indexes = (
            models.Index(fields=("practice", "owner", "last", "first", "date_of_birth"), name="key_by_last"),
            models.Index(fields=("practice", "owner", "first", "last", "date_of_birth"), name="key_by_first"),
            models.Index(fields=("practice", "owner", "date_of_birth", "last", "first"), name="key_by_birth"),
            models.Index(
                fields=("practice", "owner", "status", "last", "first", "date_of_birth"), name="key_by_status"
            ),
        )

    def __str__(self) -> str:
        return f"{self.last} {self.first}"


class RecentlyOpened(models.Model):
    """When a staff member last opened a patient's account. patients.recent keeps only the newest ones."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    practice = models.ForeignKey(Practice, models.CASCADE, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "practice", "patient"), name="opened_once_by_each_person"),
        )

    def __str__(self) -> str:
        return f"{self.patient_id} by {self.user_id}"


def set_portal_status(patient: Patient, status: PortalStatus) -> None:
    """Set the portal status on a patient and the patient's name keys, in the caller's transaction."""
    if patient.portal_status != status:
        patient.portal_status = status
        patient.save(update_fields=["portal_status", "updated_at"])
        patient.name_keys.update(status=status)


class Key(NamedTuple):
    """The columns of a new NameKey. Creating a Key takes a tenth of the time that creating a model instance takes."""

    practice_id: UUID
    owner: NameKey.Owner
    last: str
    first: str
    date_of_birth: date
    status: str
    patient_id: UUID
    contact_id: UUID | None


def keys_of(patient: Patient, contacts: Iterable[Contact]) -> list[NameKey]:
    """Return the unsaved keys by which a patient is found, in the order of the names."""
    return [NameKey(**key._asdict()) for key in key_columns(patient, contacts)]


def key_columns(patient: Patient, contacts: Iterable[Contact]) -> list[Key]:
    """Return the column values for these keys, for code that writes many keys."""

    def keys(owner: NameKey.Owner, surnames: list[str], given: list[str], contact: UUID | None) -> list[Key]:
        return [
            Key(
                practice_id=patient.practice_id,
                owner=owner,
                last=last[:120],
                first=first[:160],
                date_of_birth=patient.birth_date,
                status=patient.portal_status,
                patient_id=patient.pk,
                contact_id=contact,
            )
            for last in surnames
            for first in given
        ]

    own = names.given_keys(patient.given_names, patient.preferred_name)
    found = keys(NameKey.Owner.PATIENT, names.surname_keys(patient.family_name), own, None)
    for contact in contacts:
        if contact.is_current:
            surnames, given = names.surname_keys(contact.family_name), names.given_keys(contact.given_names)
            found += keys(NameKey.Owner.CONTACT, surnames, given, contact.pk)
    return sorted(found, key=attrgetter("last", "first"))
