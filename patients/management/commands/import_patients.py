"""`manage.py import_patients FILE`: a FHIR export into a practice's patients, as often as one likes."""

import contextlib
import csv
import gc
import gzip
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Protocol

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from patients.intake import fhir
from patients.intake.load import Loaded, load
from patients.intake.records import PatientRecord, Refusal, UnfitError
from patients.models import Contact, NameKey, Patient
from portal import audit, database_maintenance
from portal.models import Practice

_SHOWN: Final = 20  # refusals on the screen
_UNREADABLE: Final = (OSError, EOFError, zlib.error)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

_Rows = Iterator[PatientRecord | Refusal | None]


class Command(BaseCommand):
    help = "Imports patients from a FHIR R4 export: Patients as NDJSON (.gz too), a Bundle, or a single Patient."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--practice", help="its name or its id; may be left out where there is only one")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument("--refused-to", type=Path, metavar="CSVFILE", help="write what was refused to this file")

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path = options["file"]
        practice = _choose_practice(options["practice"])
        source = _open_source(file, today=timezone.localdate(timezone=practice.zone))
        with _open_table(options["refused_to"], beside=file) as table:
            report = _Report(unit=source.unit, table=table)
            trail = _Trail(practice, report)
            try:
                with _without_looking_for_garbage(), _with_room_for_indexes():
                    rows = report.pass_on(source.rows)
                    loaded = load(rows, practice=practice, dry_run=options["dry_run"], written=trail.record)
            finally:
                if trail.is_begun:
                    database_maintenance.analyze(Patient, Contact, NameKey)
            for repeat in loaded.repeats:
                report.note(repeat)
        self.stdout.write(("Dry run, nothing was changed. " if options["dry_run"] else "") + report.summary(loaded))
        self.stdout.writelines(f"{line}\n" for line in report.shown)
        if unseen := report.noted - len(report.shown):
            self.stdout.write(f"and {unseen} more; --refused-to writes all of them to a file.")
        if report.broken_off:
            raise CommandError(
                f"{file} could not be read to its end: {report.broken_off}. Correct it and import again."
            )


