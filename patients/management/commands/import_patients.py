"""`manage.py import_patients FILE`: import a FHIR export into a practice, as often as needed."""

import contextlib
import csv
import gc
import gzip
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from patients.intake import fhir
from patients.intake.load import Loaded, load
from patients.intake.records import UnfitError
from patients.intake.report import UNREADABLE, ImportReport, Rows, Table, describe
from patients.models import Contact, NameKey, Patient
from portal import audit, database_maintenance
from portal.models import Practice


class Command(BaseCommand):
    help = "Import patients from a FHIR R4 export: Patients as NDJSON (or .gz), a Bundle, or a single Patient."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--practice", help="name or ID of the practice; not needed if there is only one")
        parser.add_argument("--dry-run", action="store_true", help="show what would be imported, but change nothing")
        parser.add_argument(
            "--refused-to", type=Path, metavar="CSVFILE", help="write a list of the refused rows to this file"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path = options["file"]
        practice = _choose_practice(options["practice"])
        source = _open_source(file, today=timezone.localdate(timezone=practice.zone))
        with _open_table(options["refused_to"], beside=file) as table:
            report = ImportReport(unit=source.unit, table=table)
            trail = _Trail(practice, report)
            try:
                with _garbage_collector_paused(), _large_sqlite_cache():
                    rows = report.pass_on(source.rows)
                    loaded = load(rows, practice=practice, dry_run=options["dry_run"], written=trail.record)
            finally:
                if trail.is_begun:
                    database_maintenance.analyze(Patient, Contact, NameKey)
            for repeat in loaded.repeats:
                report.note(repeat)
        self.stdout.write(("Dry run: nothing was changed. " if options["dry_run"] else "") + report.summary(loaded))
        self.stdout.writelines(f"{line}\n" for line in report.shown)
        if unseen := report.noted - len(report.shown):
            self.stdout.write(f"{unseen} more not shown. Use --refused-to to write all of them to a file.")
        if report.read_error:
            raise CommandError(
                f"{file} could not be read to the end: {report.read_error}. Correct the file and import it again."
            )


@contextlib.contextmanager
def _garbage_collector_paused() -> Iterator[None]:
    """Pause the garbage collector. It would use a tenth of the import's time and find nothing to free."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _large_sqlite_cache() -> Iterator[None]:
    """Let SQLite cache 256 MiB of pages, and write 200 MiB to its log between checkpoints.

    Keys come in random order, so an import touches pages all over the indexes.
    """
    if connection.vendor != "sqlite":
        yield
        return
    for_import = {"cache_size": -262_144, "wal_autocheckpoint": 50_000}  # KiB; pages
    with connection.cursor() as cursor:
        usual = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in for_import}
        for name, value in for_import.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        try:
            yield
        finally:
            for name, value in usual.items():
                cursor.execute(f"PRAGMA {name} = {value}")


def _choose_practice(name_or_id: str | None) -> Practice:
    practices = list(Practice.objects.all())
    if not practices:
        raise CommandError("There is no practice yet. Create one before you import patients.")
    chosen = practices
    if name_or_id:
        key = name_or_id.casefold()
        chosen = [practice for practice in practices if key in {str(practice.pk), practice.name.casefold()}]
    if len(chosen) == 1:
        return chosen[0]
    choices = "\n".join(f"  {practice.pk}  {practice.name}" for practice in chosen or practices)
    problem = "Choose a practice with --practice" if chosen else "There is no such practice. Choose one of these"
    raise CommandError(f"{problem}:\n{choices}")


@dataclass(frozen=True)
class _Source:
    unit: str  # what the row numbers count: "line" or "entry"
    rows: Rows


def _open_source(file: Path, *, today: date) -> _Source:
    """Detect the kind of file. Raises CommandError if it is not FHIR, before anything is changed."""
    try:
        with _open(file) as lines:
            if any(_is_patient_line(line) for line in lines):
                return _Source("line", fhir.read_lines(_lines(file), today=today))
        entries = _entries(_document(file))
    except UnfitError as unfit:
        raise CommandError(f"{file} {unfit.reason}. This is not a FHIR file, so nothing was imported.") from None
    except UNREADABLE as error:
        raise CommandError(f"{file} cannot be read: {describe(error)}.") from None
    return _Source("entry", fhir.read_entries(tqdm(entries, unit=" entries", disable=None), today=today))


def _open(file: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def _is_patient_line(line: bytes) -> bool:
    # Skip the lines that cannot be a patient without parsing them.
    if b'"Patient"' not in line:
        return False
    try:
        return fhir.is_patient(fhir.parse(line))
    except UnfitError:
        return False


def _document(file: Path) -> object:
    """Read a file that is one JSON object.

    Check the start first, so that a large file of another kind is not loaded into memory.
    """
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
        raise UnfitError(field="", reason="contains no Patient")
    return entries


def _lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of the file. Show a progress bar if the output is a terminal."""
    size = None if file.suffix == ".gz" else file.stat().st_size
    with _open(file) as lines, tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        for line in lines:
            bar.update(len(line))
            yield line


@contextlib.contextmanager
def _open_table(file: Path | None, *, beside: Path) -> Iterator[Table | None]:
    if file is None:
        yield None
        return
    if file.exists() and file.samefile(beside):
        raise CommandError("--refused-to is the same file as the one to import. Choose another file.")
    try:
        content = file.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {describe(error)}.") from None
    with content:
        table = csv.writer(content)
        table.writerow(["row", "field", "reason"])
        yield table


@dataclass
class _Trail:
    """Records an audit event in each batch's transaction, so that an interrupted import is recorded too."""

    practice: Practice
    report: ImportReport
    is_begun: bool = False
    refused: int = 0  # how many refusals were recorded so far

    def record(self, batch: Loaded) -> None:
        counts = {"added": batch.added, "changed": batch.changed, "unchanged": batch.unchanged}
        counts["refused"] = self.report.refused - self.refused
        audit.record(audit.Action.PATIENTS_IMPORTED, actor=audit.COMMAND_LINE, practice=self.practice, details=counts)
        self.is_begun, self.refused = True, self.report.refused
