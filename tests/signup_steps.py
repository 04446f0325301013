"""What a family does at its door, as requests: the words of the stories in this folder."""

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

PASSPHRASE: Final = "the kettle sings at seven"
ADDRESS: Final = "elena@families.example"


def pin_of(registration: Registration) -> str:
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin
    return pin.shown


def issued(patients: Sequence[Patient], *, actor: Actor, **options: Any) -> str:
    """The PIN of a registration that was just issued."""
    return pin_of(issue_registration(patients, actor=actor, **options))


def link_of(registration: Registration) -> str:
    """The link of a verification question, as its message has it."""
    text = Content.objects.get(message=registration.message).text
    found = re.search(r"\S+#q=[\w-]+", text)
    assert found
    return found[0]


def mailed(registration: Registration) -> tuple[str, str]:
    """What the link of the e-mail has in its fragment: the PIN, and the mark."""
    found = re.search(r"#pin=(\w+)\.(\w+)", Content.objects.get(message=registration.message).html)
    assert found
    return found[1], found[2]


def born(day: date) -> dict[str, str]:
    return {"birth_date_0": str(day.month), "birth_date_1": str(day.day), "birth_date_2": str(day.year)}


def open_door(client: Client, pin: str, day: date, **more: str) -> Any:
    return client.post("/start/", {"pin": pin, **born(day), **more})


def tell_you(client: Client, **changes: str) -> Any:
    you = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    return client.post("/start/about-you/", you | changes)


def details(client: Client, **changes: str) -> Any:
    typed = {"email": ADDRESS, "way": "passphrase", "passphrase": PASSPHRASE, "terms": "on"}
    return client.post("/start/sign-in-details/", typed | changes)


def code_sent_to(address: str) -> str:
    """The six digits of the last message to this address."""
    latest = Content.objects.filter(message__recipient=address).latest("message__created_at")
    found = re.search(r"\b\d{6}\b", latest.text)
    assert found, latest.text
    return found[0]


def prove(client: Client, address: str = ADDRESS) -> Any:
    return client.post("/start/code/", {"code": code_sent_to(address)})


def family_with(client: Client, pin: str, day: date, *, email: str = ADDRESS, **you: str) -> None:
    """The whole way, from the PIN to the account."""
    open_door(client, pin, day)
    tell_you(client, **you)
    if details(client, email=email).headers["Location"] == "/start/code/":
        assert prove(client, email).headers["Location"] == "/family/"


def email(address: str = ADDRESS) -> Delivery:
    return ByEmail(address)


def question() -> Method:
    return ByQuestion("What is the name of the family's first pet?", "Señor Bigotes")
