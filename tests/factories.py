"""The cast: practices, staff, patients and families that tests speak of."""

import uuid
from datetime import date
from typing import Any, Final

from patients.keys import email_key, mrn_key, phone_key
from patients.models import Contact, NameKey, Patient, keys_of
from portal.models import Membership, Practice, User
from registration.models import VerificationQuestion

PASSWORD: Final = "a quiet morning at the desk"
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
