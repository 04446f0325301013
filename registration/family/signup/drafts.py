"""What a family has entered during sign-up, kept encrypted in the session. Going back or changing a step loses nothing.

A password is kept only as the hash that the account will have. The draft is deleted after 30 minutes without activity, and
when the family has its account.
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

_SESSION_KEY: Final = "family_draft"
IDLE_LIMIT: Final = timedelta(minutes=30)
SELF: Final = Association.Relationship.SELF.value


@dataclass(frozen=True, kw_only=True, repr=False)
class Draft:
    """What the family has entered. Every value must be JSON-serializable."""

    key_data: dict[str, Any] | None = None  # VerifiedKey.as_data()
    recipient_key: str = ""  # Registration.recipient_key: the person whom the PIN was issued to
    is_from_message: bool = False  # the PIN or link was opened from the registration's own email
    postponed_patient_ids: tuple[str, ...] = ()  # patients whose date of birth the family does not know right now
    is_without_pin: bool = False
    practice_id: str = ""  # the practice that a request without a PIN goes to
    about_you: dict[str, str] | None = None
    requested_children: tuple[dict[str, str], ...] = ()
    email: str = ""
    password_hash: str = ""
    uses_passkey: bool = False
    accepted_terms: str = ""
    code_id: str = ""  # the EmailCode that was sent
    verified_email: str = ""

    @property
    def key(self) -> VerifiedKey | None:
        return VerifiedKey.from_data(self.key_data) if self.key_data else None

    @property
    def is_self(self) -> bool:
        return bool(self.about_you) and (self.about_you or {}).get("relationship") == SELF

    @property
    def is_email_verified(self) -> bool:
        return bool(self.email) and self.verified_email == self.email

    @property
    def has_pending_request(self) -> bool:
        """Return True if there is something to add to an account."""
        return bool(self.key_data or self.requested_children)

    def replace(self, **changes: Any) -> "Draft":
        return replace(self, **changes)

    def for_recipient(self, recipient_key: str) -> "Draft":
        """Start over if the PIN was issued to someone else: several families may share a browser."""
        return self if self.recipient_key == recipient_key else Draft(recipient_key=recipient_key)

    def with_key(self, key: VerifiedKey, *, is_from_message: bool = False) -> "Draft":
        """Set the opened registration. Keep the details about the family, even if this is another registration."""
        is_same = self.key is not None and self.key.registration_id == key.registration_id
        return self.replace(
            key_data=key.as_data(),
            is_without_pin=False,
            postponed_patient_ids=self.postponed_patient_ids if is_same else (),
            is_from_message=is_from_message or (is_same and self.is_from_message),
        )

    def with_child(self, given_names: str, family_name: str, birth_date: date) -> "Draft":
        child = {"given_names": given_names, "family_name": family_name, "birth_date": birth_date.isoformat()}
        if child in self.requested_children:
            return self
        return self.replace(requested_children=(*self.requested_children, child))

    def without_child(self, number: str) -> "Draft":
        """Remove the requested child at this position, counted from "0"."""
        return self.replace(
            requested_children=tuple(
                child for position, child in enumerate(self.requested_children) if str(position) != number
            )
        )

    def is_postponed(self, patient_id: UUID) -> bool:
        return str(patient_id) in self.postponed_patient_ids


def load(request: HttpRequest) -> Draft:
    """Return this session's draft, or an empty draft if the session has none or the draft has expired."""
    if not exists(request):
        return Draft()
    try:
        values: dict[str, Any] = json.loads(sealing.unseal(request.session[_SESSION_KEY]["sealed"]))
    except ValueError:  # The key that sealed it has been removed.
        return Draft()
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        return Draft(**values)
    except TypeError:  # An earlier version saved it, with other field names.
        return Draft()


def expire_draft(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Delete an expired draft from the session when any page is next requested.

    If the browser never comes back, the worker deletes the whole session when it expires (portal.sessions).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _SESSION_KEY in request.session and not exists(request):
            clear(request)
        return get_response(request)

    return middleware


def exists(request: HttpRequest) -> bool:
    saved = request.session.get(_SESSION_KEY)
    if not isinstance(saved, Mapping):
        return False
    return bool(timezone.now().timestamp() - saved["at"] <= IDLE_LIMIT.total_seconds())


def save(request: HttpRequest, draft: Draft) -> None:
    request.session[_SESSION_KEY] = {
        "at": timezone.now().timestamp(),
        "sealed": sealing.seal(json.dumps(asdict(draft))),
    }


def clear(request: HttpRequest) -> None:
    request.session.pop(_SESSION_KEY, None)
