"""Once the message is accepted, the PIN is not in the database, the audit trail or a log."""

import logging
import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client

from notifications.models import Carrier
from patients.models import Contact, Patient
from registration.issuing import pin_display
from tests.smtp import MailServer


def dump() -> str:
    """Return every value of every table."""
    values = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            values += [
                str(bytes(value)) if isinstance(value, memoryview) else str(value) for row in cursor for value in row
            ]
    return "\n".join(values)


@pytest.mark.parametrize("delivery", ["email", "text"])
def test_pin_is_stored_nowhere_after_delivery(
    desk: Client,
    patient: Patient,
    mother: Contact,
    mail_server: MailServer,
    caplog: pytest.LogCaptureFixture,
    delivery: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    with time_machine.travel("2026-11-23T15:00:00Z", tick=False) as clock:
        data = {
            "method": "pin",
            "recipient": str(mother.pk),
            "delivery": delivery,
            "email": "elena@families.example",
            "cell_phone": "(612) 555-0161",
            "carrier": str(Carrier.objects.get(name="Verizon").pk),
            "risk_acknowledged": "on",
            "identified_by": "photo_id",
            "language": "en",
            "form_token": str(uuid.uuid4()),
        }
        html = desk.post(f"/patients/{patient.pk}/register/", data).content.decode()
        shown = re.sub(r"<[^>]+>|\s", "", html.split('class="pin"')[1].split("</p>")[0]).split(">")[-1]
        assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", shown)
        desk.get(f"/patients/{patient.pk}/")
        call_command("deliver", "--once", verbosity=0)

        (mail,) = mail_server.received
        body = mail.get_body(("plain",))
        assert body is not None
        assert shown in body.get_content()
        everywhere = dump() + caplog.text
        for secret in (shown, shown.replace("-", ""), shown.replace("-", "").lower()[4:]):
            assert secret not in everywhere

        clock.shift(timedelta(minutes=15))
        pin_display.delete_expired()
        assert "gAAAAAB" not in dump(), "and nothing sealed is left either"
