"""What a family does during sign-up, as requests of a test client."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.test import Client

from notifications.models import Content
from patients.models import Patient
from portal.audit import Actor
from registration.issuing import pin_display
from registration.models import Registration
from registration.values import ByEmail, ByQuestion, Delivery, Method
from tests.factories import SESSION_KEY, issue_registration

PASSWORD: Final = "the kettle sings at seven"
EMAIL: Final = "elena@families.example"


def pin_of(registration: Registration) -> str:
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin
    return pin.shown


def issue_pin(patients: Sequence[Patient], *, actor: Actor, **options: Any) -> str:
    """Register the patients and return the PIN."""
    return pin_of(issue_registration(patients, actor=actor, **options))


def question_link(registration: Registration) -> str:
    """Return the link to the verification question from the registration's message."""
    text = Content.objects.get(message=registration.message).text
    found = re.search(r"\S+#q=[\w-]+", text)
    assert found
    return found[0]


def emailed_pin_and_mark(registration: Registration) -> tuple[str, str]:
    """Return the PIN and the mark from the fragment of the link in the email."""
    found = re.search(r"#pin=(\w+)\.(\w+)", Content.objects.get(message=registration.message).html)
    assert found
    return found[1], found[2]


def birth_date_fields(day: date) -> dict[str, str]:
    return {"birth_date_0": str(day.month), "birth_date_1": str(day.day), "birth_date_2": str(day.year)}


def enter_pin(client: Client, pin: str, birth_date: date, **fields: str) -> Any:
    return client.post("/start/", {"pin": pin, **birth_date_fields(birth_date), **fields})


def enter_about_you(client: Client, **changes: str) -> Any:
    fields = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    return client.post("/start/about-you/", fields | changes)


def enter_sign_in_details(client: Client, **changes: str) -> Any:
    fields = {"email": EMAIL, "sign_in_method": "password", "password": PASSWORD, "terms": "on"}
    return client.post("/start/sign-in-details/", fields | changes)


def code_sent_to(email: str) -> str:
    """Return the six digits of the newest message to this address."""
    latest = Content.objects.filter(message__recipient=email).latest("message__created_at")
    found = re.search(r"\b\d{6}\b", latest.text)
    assert found, latest.text
    return found[0]


def enter_code(client: Client, email: str = EMAIL) -> Any:
    return client.post("/start/code/", {"code": code_sent_to(email)})


def sign_up(client: Client, pin: str, birth_date: date, *, email: str = EMAIL, **about_you: str) -> None:
    """Do every step from the PIN to the account."""
    enter_pin(client, pin, birth_date)
    enter_about_you(client, **about_you)
    if enter_sign_in_details(client, email=email).headers["Location"] == "/start/code/":
        assert enter_code(client, email).headers["Location"] == "/family/"


def by_email(address: str = EMAIL) -> Delivery:
    return ByEmail(address)


def by_question() -> Method:
    return ByQuestion("What is the name of the family's first pet?", "Señor Bigotes")
