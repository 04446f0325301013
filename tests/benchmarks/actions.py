"""Time what the desk and the worker do, each in comparison with a minimal program that does the same."""

import gc
import smtplib
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from typing import Any, Final

from django.db import connection, transaction
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.utils import translation
from weasyprint import HTML

from notifications import delivery, outbox
from notifications.models import Channel, OutgoingMessage
from patients.models import Contact, ContactQuerySet, PortalStatus
from portal.audit import Actor
from portal.models import Practice, User
from registration import pins
from registration.communications import pin_sheet
from registration.communications.pin_sheet import Sheet
from registration.issuing import pin_display
from registration.values import Recipient
from tests.benchmarks import clock, mail_server
from tests.benchmarks.targets import Figure
from tests.factories import SESSION_KEY, issue_registration

TEXT: Final = "Your PIN is K7QF-2M9T-XB4C. Go to portal.example.org/start and enter it there.\n" * 12


def measure(practice: Practice, desk: User, *, rounds: int, messages: int) -> Iterator[Figure]:
    yield from sheets(a_sheet(practice, desk), rounds=rounds)
    yield delivery_speed(practice, messages=messages)


def registration(client: Client, practice: Practice, *, patients: int, rounds: int) -> Figure:
    contacts = _contacts_without_checks(practice).order_by("pk").iterator()

    def register() -> None:
        contact = next(contacts)
        response = client.post(f"/patients/{contact.patient_id}/register/", _form_data(contact))
        assert response.status_code == 200, response.content.decode()

    def post() -> None:
        assert client.post("/practice/", {"practice": str(practice.pk)}).status_code == 302

    times = clock.in_turn({"ours": register, "bare": post}, rounds=rounds)
    return Figure(
        group="registration", name="compared with a minimal form post", database=connection.vendor, patients=patients,
        ratio=times["ours"] / times["bare"], milliseconds=1000 * times["ours"],
    )  # fmt: skip


def _contacts_without_checks(practice: Practice) -> ContactQuerySet:
    """Return contacts whose registration needs no safety check: not those of teens or of families that declined."""
    children = Contact.objects.for_practice(practice).filter(patient__birth_date__gte=date(2018, 1, 1))
    return children.exclude(patient__portal_status=PortalStatus.DECLINED)


def a_sheet(practice: Practice, desk: User) -> Sheet:
    patient = _contacts_without_checks(practice).select_related("patient").latest("pk").patient
    issued = issue_registration(
        patient, Recipient(name="Rosa Prado", relationship="Aunt"), actor=Actor(user=desk, name=desk.email)
    )
    pin = pin_display.find_pin(issued, session_key=SESSION_KEY)
    assert pin is not None
    return pin_sheet.sheet_for(issued, pin)


def sheets(sheet: Sheet, *, rounds: int) -> Iterator[Figure]:
    with translation.override(sheet.language):
        html = render_to_string("registration/pin_sheet.html", {"sheet": sheet})

    def bare() -> None:
        HTML(string=html).write_pdf(stylesheets=[pin_sheet._CSS], font_config=pin_sheet._FONTS, pdf_variant="pdf/ua-1")

    def ours() -> None:
        pin_sheet.render(replace(sheet, pin=pins.generate()))
        gc.collect(0)  # so that the next measurement does not pay for this one's garbage

    times = clock.in_turn({"ours": ours, "bare": bare}, rounds=rounds)
    yield _figure("sheet", "a warm render compared with bare WeasyPrint", times, at_most=1.3)


def delivery_speed(practice: Practice, *, messages: int) -> Figure:
    with mail_server.serving() as port, override_settings(**_mail_to(port)):
        _enqueue(practice, 20)
        delivery.run(stop=threading.Event(), once=True)
        _bare_loop(port, 20)
        _enqueue(practice, messages)
        # Time the bare loop before and after, because the load of the machine changes from one second to the next.
        before = clock.seconds(lambda: _bare_loop(port, messages))
        ours = clock.seconds(lambda: delivery.run(stop=threading.Event(), once=True))
        after = clock.seconds(lambda: _bare_loop(port, messages))
    accepted = OutgoingMessage.objects.filter(state=OutgoingMessage.State.ACCEPTED).count()
    assert accepted >= messages + 20
    return Figure(
        group="delivery", name=f"speed of {messages:,} compared with smtplib", database=connection.vendor,
        ratio=(before + after) / 2 / ours, milliseconds=1000 * ours / messages, at_least=0.7,
    )  # fmt: skip


def _mail_to(port: int) -> dict[str, Any]:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return {"EMAIL_BACKEND": backend, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port, "EMAIL_TIMEOUT": 10}


def _enqueue(practice: Practice, messages: int) -> None:
    with transaction.atomic():
        for number in range(messages):
            address = f"parent{number}@families.example"
            outbox.enqueue(
                practice=practice,
                channel=Channel.EMAIL,
                recipient=address,
                shown_recipient=address,
                sender_name=practice.name,
                subject="Set up your access",
                text=TEXT,
                html=f"<p>{TEXT}</p>",
                about=uuid.uuid4(),
            )


def _bare_loop(port: int, messages: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(messages):
            mail = EmailMessage()
            mail["Subject"], mail["From"] = "Set up your access", "portal@localhost"
            mail["To"] = f"parent{number}@families.example"
            mail.set_content(TEXT)
            mail.add_alternative(f"<p>{TEXT}</p>", subtype="html")
            server.send_message(mail)


def _form_data(contact: Contact) -> dict[str, str]:
    return {
        "method": "pin",
        "recipient": str(contact.pk),
        "delivery": "email",
        "email": contact.email,
        "risk_acknowledged": "on",
        "identified_by": "photo_id",
        "language": "en",
        "form_token": str(uuid.uuid4()),
    }


def _figure(group: str, name: str, times: dict[str, float], *, at_most: float | None = None) -> Figure:
    ratio = times["ours"] / times["bare"]
    return Figure(
        group=group, name=name, database=connection.vendor,
        ratio=ratio, milliseconds=1000 * times["ours"], at_most=at_most,
    )  # fmt: skip
