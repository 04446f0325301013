"""The sentences on the pages where staff restore access and record a decline."""

from dataclasses import dataclass

from django.utils.text import get_text_list

from patients.models import Patient
from registration.access import associations
from registration.desk.presenters.access_rows import needs_renewal
from registration.models import Association, Registration


@dataclass(frozen=True)
class RestorePage:
    """The page where staff restore ended access, renew access after the age limit, or cancel a scheduled removal."""

    association: Association

    @property
    def refusal(self) -> str:
        return associations.restore_refusal(self.association) or ""

    @property
    def title(self) -> str:
        return f"{self._verb} this access?"

    @property
    def button(self) -> str:
        return f"{self._verb} access"

    @property
    def effect(self) -> str:
        patient = self.association.patient
        record = f"{patient.first_name} {patient.family_name}’s record"
        if self.association.ended_at:
            return f"will be able to see {record} again and will be notified by email."
        return f"will still be able to see {record} and will be notified by email."

    @property
    def needs_permission(self) -> bool:
        """Return True if the patient is past the age limit and the access belongs to someone else."""
        is_own = self.association.relationship == Association.Relationship.SELF
        return associations.is_past_age_limit(self.association) and not is_own

    @property
    def _verb(self) -> str:
        if needs_renewal(self.association):
            return "Renew"
        return "Restore" if self.association.ended_at else "Keep"


def decline_note(registration: Registration, patient: Patient) -> str:
    """Return a note that a decline revokes this registration, and which other patients the registration is for."""
    others = get_text_list([child.name for child in registration.patients.all() if child.pk != patient.pk], "and")
    also = f" It is also for {others}." if others else ""
    return f"The registration for {registration.recipient_name} will be revoked.{also}"
