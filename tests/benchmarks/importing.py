"""Time an import from a FHIR file, in comparison with plain inserts of the same rows through the database driver."""

import json
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, models, transaction

from patients.models import Contact, NameKey, Patient
from portal.models import Practice
from tests import factories
from tests.benchmarks import clock, population
from tests.benchmarks.targets import Figure

MODELS: tuple[type[models.Model], ...] = (Patient, Contact, NameKey)


def measure(*, patients: int) -> Iterator[Figure]:
    imported, inserted = factories.a_practice("By import"), factories.a_practice("By bare inserts")
    file = Path(tempfile.mkdtemp()) / "patients.ndjson"
    with file.open("w") as lines:
        for person in _people(imported, patients):
            lines.write(json.dumps(_as_fhir(person)) + "\n")
    people = list(_people(inserted, patients))
    rows = {model: [row for person in people for row in person.get(model, ())] for model in MODELS}
    bare = clock.seconds(lambda: _insert(rows))
    with Path("/dev/null").open("w") as nowhere:
        ours = clock.seconds(
            lambda: call_command(
                "import_patients", str(file), practice=str(imported.pk), stdout=nowhere, stderr=nowhere
            )
        )
    file.unlink()
    for model in MODELS:
        counts = [model._default_manager.filter(practice=practice).count() for practice in (imported, inserted)]
        assert counts[0] == counts[1], (model, counts)
    here: dict[str, Any] = {"database": connection.vendor, "patients": patients}
    yield Figure(
        group="import",
        name="speed compared with bare inserts",
        **here,
        ratio=bare / ours,
        milliseconds=1000 * ours,
        at_least=0.25,
    )


def _people(practice: Practice, patients: int) -> Iterator[dict[type[models.Model], Any]]:
    # The seed is the same, so both practices have the same people. The import assigns new keys, so none conflict.
    return population.people_of(practice, patients=patients, chance=random.Random(population.SEED + 1))


def _insert(rows: dict[type[models.Model], list[Any]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        raw = cursor.cursor if connection.vendor == "postgresql" else cursor.cursor.connection.cursor()
        for model, model_rows in rows.items():
            _insert_into(raw, model, model_rows)


def _insert_into(raw: Any, model: type[models.Model], rows: list[Any]) -> None:
    columns = population.columns_of(model)
    is_sqlite = isinstance(raw, sqlite3.Cursor)
    places = ", ".join(["?" if is_sqlite else "%s"] * len(columns))
    statement = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({places})"
    raw.executemany(statement, map(population.for_sqlite, rows) if is_sqlite else rows)


def _as_fhir(person: dict[type[models.Model], Any]) -> dict[str, Any]:
    patient = dict(zip(population.names_of(Patient), person[Patient][0], strict=True))
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": patient["source_id"],
        "identifier": [
            {"type": {"coding": [{"code": "MR"}]}, "system": "urn:bench", "value": patient["mrn"]},
        ],
        "active": True,
        "name": [{"family": patient["family_name"], "given": [patient["given_names"]]}],
        "gender": "female",
        "birthDate": patient["birth_date"].isoformat(),
        "address": [
            {
                "line": [patient["street"]],
                "city": patient["city"],
                "state": patient["state"],
                "postalCode": patient["postal_code"],
            }
        ],
        "communication": [{"language": {"coding": [{"code": "en"}]}}],
    }
    if patient["phone"]:
        resource["telecom"] = [{"system": "phone", "value": patient["phone"]}]
    for row in person.get(Contact, ()):
        contact = dict(zip(population.names_of(Contact), row, strict=True))
        resource["contact"] = [
            {
                "relationship": [{"text": contact["relationship"]}],
                "name": {"family": contact["family_name"], "given": [contact["given_names"]]},
                "telecom": [
                    {"system": "phone", "value": contact["phone"]},
                    {"system": "email", "value": contact["email"]},
                ],
            }
        ]
    return resource
