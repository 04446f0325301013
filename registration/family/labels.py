"""Labels of model values in the family's language. The labels on the models are for staff, in English."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from patients.models import Patient
from portal.models import Practice
from registration.communications import welcome
from registration.family.signup.drafts import SELF
from registration.models import Association


def relationship_choices() -> list[tuple[str, str]]:
    """Return the relationships that a person can have to a child, as form choices."""
    names = {
        "mother": _("Mother"),
        "father": _("Father"),
        "parent": _("Parent"),
        "stepparent": _("Stepparent"),
        "grandparent": _("Grandparent"),
        "guardian": _("Legal guardian"),
        "foster_parent": _("Foster parent"),
        "other": pgettext("relationship", "Other"),
    }
    return [(value, names.get(value, value)) for value in Association.Relationship.values if value != SELF]


def relationship_label(value: str) -> str:
    return dict([*relationship_choices(), (SELF, pgettext("relationship", "Myself"))]).get(value, value)


def patient_label(practice: Practice, patient: Patient) -> str:
    """Name a patient for someone who has not signed in yet, in the same short form as in the practice's messages."""
    return welcome.who_label(practice, [patient]) or _("your child")
