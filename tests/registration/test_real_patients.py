"""From a record system's export to the welcome message: import twice, find one patient, and register the family."""

import uuid

from django.core.management import call_command
from django.test import Client

from patients.models import NameKey, Patient
from registration.models import Registration
from tests import sample_data
from tests.smtp import MailServer

pytestmark = sample_data.requires_sample


def test_exported_patient_is_found_registered_and_welcomed(desk: Client, mail_server: MailServer) -> None:
    for _ in range(2):
        call_command("import_patients", str(sample_data.FILE), verbosity=0)
        assert Patient.objects.count() == 120
    assert NameKey.objects.values("patient").distinct().count() == 120

    found = desk.get("/patients/", {"last_name": "yundt", "first_name": "suz"}).content.decode()
    suzanna = Patient.objects.get(given_names="Suzanna632", family_name="Yundt842")
    assert f'href="{suzanna.pk}/"' in found

    data = {
        "method": "pin",
        "recipient": "patient",
        "delivery": "email",
        "email": "suzanna@families.example",
        "risk_acknowledged": "on",
        "identified_by": "known",
        "language": "en",
        "form_token": str(uuid.uuid4()),
    }
    assert desk.post(f"{suzanna.get_absolute_url()}register/", data).status_code == 200
    call_command("deliver", "--once", verbosity=0)
    (mail,) = mail_server.received
    assert mail["To"] == "suzanna@families.example"
    assert Registration.objects.get().is_live
    suzanna.refresh_from_db()
    assert suzanna.portal_status == "pending"

    (deceased,) = Patient.objects.filter(family_name="Yundt842", deceased=True)
    assert "recorded as deceased" in desk.get(deceased.get_absolute_url()).content.decode()
