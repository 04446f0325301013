"""Value types for a registration: recipient, method, delivery, proxy, and refusal."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from notifications.models import Carrier
from patients import names, same_person
from patients.models import Contact
from registration.models import AccessLevel, PortalAccount


class Refused(Exception):
    """The action is not allowed. The message tells staff why, and `field` names the form field to correct."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Who gets the PIN: a family contact, the patient, or another person by name."""

    PATIENT: ClassVar[str] = "patient"

    name: str
    relationship: str = ""
    contact: Contact | None = None
    is_patient: bool = False

    @property
    def key(self) -> str:
        """Return the recipient's key. There is at most one live registration for each recipient key and patient."""
        if self.contact:
            return f"contact:{self.contact.pk}"
        return self.PATIENT if self.is_patient else f"other:{names.key(self.name)[:190]}"

    @property
    def keys(self) -> set[str]:
        """Return all keys of the same person, because a family contact has one row per child."""
        if self.contact:
            return {f"contact:{row.pk}" for row in same_person.contact_rows_for(self.contact)}
        return {self.key}


@dataclass(frozen=True)
class ByPin:
    pass


@dataclass(frozen=True)
class ByQuestion:
    question: str
    answer: str


@dataclass(frozen=True)
class ToAccount:
    """Give access to an existing account, without a PIN. The recipient confirms the access after signing in."""

    account: PortalAccount


@dataclass(frozen=True)
class ByEmail:
    address: str


@dataclass(frozen=True)
class ByText:
    national_number: str  # 10 digits
    carrier: Carrier


@dataclass(frozen=True)
class InPerson:
    pass


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """Temporary access based on a written authorization. `ends_on` is the last day, in the practice's time zone."""

    level: AccessLevel
    authorization: str
    ends_on: date


Method = ByPin | ByQuestion | ToAccount
Delivery = ByEmail | ByText | InPerson
