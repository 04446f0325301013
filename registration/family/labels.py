"""Words of the models in the family's language. The models' own labels are the desk's, and English."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from patients.models import Patient
from portal.models import Practice
from registration.communications import welcome
from registration.family.signup.draft import SELF
from registration.models import AccessLevel, Association


def relationships() -> list[tuple[str, str]]:
    """What somebody can be to a child."""
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


def relationship(value: str) -> str:
    return dict([*relationships(), (SELF, pgettext("relationship", "Myself"))]).get(value, value)


def level(value: str) -> str:
    return _("Full") if value == AccessLevel.FULL else _("Limited")


def label(practice: Practice, patient: Patient) -> str:
    """How a child is called where nobody has signed in yet: as on the practice's messages."""
    return welcome.who_label(practice, [patient]) or _("your child")
