from datetime import date

import pytest
from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from registration.models import PortalAccount
from tests import factories, signup_steps


@pytest.fixture
def brother(patient: Patient) -> Patient:
    return factories.a_patient(patient.practice, "Mateo", birth_date=date(2021, 11, 30), sex="male", mrn="MG-2")


@pytest.fixture
def family(client: Client, patient: Patient, actor: Actor) -> Client:
    """Return a client signed in as Elena, who has access to her daughter Sofía."""
    signup_steps.sign_up(client, signup_steps.issue_pin([patient], actor=actor), patient.birth_date)
    return client


@pytest.fixture
def account(family: Client) -> PortalAccount:
    return PortalAccount.objects.get(user__email=signup_steps.EMAIL)
