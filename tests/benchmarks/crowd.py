"""Measure the web server of `manage.py serve` under concurrent clients. Needs ab (Debian package apache2-utils)."""

import csv
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.test import Client

from portal.management.commands.serve import PROGRAMS
from tests.benchmarks.targets import Figure

CLIENTS: Final = (1, 8, 32)


def measure(client: Client, *, patients: int, requests: int) -> Iterator[Figure]:
    here: dict[str, Any] = {"database": connection.vendor, "patients": patients}
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    with serving() as address:
        url = f"{address}/patients/?last_name=quillf"
        _ab(url, cookie, clients=8, requests=64)  # so that every thread has its database connection
        for clients in CLIENTS:
            median, p95, p99 = _ab(url, cookie, clients=clients, requests=requests)
            at_most = 5.0 if clients == 32 else None
            for name, took, target in (("p50", median, None), ("p95", p95, None), ("p99", p99, at_most)):
                yield Figure(
                    group="load", name=f"{clients} clients: {name}", **here,
                    ratio=took / median, milliseconds=took, at_most=target,
                )  # fmt: skip


@contextmanager
def serving() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "WEB_WORKERS": "2", "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen(
        [sys.executable, *PROGRAMS["web server"]], cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
        else:
            return


def _ab(url: str, cookie: str, *, clients: int, requests: int) -> tuple[float, float, float]:
    """Run ab. Return the median, p95 and p99 in milliseconds. Raises AssertionError if a response is not a page."""
    table = Path(tempfile.mkdtemp()) / "percentiles.csv"
    command = ["ab", "-q", "-l", "-k", "-c", str(clients), "-n", str(requests), "-C", cookie, "-e", str(table), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"Failed requests:\s+0\n", output), output
    assert "Non-2xx" not in output, output
    with table.open() as lines:
        took = {row[0]: float(row[1]) for row in csv.reader(lines) if row[0].isdigit()}
    return took["50"], took["95"], took["99"]
