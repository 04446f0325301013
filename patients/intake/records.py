"""What every kind of file is read into before it goes into the database, and the checks that its values have to pass.

Pure: no database, so that a reader of files can be tried, and run, without one.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

# The widths of the columns; a test holds them to the models.
LONGEST: Final[Mapping[str, int]] = {
    "source_system": 200,
    "source_id": 200,
    "mrn": 64,
    "family_name": 120,
    "given_names": 160,
    "preferred_name": 80,
    "language": 35,
    "phone": 40,
    "email": 254,
    "street": 200,
    "city": 80,
    "state": 40,
    "postal_code": 20,
    "key": 200,
    "relationship": 80,
}

# Control characters other than tab and the ends of lines, and halves of UTF-16 pairs: no database takes them all.
# The second row turns round what stands beside it: one name could read as another.
_NO_TEXT: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
    r"\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a row, or a part of it, was not taken: for the person who has to correct it at the source.

    It never holds a value of the patient's. `line` is the entry's number in a file that has no lines.
    """

    line: int
    field: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ContactRecord:
    """A family contact. `key` names it in its source, so that it is recognised when it comes again.

    `has_authority` is None where the source does not say. patients.intake.load tells what it does to a known contact.
    """

    key: str
    family_name: str
    given_names: str = ""
    relationship: str = ""
    email: str = ""
    phone: str = ""
    has_authority: bool | None = None


@dataclass(frozen=True, kw_only=True)
class PatientRecord:
    """A patient as its source tells it. (source_system, source_id) is what makes it the same patient next time.

    `line` says where it stood, and `left_out` which parts of it were not taken; neither belongs to the patient.
    """

    source_system: str
    source_id: str
    mrn: str = ""
    family_name: str
    given_names: str = ""
    preferred_name: str = ""
    birth_date: date
    sex: str = "unknown"
    active: bool = True
    deceased: bool = False
    deceased_on: date | None = None
    language: str = ""
    phone: str = ""
    email: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    contacts: tuple[ContactRecord, ...] = field(default=())
    line: int = field(default=0, compare=False)
    left_out: tuple[Refusal, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        keys = {contact.key for contact in self.contacts}
        if "" in keys or len(keys) < len(self.contacts):
            raise ValueError("Each contact of a patient needs a key of its own.")


class UnfitError(ValueError):
    """A value that cannot be taken; `field` is what the source calls it."""

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def clean(text: str, *, field: str) -> str:
    """The text in Unicode's composed form (NFC), with single spaces. Raises UnfitError where it cannot be stored."""
    if _NO_TEXT.search(text):
        raise UnfitError(field=field, reason="holds a character that is no text")
    return " ".join(unicodedata.normalize("NFC", text).split())


def check_lengths(record: PatientRecord | ContactRecord, *, fields: Mapping[str, str], path: str = "") -> None:
    """Raises UnfitError if a value is longer than its column. `fields`: what the source calls each, below `path`."""
    for name, called in fields.items():
        if len(getattr(record, name, "")) > LONGEST[name]:
            raise UnfitError(field=path + called, reason=f"is longer than {LONGEST[name]} characters")
