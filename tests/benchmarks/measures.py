"""Measure one database with one number of patients. bench.py runs this as `python -m tests.benchmarks.measures`."""

import argparse
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests import factories
from tests.benchmarks import actions, crowd, importing, pages, past, population
from tests.benchmarks.targets import Figure


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, required=True)
    arguments.add_argument("--rounds", type=int, required=True)
    arguments.add_argument("--messages", type=int, help="also measure what does not depend on the size")
    arguments.add_argument("--imported", type=int)
    arguments.add_argument("--crowd", type=int, help="requests for each number of clients")
    arguments.add_argument("--into", type=Path, required=True)
    chosen = arguments.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    figures: list[Figure] = []
    for figure in measure(chosen):
        print(figure.as_line(), flush=True)
        figures.append(figure)
    chosen.into.write_text(json.dumps([figure.as_json() for figure in figures]))


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    practice = factories.a_practice()
    desk = factories.a_member(practice)
    took = population.populate(practice, patients=chosen.patients)
    registrations = past.populate(practice, desk)
    print(
        f"# {chosen.patients:,} patients created in {took:.0f} s, with {registrations:,} registrations, {connection.vendor}",
        flush=True,
    )
    client = Client()
    client.force_login(desk)
    yield from pages.measure(client, practice, patients=chosen.patients, rounds=chosen.rounds)
    yield actions.registration(client, practice, patients=chosen.patients, rounds=chosen.rounds)
    if chosen.crowd:
        yield from crowd.measure(client, patients=chosen.patients, requests=chosen.crowd)
    if chosen.messages:
        yield from actions.measure(practice, desk, rounds=chosen.rounds, messages=chosen.messages)
    if chosen.imported:
        yield from importing.measure(patients=chosen.imported)


if __name__ == "__main__":
    main()
