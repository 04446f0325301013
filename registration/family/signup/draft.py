"""What a family has typed on its way in, sealed in the session: nothing is typed twice, and going back loses nothing.

A passphrase is kept as the hash that the account will have. All of it is forgotten after 30 minutes in which nobody typed
anything, and when the family has arrived.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal import sealing
from registration.claiming.verification import VerifiedKey
from registration.models import Association

_KEY: Final = "family_draft"
KEPT_FOR: Final = timedelta(minutes=30)
SELF: Final = Association.Relationship.SELF.value


@dataclass(frozen=True, kw_only=True, repr=False)
class Draft:
    """Plain values only, as JSON has them."""

    opened: dict[str, Any] | None = None
    recipient: str = ""  # to whom it was issued: `Registration.recipient_key`
    from_message: bool = False  # what opened it was read in the registration's own message
    postponed: tuple[str, ...] = ()  # patients whose date of birth is not known now
    is_without_pin: bool = False  # without a PIN
    practice: str = ""  # which practice is asked
    you: dict[str, str] | None = None
    requested_children: tuple[dict[str, str], ...] = ()
    email: str = ""
    password_hash: str = ""
    by_passkey: bool = False
    terms: str = ""
    code: str = ""  # the code that was sent
    verified_email: str = ""  # the address that was proved

    @property
    def key(self) -> VerifiedKey | None:
        return VerifiedKey.from_data(self.opened) if self.opened else None

    @property
    def is_self(self) -> bool:
        return bool(self.you) and (self.you or {}).get("relationship") == SELF

    @property
    def is_email_verified(self) -> bool:
        return bool(self.email) and self.verified_email == self.email

    @property
    def has_pending_request(self) -> bool:
        """Whether there is something to be added to an account."""
        return bool(self.opened or self.requested_children)

    def replace(self, **changes: Any) -> "Draft":
        return replace(self, **changes)

    def of_recipient(self, recipient: str) -> "Draft":
        """What was typed for somebody else's key is forgotten: the browser may be shared."""
        return self if self.recipient == recipient else Draft(recipient=recipient)

    def with_key(self, opened: VerifiedKey, *, from_message: bool = False) -> "Draft":
        """Another registration begins anew; who the family is stays."""
        is_same = self.key is not None and self.key.registration_id == opened.registration_id
        return self.replace(
            opened=opened.as_data(),
            is_without_pin=False,
            postponed=self.postponed if is_same else (),
            from_message=from_message or (is_same and self.from_message),
        )

    def with_child(self, given_names: str, family_name: str, birth_date: date) -> "Draft":
        child = {"given_names": given_names, "family_name": family_name, "birth_date": birth_date.isoformat()}
        return (
            self
            if child in self.requested_children
            else self.replace(requested_children=(*self.requested_children, child))
        )

    def is_postponed(self, patient_id: UUID) -> bool:
        return str(patient_id) in self.postponed


def load(request: HttpRequest) -> Draft:
    """The draft of this session; an empty one where there is none, or none any more."""
    if not exists(request):
        return Draft()
    try:
        values: dict[str, Any] = json.loads(sealing.unseal(request.session[_KEY]["sealed"]))
    except ValueError:  # sealed with a key that is gone
        return Draft()
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        return Draft(**values)
    except TypeError:  # saved by an earlier version, whose fields had other names
        return Draft()


def expire_draft(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a draft that is too old leaves the session, whatever is asked for next.

    A browser that never comes back leaves it until the session runs out, and the worker deletes that (portal.sessions).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _KEY in request.session and not exists(request):
            clear(request)
        return get_response(request)

    return middleware


def exists(request: HttpRequest) -> bool:
    kept = request.session.get(_KEY)
    if not isinstance(kept, Mapping):
        return False
    return bool(timezone.now().timestamp() - kept["at"] <= KEPT_FOR.total_seconds())


def save(request: HttpRequest, draft: Draft) -> None:
    request.session[_KEY] = {"at": timezone.now().timestamp(), "sealed": sealing.seal(json.dumps(asdict(draft)))}


def clear(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)
