"""Measure the speed with up to a million patients. Each figure is a ratio to something measured in the same run.

Runs on SQLite, and on PostgreSQL if a server responds at DATABASE_URL. Creates its own databases and drops them.

    make bench                                       # 1,000, 100,000 and 1,000,000 patients
    make bench ARGS="--patients 1000 100000 --json bench.json"
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.targets import EMPTY, HEADING, Figure

ROOT: Final = Path(__file__).parent.parent.parent
SERVER: Final = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--patients", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    arguments.add_argument("--databases", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--messages", type=int, default=1_000)
    arguments.add_argument("--imported", type=int, default=100_000)
    arguments.add_argument("--requests", type=int, default=1_000, help="for each number of clients")
    arguments.add_argument(
        "--json", type=Path, default=ROOT / "var" / "bench.json", help="also write the figures to this file"
    )
    chosen = arguments.parse_args()
    print(HEADING, flush=True)
    figures: list[Figure] = []
    for database in chosen.databases:
        if database == "postgresql" and not _responds(SERVER):
            print(f"# No PostgreSQL server responds at {SERVER}: skipped.")
            continue
        for size in sorted(chosen.patients):
            figures += _run(database, size, chosen)
        for figure in _growth(database, figures, sizes=sorted(chosen.patients)):
            print(figure.as_line(), flush=True)
            figures.append(figure)
    _sum_up(figures)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text("[\n" + ",\n".join(json.dumps(figure.as_json()) for figure in figures) + "\n]\n")
    print(f"# {chosen.json}")


def _run(database: str, size: int, chosen: argparse.Namespace) -> list[Figure]:
    arguments = ["--patients", str(size), "--rounds", str(chosen.rounds)]
    if size == min(chosen.patients):  # these do not depend on the number of patients
        arguments += ["--messages", str(chosen.messages), "--imported", str(chosen.imported)]
    if size == max(chosen.patients):
        arguments += ["--crowd", str(chosen.requests)]
    with tempfile.TemporaryDirectory() as data, _database(database) as url:
        into = Path(data) / "figures.json"
        environment = {**os.environ, "DATABASE_URL": url, "DATA_DIR": data, "DEMO": "True", "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "tests.benchmarks.measures", *arguments, "--into", str(into)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        rows: list[dict[str, Any]] = json.loads(into.read_text())
    return [Figure(**{key: value for key, value in row.items() if key != "verdict"}) for row in rows]


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """Create an empty database and yield its DATABASE_URL, which is "" for SQLite in DATA_DIR."""
    if kind == "sqlite":
        yield ""
        return
    name = f"bench_{os.getpid()}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _responds(server: str) -> bool:
    try:
        psycopg.connect(server, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _growth(database: str, figures: list[Figure], *, sizes: list[int]) -> Iterator[Figure]:
    """Compare each page with the same page at the smallest size, both relative to the empty page of their run."""
    groups = {"page", "desk", "registration"}
    pages = {
        (figure.name, figure.patients): figure
        for figure in figures
        if figure.group in groups and figure.database == database
    }
    for (name, size), page in pages.items():
        small = pages.get((name, sizes[0]))
        if small and size != sizes[0] and name != EMPTY:
            ratio = page.ratio / small.ratio
            yield Figure(
                group="growth",
                name=f"{name}, compared with {sizes[0]:,}",
                database=database,
                patients=size,
                ratio=ratio,
                at_most=1.5,
            )


def _sum_up(figures: list[Figure]) -> None:
    judged = [figure for figure in figures if figure.verdict]
    missed = [figure for figure in judged if figure.verdict == "missed"]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} targets met" + (". Missed:" if missed else "."))
    for figure in missed:
        print(figure.as_line())


if __name__ == "__main__":
    main()
