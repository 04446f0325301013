"""The rows of the Associations panel: who has access to a record, and who had it."""

from dataclasses import dataclass
from typing import Final

from patients.templatetags.patient_values import us_date
from registration.access import associations
from registration.models import AccessLevel, Association, Registration

_GRANTED_BY: Final = {
    Registration.Method.PIN: "PIN issued",
    Registration.Method.QUESTION: "verification question issued",
    Registration.Method.ACCOUNT: "account offer made",
}


def needs_renewal(association: Association) -> bool:
    """Return True if the age limit ended this access and the practice can renew it."""
    return association.ending == Association.Ending.RENEWAL


@dataclass(frozen=True)
class AccessRow:
    """Access that an account has now. `has_passkey` is True if the account has a passkey that staff can remove if it is lost."""

    association: Association
    is_barred: bool
    has_passkey: bool
    can_manage: bool

    @property
    def level_tone(self) -> str:
        return "attention" if self.association.level == AccessLevel.LIMITED else "quiet"

    @property
    def barred_warning(self) -> str:
        if not self.is_barred:
            return ""
        action = "Remove it" if self.can_manage else "Ask your manager to remove it"
        return (
            f"{self.association.account.name} is now marked as not authorized to see this record. "
            f"Access does not end automatically. {action} unless the record is wrong."
        )

    @property
    def since(self) -> str:
        return f"Since {us_date(self.association.since)}"

    @property
    def granted_by(self) -> str:
        if registration := self.association.registration:
            return (
                f"Granted by {_GRANTED_BY[Registration.Method(registration.method)]} {us_date(registration.issued_at)}"
            )
        return "Granted by Merge Match" if self.association.self_registration_id else ""

    @property
    def ends(self) -> str:
        ends_at = self.association.ends_at
        if ends_at is None:
            return ""
        return f"Ends {us_date(self.association.patient.practice.last_day(ends_at))}"

    @property
    def is_removal_scheduled(self) -> bool:
        return associations.is_removal_scheduled(self.association)

    @property
    def scheduled_by(self) -> str:
        return f"{self.association.ended_by}: {self.association.end_reason}" if self.is_removal_scheduled else ""


@dataclass(frozen=True)
class EndedAccessRow:
    """Access that has ended."""

    association: Association

    @property
    def period(self) -> str:
        return f"{us_date(self.association.since)} to {us_date(self.association.ended_at or self.association.ends_at)}"

    @property
    def ending(self) -> str:
        return self.association.get_ending_display() or "End date reached"

    @property
    def ended_by(self) -> str:
        return f"by {self.association.ended_by}" if self.association.ended_by else ""

    @property
    def restore_label(self) -> str:
        return "Renew access" if needs_renewal(self.association) else "Restore access"
