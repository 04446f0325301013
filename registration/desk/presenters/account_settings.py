"""The sentences of the Account Settings panel."""

from dataclasses import dataclass
from typing import Final

from patients.models import Patient
from patients.templatetags.patient_values import us_date, us_datetime
from registration.models import Decline, Registration, SelfRegistration

Method = Registration.Method

_ASSIGNED: Final = {
    Method.PIN: "PIN already assigned",
    Method.QUESTION: "Verification question set",
    Method.ACCOUNT: "Offered to an account",
}


@dataclass(frozen=True)
class AssignedKey:
    """A registration that can be used now, as PIN/VQ lists it."""

    registration: Registration

    @property
    def label(self) -> str:
        return _ASSIGNED[Method(self.registration.method)]

    @property
    def details(self) -> str:
        return f"for {self.registration.recipient_name}, until {us_datetime(self.registration.expires_at)}"


@dataclass(frozen=True)
class AccountSettings:
    """What the panel shows. `refusal` is the reason that nothing can be issued for the patient, or "" if something can."""

    patient: Patient
    assigned: list[AssignedKey]
    decline: Decline | None
    self_registration: SelfRegistration | None
    refusal: str
    is_registered: bool
    can_manage: bool

    @property
    def register_label(self) -> str:
        return "Generate PIN" if self.is_registered else "Register Patient"

    @property
    def can_decline(self) -> bool:
        return self.can_manage and not self.is_registered and not self.decline

    @property
    def decline_text(self) -> str:
        decline = self.decline
        return f"{us_date(decline.at)} by {decline.by}: {decline.reason}" if decline else ""

    @property
    def decline_follow_up(self) -> str:
        day = self.decline.ask_again_on if self.decline else None
        return f"Ask again on {us_date(day)}" if day else "Do not ask again"

    @property
    def request_text(self) -> str:
        if self.self_registration is None:
            return ""
        return f"{self.self_registration.account.name} has requested access without a PIN and is waiting for review."
