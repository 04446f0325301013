"""`manage.py import_patients`: which files it accepts, what it reports, and what it writes."""

import csv
import gzip
import json
from collections.abc import Iterator
from functools import partial
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from model_bakery import baker

from patients.intake.load import load
from patients.intake.report import guard
from patients.management.commands import import_patients
from patients.models import Contact, NameKey, Patient
from portal import audit
from portal.models import AuditEvent, Practice
from tests import sample_data
from tests.patients.intake.fhir_patients import ANA


@pytest.fixture(autouse=True)
def practice(db: None) -> Any:
    with time_machine.travel("2026-11-23T18:00:00Z", tick=False):
        yield baker.make(Practice, name="Maple Street Pediatrics", time_zone="America/Chicago")


def patient(number: int = 1, **members: Any) -> dict[str, Any]:
    return ANA | {"identifier": [{"system": "urn:test", "value": str(number)}]} | members


def ndjson(*resources: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(resource)}\n" for resource in resources)


def write(folder: Path, content: str | bytes, *, name: str = "patients.ndjson") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def run(file: Path, **options: Any) -> str:
    out = StringIO()
    call_command("import_patients", str(file), stdout=out, **options)
    return out.getvalue()


# --- Files


def test_good_lines_are_imported_and_bad_lines_are_reported(tmp_path: Path) -> None:
    file = write(tmp_path, ndjson(patient(1), patient(2), patient(3, birthDate="2019-03")) + "{oops\n")
    assert run(file).splitlines() == [
        "2 patients: 2 added, 0 changed, 0 unchanged, 2 refused",
        "line 3: birthDate: the date of birth has no day",
        "line 4: is not JSON",
    ]
    assert run(file).startswith("2 patients: 0 added, 0 changed, 2 unchanged")


def test_bundle_is_imported_with_any_indentation(tmp_path: Path) -> None:
    others = [{"resource": {"resourceType": "Observation"}}, {"resource": patient(2, gender="F")}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(1)}, *others]}
    for indent in (None, 2):
        file = write(tmp_path, b"\xef\xbb\xbf" + json.dumps(bundle, indent=indent).encode(), name="bundle.json")
        summary, refused = run(file).splitlines()
        assert summary.startswith("1 patient:")
        assert summary.endswith("1 refused; 1 other resource skipped")
        assert refused.startswith("entry 3: gender:")
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("indent", [None, 2])
def test_single_patient_is_imported(tmp_path: Path, indent: int | None) -> None:
    run(write(tmp_path, json.dumps(patient(), indent=indent)))
    assert Patient.objects.count() == 1


def test_gzipped_file_is_imported(tmp_path: Path) -> None:
    run(write(tmp_path, gzip.compress(ndjson(patient()).encode()), name="patients.ndjson.gz"))
    assert Patient.objects.count() == 1


