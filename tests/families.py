"""The cast on the family's side: accounts, what they ask for, and the access that they have."""

from datetime import date
from typing import Any

from django.utils import timezone

from patients.models import Patient
from portal.models import Practice, User
from registration.access import portal_status
from registration.matching import candidates
from registration.models import Association, PortalAccount, SelfRegistration
from tests.factories import PASSWORD

Relationship = Association.Relationship


def an_account(
    email: str = "elena@families.example",
    given: str = "Elena",
    family: str = "García",
    phone: str = "+16125550161",
    language: str = "en",
) -> PortalAccount:
    """Whose passphrase is PASSWORD."""
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
    """As it stands after the family sent it: with the likely patient, who is Self Registered."""
    fields = {"relationship": Relationship.MOTHER, **fields}
    asked = SelfRegistration(
        practice=practice,
        account=account,
        given_names=given,
        family_name=family,
        birth_date=birth_date,
        **fields,
    )
    asked.likely = candidates.likely(practice, asked)
    asked.save(force_insert=True)
    if asked.likely:
        portal_status.refresh([asked.likely])
    return asked


def an_association(account: PortalAccount, patient: Patient, **fields: Any) -> Association:
    """Access, of a mother in full where nothing else is said; the patient's status says so."""
    fields = {"relationship": Relationship.MOTHER, **fields}
    association = Association.objects.create(account=account, patient=patient, **fields)
    portal_status.refresh([patient])
    return association
