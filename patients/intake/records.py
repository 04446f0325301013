"""The fields that an import reads, and the checks that their values must pass.

PatientRecord and ContactRecord are the only list of imported fields. To import one more:

1. Add a line to PatientRecord (or ContactRecord), with FHIR's name for the field and its maximum length.
2. Set the field in the mapper: `_record` in fhir.py, or `_contact` in fhir_contacts.py.
3. Add a column of the same name to the model, and its migration.

The column lists in load.py and the length checks are derived from them. This module uses no database, so file readers
can be tested without one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final, get_type_hints

# Control characters except tab and line ends, and lone halves of UTF-16 pairs: not every database can store them.
# Those in the second row reverse the direction of the text after it, so that one name could look like another.
_NOT_TEXT: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
    r"\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True)
class Imported:
    """A field of a record that has a column in the database.

    `fhir` is FHIR's name for the field, for messages about bad values. `max_length` is the width of the column, in
    characters; a test compares it with the model. If `is_identity` is True, the value never changes, and the next
    import finds the row by it.
    """

    fhir: str
    max_length: int | None = None
    is_identity: bool = False


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Tells the person who corrects the source why a row, or part of one, was not imported.

    A refusal never contains the patient's data. In a file that has entries instead of lines, `line` is the entry's
    number.
    """

    line: int
    field: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ContactRecord:
    """A family contact as the source describes it. `key` identifies it among the patient's contacts.

    `has_authority` is None if the source has no value. load.py explains how the value affects an existing contact.
    """

    key: Annotated[str, Imported("id", max_length=200, is_identity=True)]
    family_name: Annotated[str, Imported("name.family", max_length=120)]
    given_names: Annotated[str, Imported("name.given", max_length=160)] = ""
    relationship: Annotated[str, Imported("relationship", max_length=80)] = ""
    email: Annotated[str, Imported("telecom", max_length=254)] = ""
    phone: Annotated[str, Imported("telecom", max_length=40)] = ""
    has_authority: bool | None = None


@dataclass(frozen=True, kw_only=True)
class PatientRecord:
    """A patient as the source describes it.

    `line` is its place in the file, and `left_out` lists the parts that were not imported. Neither is the patient's
    data, so neither counts when records are compared.
    """

    source_system: Annotated[str, Imported("identifier.system", max_length=200, is_identity=True)]
    source_id: Annotated[str, Imported("identifier.value", max_length=200, is_identity=True)]
    mrn: Annotated[str, Imported("identifier.value", max_length=64)] = ""
    family_name: Annotated[str, Imported("name.family", max_length=120)]
    given_names: Annotated[str, Imported("name.given", max_length=160)] = ""
    preferred_name: Annotated[str, Imported("name.given", max_length=80)] = ""
    birth_date: Annotated[date, Imported("birthDate")]
    sex: Annotated[str, Imported("gender")] = "unknown"
    active: Annotated[bool, Imported("active")] = True
    deceased: Annotated[bool, Imported("deceased")] = False
    deceased_on: Annotated[date | None, Imported("deceasedDateTime")] = None
    language: Annotated[str, Imported("communication.language", max_length=35)] = ""
    phone: Annotated[str, Imported("telecom", max_length=40)] = ""
    email: Annotated[str, Imported("telecom", max_length=254)] = ""
    street: Annotated[str, Imported("address.line", max_length=200)] = ""
    city: Annotated[str, Imported("address.city", max_length=80)] = ""
    state: Annotated[str, Imported("address.state", max_length=40)] = ""
    postal_code: Annotated[str, Imported("address.postalCode", max_length=20)] = ""
    contacts: tuple[ContactRecord, ...] = field(default=())
    line: int = field(default=0, compare=False)
    left_out: tuple[Refusal, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        keys = {contact.key for contact in self.contacts}
        if "" in keys or len(keys) < len(self.contacts):
            raise ValueError("Each contact of a patient needs its own key.")


Record = PatientRecord | ContactRecord


def _imported_fields(record_type: type[Record]) -> Iterator[tuple[str, Imported]]:
    for name, hint in get_type_hints(record_type, include_extras=True).items():
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(note, Imported):
                yield name, note


PATIENT_FIELDS: Final = dict(_imported_fields(PatientRecord))
CONTACT_FIELDS: Final = dict(_imported_fields(ContactRecord))


class UnfitError(ValueError):
    """Raised for a value that cannot be imported. `field` is the source's name for the field."""

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def clean(text: str, *, field: str) -> str:
    """Return the text in Unicode's composed form (NFC) with single spaces. Raises UnfitError if the text cannot be stored."""
    if _NOT_TEXT.search(text):
        raise UnfitError(field=field, reason="contains a character that is not allowed in text")
    return " ".join(unicodedata.normalize("NFC", text).split())


def check_lengths(record: Record, *, path: str = "") -> None:
    """Raise UnfitError if a value is longer than its column. `path` goes before the field's name in the message."""
    fields = PATIENT_FIELDS if isinstance(record, PatientRecord) else CONTACT_FIELDS
    for name, imported in fields.items():
        if imported.max_length is not None and len(getattr(record, name)) > imported.max_length:
            raise UnfitError(field=path + imported.fhir, reason=f"is longer than {imported.max_length} characters")