def test_bad_first_line_does_not_hide_the_good_lines(tmp_path: Path) -> None:
    rows = run(write(tmp_path, "{oops\n\n" + ndjson({"resourceType": "Practitioner"}, patient()))).splitlines()
    assert rows[1:] == ["line 1: is not JSON", "line 3: resourceType: is a Practitioner, not a Patient"]
    assert Patient.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("last,first\nGarcía,Ana\n", "is not JSON in UTF-8"),
        (b"%PDF-1.7\n\xe2\xe3", "is not JSON in UTF-8"),
        (json.dumps(ANA).encode("utf-16"), "is not JSON in UTF-8"),
        (b'{"resourceType": "Patient", "id": "\xe1"}', "is not UTF-8"),
        ('{"resourceType": "Patient"', "is not JSON"),
        ("[1, 2]", "is not JSON in UTF-8"),
        ("{}", "contains no Patient"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation"}}]}', "contains no Patient"),
        ('{"resourceType": "Bundle", "entry": {"resource": 1}}', "contains no Patient"),
    ],
)
def test_file_that_is_not_fhir_changes_nothing(tmp_path: Path, content: str | bytes, reason: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(CommandError) as error:
        run(file)
    assert str(error.value) == f"{file} {reason}. This is not a FHIR file, so nothing was imported."
    assert not Patient.objects.exists()
    assert not AuditEvent.objects.exists()


def test_error_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(tmp_path / "missing.ndjson")
    with pytest.raises(CommandError, match="cannot be read"):
        run(write(tmp_path, ndjson(patient()), name="not-zipped.gz"))


def test_truncated_file_is_reported_and_imported_up_to_there(tmp_path: Path) -> None:
    rows = [patient(number, id=f"{number * 7919 % 10007:x}" * 9) for number in range(600)]
    whole = gzip.compress(ndjson(*rows).encode())
    with pytest.raises(CommandError, match="could not be read to the end"):
        run(write(tmp_path, whole[: len(whole) * 3 // 4], name="patients.ndjson.gz"))
    loaded = Patient.objects.count()
    assert 0 < loaded < 600
    assert AuditEvent.objects.get().details["added"] == loaded


# --- Output


def test_report_contains_no_patient_data(tmp_path: Path) -> None:
    secret = "Zyxwvut"
    bad: list[dict[str, Any]] = [
        {"gender": secret},
        {"birthDate": secret},
        {"name": secret},
        {"name": [{"family": secret * 30}]},
    ]
    bad += [{"resourceType": f"{secret} {secret}"}, {"telecom": [{"system": "email", "value": secret}]}]
    table = tmp_path / "refused.csv"
    people = [patient(number, **members) for number, members in enumerate(bad)]
    output = run(write(tmp_path, ndjson(*people)), refused_to=table)
    assert "5 refused" in output
    assert secret not in output + table.read_text()


def test_twenty_refusals_are_shown_and_all_are_written_to_the_table(tmp_path: Path) -> None:
    file = write(tmp_path, ndjson(patient(), *(patient(number, birthDate="2019") for number in range(30))))
    table = tmp_path / "refused.csv"
    output = run(file, refused_to=table).splitlines()
    assert len(output) == 22
    assert output[-1].startswith("10 more not shown")
    rows = list(csv.reader(table.open(newline="")))
    assert rows[:2] == [["row", "field", "reason"], ["2", "birthDate", "the date of birth has no day"]]
    assert len(rows) == 31


def test_repeated_patient_and_left_out_contact_are_reported(tmp_path: Path) -> None:
    output = run(write(tmp_path, ndjson(patient(1), patient(1, contact=[{}]))))
    assert output.splitlines() == [
        "1 patient: 1 added, 0 changed, 0 unchanged, 0 refused",
        "line 2: contact[0].name: is missing; the contact was not imported",
        "line 1: identifier: appears again at 2; that one was imported",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cell_that_starts_like_a_formula_is_quoted(start: str) -> None:
    assert guard(f"{start}1+1") == f"'{start}1+1"
    assert guard("birthDate") == "birthDate"


def test_table_of_refusals_needs_a_writable_file_other_than_the_import(tmp_path: Path) -> None:
    file = write(tmp_path, ndjson(patient()))
    before = file.read_bytes()
    for target, problem in [
        (file, "same file as the one to import"),
        (tmp_path / "missing" / "refused.csv", "cannot be written"),
    ]:
        with pytest.raises(CommandError, match=problem):
            run(file, refused_to=target)
    assert file.read_bytes() == before
    assert not Patient.objects.exists()


def test_today_is_the_date_in_the_practice_time_zone(tmp_path: Path) -> None:
    file = write(tmp_path, ndjson(patient(1), patient(2, birthDate="2026-11-24")))
    with time_machine.travel("2026-11-24T03:00:00Z", tick=False):  # still the 23rd in Chicago
        assert "line 2: birthDate: the date of birth is in the future" in run(file)


# --- Written data


def test_import_is_audited_and_a_dry_run_writes_nothing(tmp_path: Path, practice: Practice) -> None:
    file = write(tmp_path, ndjson(patient(1), patient(2), patient(3, gender="F")))
    output = run(file, dry_run=True)
    assert output.startswith("Dry run: nothing was changed. 2 patients: 2 added")
    assert not Patient.objects.exists()
    assert not AuditEvent.objects.exists()
    run(file)
    event = AuditEvent.objects.get()
    assert (event.action, event.practice, event.actor_name) == ("patients_imported", practice, "command line")
    assert event.details == {"added": 2, "changed": 0, "unchanged": 0, "refused": 1}
    assert audit.verify() == []


def test_interrupted_import_is_audited_for_the_written_batches(
    tmp_path: Path, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the third batch keeps the patients and the audit events of the first two."""

    def lines(file: Path) -> Iterator[bytes]:
        with file.open("rb") as content:
            yield from islice(content, 5)
        raise KeyboardInterrupt

    monkeypatch.setattr(import_patients, "_lines", lines)
    monkeypatch.setattr(import_patients, "load", partial(load, batch_size=2))
    people = [patient(number, **({"gender": "F"} if number == 2 else {})) for number in range(1, 9)]
    with pytest.raises(KeyboardInterrupt):
        run(write(tmp_path, ndjson(*people)))
    assert Patient.objects.count() == 4
    assert [event.details for event in AuditEvent.objects.order_by("number")] == [
        {"added": 2, "changed": 0, "unchanged": 0, "refused": 1},
        {"added": 2, "changed": 0, "unchanged": 0, "refused": 0},
    ]
    assert audit.verify() == []


def test_import_that_refuses_every_row_is_not_audited(tmp_path: Path) -> None:
    assert run(write(tmp_path, ndjson(patient(gender="F")))).startswith("0 patients")
    assert not AuditEvent.objects.exists()


def test_practice_must_be_chosen_if_there_are_several(tmp_path: Path, practice: Practice) -> None:
    other = baker.make(Practice, name="Birch Lane Pediatrics")
    file = write(tmp_path, ndjson(patient()))
    for name in (None, "Oak"):
        with pytest.raises(CommandError) as error:
            run(file, practice=name)
        assert all(text in str(error.value) for text in (practice.name, str(practice.pk), other.name))
    run(file, practice="birch lane pediatrics")
    assert Patient.objects.get().practice == other
    run(file, practice=str(practice.pk))
    assert set(Patient.objects.values_list("practice", flat=True)) == {practice.pk, other.pk}


def test_import_without_a_practice_is_an_error(tmp_path: Path, practice: Practice) -> None:
    practice.delete()
    with pytest.raises(CommandError, match="no practice yet"):
        run(write(tmp_path, ndjson(patient())))


@sample_data.requires_sample
def test_importing_the_sample_twice_makes_no_duplicates() -> None:
    assert run(sample_data.FILE) == "120 patients: 120 added, 0 changed, 0 unchanged, 0 refused\n"
    before = [model.objects.count() for model in (Patient, Contact, NameKey)]
    assert run(sample_data.FILE) == "120 patients: 0 added, 0 changed, 120 unchanged, 0 refused\n"
    assert [model.objects.count() for model in (Patient, Contact, NameKey)] == before


@pytest.mark.django_db
def test_import_updates_the_planner_statistics(practice: Practice, tmp_path: Path) -> None:
    """Without statistics, a search by a shared address takes seconds on PostgreSQL after an import."""
    file = tmp_path / "patients.ndjson"
    file.write_text(
        '{"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}],'
        ' "name": [{"family": "Lind", "given": ["Ida"]}], "birthDate": "2020-01-02"}\n'
    )
    call_command("import_patients", str(file), stdout=StringIO())
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'patients_namekey'")
        else:
            cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'patients_namekey'")
        assert cursor.fetchone()[0] > 0
