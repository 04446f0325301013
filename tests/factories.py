"""Factories for practices, staff, patients, families and their access. Every account's password is PASSWORD."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.utils import timezone

from patients.keys import email_key, mrn_key, phone_key
from patients.models import Contact, NameKey, Patient, keys_of
from portal.audit import Actor
from portal.models import Membership, Practice, User
from registration.access import portal_status
from registration.issuing import registrations
from registration.issuing.request import RegistrationRequest
from registration.matching import candidates
from registration.models import (
    Association,
    Decline,
    PortalAccount,
    Registration,
    SelfRegistration,
    VerificationQuestion,
)
from registration.values import ByPin, Delivery, InPerson, Method, Recipient

PASSWORD: Final = "a quiet morning at the desk"
SESSION_KEY: Final = "a-session"
Role = Membership.Role


def a_practice(name: str = "Maple Grove Pediatrics", **fields: Any) -> Practice:
    defaults = {
        "short_name": "Maple Grove Peds",
        "phone": "+16125550142",
        "email": "hello@maplegrove.example",
        "street": "14 Orchard Lane",
        "city": "Maple Grove",
        "state": "MN",
        "postal_code": "55311",
    }
    practice = Practice.objects.create(name=name, **{**defaults, **fields})
    VerificationQuestion.objects.create(practice=practice, text="What is the name of the family's first pet?")
    return practice


def a_member(
    practice: Practice | None, role: str = Role.FRONT_DESK, email: str = "desk@maplegrove.example", **fields: Any
) -> User:
    user = User.objects.create_user(email, PASSWORD, **fields)
    if practice:
        Membership.objects.create(user=user, practice=practice, role=role)
    return user


def a_patient(practice: Practice, given: str = "Sofía", family: str = "García-López", **fields: Any) -> Patient:
    fields = {"birth_date": date(2019, 3, 5), "sex": "female", "mrn": "MG-1", **fields}
    patient = Patient.objects.create(
        practice=practice,
        source_system="urn:test",
        source_id=str(uuid.uuid4()),
        given_names=given,
        family_name=family,
        phone_key=phone_key(fields.get("phone", "")) if fields.get("phone") else "",
        email_key=email_key(fields.get("email", "")),
        mrn_key=mrn_key(fields["mrn"]),
        **fields,
    )
    NameKey.objects.bulk_create(keys_of(patient, []))
    return patient


def a_contact(patient: Patient, given: str = "Elena", family: str = "García", **fields: Any) -> Contact:
    fields = {"relationship": "Mother", "email": "elena@families.example", "phone": "+16125550161", **fields}
    contact = Contact.objects.create(
        practice=patient.practice,
        patient=patient,
        given_names=given,
        family_name=family,
        phone_key=phone_key(fields["phone"]) if fields["phone"] else "",
        email_key=email_key(fields["email"]),
        **fields,
    )
    patient.name_keys.all().delete()
    NameKey.objects.bulk_create(keys_of(patient, list(patient.contacts.all())))
    return contact


Relationship = Association.Relationship


def an_account(
    email: str = "elena@families.example",
    given: str = "Elena",
    family: str = "García",
    phone: str = "+16125550161",
    language: str = "en",
) -> PortalAccount:
    return PortalAccount.objects.create(
        user=User.objects.create_user(email, PASSWORD, name=f"{given} {family}"),
        given_names=given,
        family_name=family,
        phone=phone,
        language=language,
        terms="portal 2026-11",
        terms_accepted_at=timezone.now(),
    )


def a_self_registration(
    practice: Practice,
    account: PortalAccount,
    given: str = "Sofia",
    family: str = "Garcia Lopez",
    birth_date: date = date(2019, 3, 5),
    **fields: Any,
) -> SelfRegistration:
    """Create a self-registration as if the family had sent it: find the likely patient and refresh their portal status."""
    fields = {"relationship": Relationship.MOTHER, **fields}
    self_registration = SelfRegistration(
        practice=practice,
        account=account,
        given_names=given,
        family_name=family,
        birth_date=birth_date,
        **fields,
    )
    self_registration.likely = candidates.likely(practice, self_registration)
    self_registration.save(force_insert=True)
    if self_registration.likely:
        portal_status.refresh([self_registration.likely])
    return self_registration


def an_association(account: PortalAccount, patient: Patient, **fields: Any) -> Association:
    """Create access to the patient, by default full access as the mother, and refresh the portal status."""
    fields = {"relationship": Relationship.MOTHER, **fields}
    association = Association.objects.create(account=account, patient=patient, **fields)
    portal_status.refresh([patient])
    return association


def recipient_for(contact: Contact) -> Recipient:
    return Recipient(name=contact.name, relationship=contact.relationship, contact=contact)


def issue_registration(
    patients: Patient | Sequence[Patient],
    recipient: Recipient | Contact | None = None,
    *,
    actor: Actor,
    method: Method | None = None,
    delivery: Delivery | None = None,
    form_token: uuid.UUID | None = None,
    **options: Any,
) -> Registration:
    """Issue a registration from the session SESSION_KEY: by default a PIN for Elena García, given in person."""
    covered = [patients] if isinstance(patients, Patient) else patients
    if isinstance(recipient, Contact):
        recipient = recipient_for(recipient)
    request = RegistrationRequest(
        practice=covered[0].practice,
        patients=covered,
        recipient=recipient or Recipient(name="Elena García", relationship="Mother"),
        method=method or ByPin(),
        delivery=delivery or InPerson(),
        form_token=form_token or uuid.uuid4(),
        **options,
    )
    return registrations.register_patients(request, session_key=SESSION_KEY, actor=actor)


def a_decline(patient: Patient, actor: Actor) -> Decline:
    return Decline.objects.create(patient=patient, reason="Not interested", by=actor.require_user())