@contextlib.contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """What a batch leaves goes by itself; the collector would look through it, and through Django, for a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _with_room_for_indexes() -> Iterator[None]:
    """Keys come in no order and touch the indexes everywhere: SQLite holds 256 MiB of them, and carries 200 MiB over at once."""
    if connection.vendor != "sqlite":
        yield
        return
    wanted = {"cache_size": -262_144, "wal_autocheckpoint": 50_000}  # KiB; pages
    with connection.cursor() as cursor:
        usual = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
        for name, value in wanted.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        try:
            yield
        finally:
            for name, value in usual.items():
                cursor.execute(f"PRAGMA {name} = {value}")


def _choose_practice(wanted: str | None) -> Practice:
    practices = list(Practice.objects.all())
    if not practices:
        raise CommandError("There is no practice yet to import patients into.")
    chosen = [one for one in practices if not wanted or wanted.casefold() in {str(one.pk), one.name.casefold()}]
    if len(chosen) == 1:
        return chosen[0]
    listed = "\n".join(f"  {one.pk}  {one.name}" for one in chosen or practices)
    problem = "Which practice? Name one with --practice" if chosen else "There is no such practice. There are"
    raise CommandError(f"{problem}:\n{listed}")


@dataclass(frozen=True)
class _Source:
    unit: str  # what the numbers of its rows count
    rows: _Rows


def _open_source(file: Path, *, today: date) -> _Source:
    """Finds out what the file is. Raises CommandError where it is not FHIR, before anything is changed."""
    try:
        with _open(file) as lines:
            if any(_is_patient_line(line) for line in lines):
                return _Source("line", fhir.read_lines(_watch(file), today=today))
        entries = _entries(_document(file))
    except UnfitError as unfit:
        raise CommandError(f"{file} {unfit.reason}. It is not FHIR, and nothing was imported.") from None
    except _UNREADABLE as error:
        raise CommandError(f"{file} cannot be read: {_say(error)}.") from None
    return _Source("entry", fhir.read_entries(tqdm(entries, unit=" entries", disable=None), today=today))


def _open(file: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def _is_patient_line(line: bytes) -> bool:
    # Most lines of another file are told by a look, without reading them as JSON.
    if b'"Patient"' not in line:
        return False
    try:
        return fhir.is_patient(fhir.parse(line))
    except UnfitError:
        return False


def _document(file: Path) -> object:
    """The one JSON object that the file is. Whatever does not start like one is not read into memory."""
    with _open(file) as content:
        head = content.read(1024)
        if not head.strip():
            raise UnfitError(field="", reason="is empty")
        if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            raise UnfitError(field="", reason="is not JSON in UTF-8")
        return fhir.parse(head + content.read())


def _entries(document: object) -> list[object]:
    entries = document.get("entry") if isinstance(document, dict) else None
    if fhir.is_patient(document):
        entries = [{"resource": document}]
    if not isinstance(entries, list):
        entries = []
    if not any(isinstance(entry, dict) and fhir.is_patient(entry.get("resource")) for entry in entries):
        raise UnfitError(field="", reason="holds no Patient")
    return entries


def _watch(file: Path) -> Iterator[bytes]:
    """The lines, with a progress bar where somebody sits at a terminal."""
    size = None if file.suffix == ".gz" else file.stat().st_size
    with _open(file) as lines, tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        for line in lines:
            bar.update(len(line))
            yield line


def _say(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is damaged"


class _Table(Protocol):
    def writerow(self, row: Sequence[str | int], /) -> object: ...


@contextlib.contextmanager
def _open_table(file: Path | None, *, beside: Path) -> Iterator[_Table | None]:
    if file is None:
        yield None
        return
    if file.exists() and file.samefile(beside):
        raise CommandError("--refused-to names the file that is to be imported.")
    try:
        content = file.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {_say(error)}.") from None
    with content:
        table = csv.writer(content)
        table.writerow(["row", "field", "reason"])
        yield table


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


@dataclass
class _Report:
    """What is told of rows that were not taken: the row, the field and why, never a value of the patient's."""

    unit: str
    table: _Table | None
    refused: int = 0
    skipped: int = 0
    noted: int = 0
    broken_off: str = ""
    shown: list[str] = field(default_factory=list)

    def pass_on(self, rows: _Rows) -> Iterator[PatientRecord]:
        for row in self._until_broken_off(rows):
            if isinstance(row, PatientRecord):
                for part in row.left_out:
                    self.note(part)
                yield row
            elif row is None:
                self.skipped += 1
            else:
                self.refused += 1
                self.note(row)

    def _until_broken_off(self, rows: _Rows) -> _Rows:
        # What came before is in the database by then, and has to be counted and recorded.
        try:
            yield from rows
        except _UNREADABLE as error:
            self.broken_off = _say(error)

    def note(self, refusal: Refusal) -> None:
        self.noted += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(": ".join(filter(None, [f"{self.unit} {refusal.line}", refusal.field, refusal.reason])))
        if self.table:
            self.table.writerow([refusal.line, guard(refusal.field), guard(refusal.reason)])

    def summary(self, loaded: Loaded) -> str:
        counts = f"{loaded.added} added, {loaded.changed} changed, {loaded.unchanged} unchanged, {self.refused} refused"
        others = f"; {self.skipped} entries of another kind were passed over" if self.skipped else ""
        return f"{loaded.patients} patients: {counts}{others}"


@dataclass
class _Trail:
    """A line with each batch, in its transaction: whatever ends an import, what was written is in the trail."""

    practice: Practice
    report: _Report
    is_begun: bool = False
    refused: int = 0  # of which it was told

    def record(self, batch: Loaded) -> None:
        counts = {"added": batch.added, "changed": batch.changed, "unchanged": batch.unchanged}
        counts["refused"] = self.report.refused - self.refused
        audit.record(audit.Action.PATIENTS_IMPORTED, actor=audit.COMMAND_LINE, practice=self.practice, details=counts)
        self.is_begun, self.refused = True, self.report.refused
