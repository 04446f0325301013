"""The vocabulary of a registration: who receives it, by what key, by what channel, and why it may be refused."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from notifications.models import Carrier
from patients import names, same_person
from patients.models import Contact
from registration.models import AccessLevel, PortalAccount


class Refused(Exception):
    """The registration must not be issued. The text says why, to the desk; `field` is where it has to be mended."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Who gets the PIN: a family contact, the patient, or somebody else by name."""

    PATIENT: ClassVar[str] = "patient"

    name: str
    relationship: str = ""
    contact: Contact | None = None
    is_patient: bool = False

    @property
    def key(self) -> str:
        """The same for the same recipient: there is one live PIN for each recipient and patient."""
        if self.contact:
            return f"contact:{self.contact.pk}"
        return self.PATIENT if self.is_patient else f"other:{names.key(self.name)[:190]}"

    @property
    def keys(self) -> set[str]:
        """The keys under which the same person may have been registered: a contact has a row with each child."""
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
    """The recipient signs in already: no PIN, the children are added once that is confirmed in this account."""

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
    """Access for a time, on paper: `ends_on` is its last day, in the practice's time."""

    level: AccessLevel
    authorization: str
    ends_on: date


Method = ByPin | ByQuestion | ToAccount
Delivery = ByEmail | ByText | InPerson
