"""Report the result of an import: the counts, and the rows that were not imported."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from patients.intake.load import Loaded
from patients.intake.records import PatientRecord, Refusal

UNREADABLE: Final = (OSError, EOFError, zlib.error)
_MAX_SHOWN: Final = 20  # refusals on the screen
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

Rows = Iterator[PatientRecord | Refusal | None]  # None is a resource other than a patient


class Table(Protocol):
    """The method of a CSV writer that a report uses."""

    def writerow(self, row: Sequence[str | int], /) -> object: ...


def describe(error: Exception) -> str:
    """Return why a file could not be opened, read or written."""
    return getattr(error, "strerror", None) or "it is damaged"


def guard(cell: str) -> str:
    """Escape a cell that a spreadsheet would treat as a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


@dataclass
class ImportReport:
    """The rows that were not imported: row, field and reason, but never the patient's data."""

    unit: str
    table: Table | None
    refused: int = 0
    skipped: int = 0
    noted: int = 0
    read_error: str = ""
    shown: list[str] = field(default_factory=list)

    def pass_on(self, rows: Rows) -> Iterator[PatientRecord]:
        """Yield the records, and note the refusals. After a read error, stop and keep the error in `read_error`."""
        for row in self._until_read_error(rows):
            if isinstance(row, PatientRecord):
                for part in row.left_out:
                    self.note(part)
                yield row
            elif row is None:
                self.skipped += 1
            else:
                self.refused += 1
                self.note(row)

    def _until_read_error(self, rows: Rows) -> Rows:
        # Do not raise yet: the rows before the error are in the database, and must be counted and recorded.
        try:
            yield from rows
        except UNREADABLE as error:
            self.read_error = describe(error)

    def note(self, refusal: Refusal) -> None:
        self.noted += 1
        if len(self.shown) < _MAX_SHOWN:
            self.shown.append(": ".join(filter(None, [f"{self.unit} {refusal.line}", refusal.field, refusal.reason])))
        if self.table:
            self.table.writerow([refusal.line, guard(refusal.field), guard(refusal.reason)])

    def summary(self, loaded: Loaded) -> str:
        counts = f"{loaded.added} added, {loaded.changed} changed, {loaded.unchanged} unchanged, {self.refused} refused"
        others = f"; {_plural(self.skipped, 'other resource')} skipped" if self.skipped else ""
        return f"{_plural(loaded.patients, 'patient')}: {counts}{others}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
