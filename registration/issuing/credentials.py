"""Create the credential of a new registration: a PIN, a secret link with a question, or an existing account's sign-in.

Credentials are created before the transaction starts, because hashing takes milliseconds and no locks should be held
during that time.
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
    """A credential and the registration columns that store it. The credential for an existing account has no PIN or token."""

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
    """Create another credential of the same kind: a new PIN, or a new link with the same question.

    Raises ValueError if the registration is for an existing account.
    """
    match registration.method:
        case Registration.Method.PIN:
            return _pin()
        case Registration.Method.QUESTION:
            return _link(registration.question, registration.answer_digest)
        case _:
            raise ValueError("The sign-in of an existing account cannot be recreated.")


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
