"""Submit the Patient Registration window without a browser."""

import uuid
from typing import Any

from patients.models import Contact, Patient


def typed(contact: Contact | None, **fields: Any) -> dict[str, Any]:
    """Return the form data for this contact, or for the patient."""
    return {
        "method": "pin",
        "recipient": str(contact.pk) if contact else "patient",
        "delivery": "email",
        "email": "elena@families.example",
        "risk_acknowledged": "on",
        "identified_by": "photo_id",
        "language": "en",
        "form_token": str(uuid.uuid4()),
        **fields,
    }


def window(patient: Patient) -> str:
    return f"/patients/{patient.pk}/register/"
