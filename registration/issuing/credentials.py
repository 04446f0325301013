"""The key that a new registration is opened with: a PIN, a link's token with a question, or an account's own sign-in.

Made before the transaction: hashing takes milliseconds in which nobody should wait for a lock.
"""

import secrets
from dataclasses import dataclass
from typing import Any, assert_never

from patients import names
from registration import pins
from registration.models import Registration
from registration.pins import Pin
from registration.values import ByPin, ByQuestion, Method, ToAccount


@dataclass(frozen=True, repr=False)
class Credential:
    """`columns` are what the registration keeps of it. An account's own sign-in has neither PIN nor token."""

    columns: dict[str, Any]
    pin: Pin | None = None
    token: str | None = None


def create(method: Method) -> Credential:
    match method:
        case ByPin():
            return _pin()
        case ByQuestion(question, answer):
            return _link(question, pins.digest(names.key(answer)))
        case ToAccount(account):
            return Credential({"method": Registration.Method.ACCOUNT, "account": account})
        case _:
            assert_never(method)


def recreate(registration: Registration) -> Credential:
    """A new one of the same kind: another PIN, or another link before the same question. Raises ValueError for an account."""
    match registration.method:
        case Registration.Method.PIN:
            return _pin()
        case Registration.Method.QUESTION:
            return _link(registration.question, registration.answer_digest)
        case _:
            raise ValueError("An account's own sign-in is not made anew.")


def _pin() -> Credential:
    pin = pins.generate()
    columns = {"selector": pin.selector, "digest": pins.digest(pin.characters)}
    return Credential({"method": Registration.Method.PIN, **columns}, pin=pin)


def _link(question: str, answer_digest: str) -> Credential:
    token = secrets.token_urlsafe(16)  # 128 bits
    columns = {
        "selector": token[:4],
        "digest": pins.digest(token),
        "question": question,
        "answer_digest": answer_digest,
    }
    return Credential({"method": Registration.Method.QUESTION, **columns}, token=token)
