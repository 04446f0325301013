"""Run `manage.py serve` as real processes, with their own port and data directory."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.test import override_settings

from portal.management.commands import serve

START_UP = 60.0  # seconds; other tests may run at the same time
OWN_VARIABLES = {"DATABASE_URL", "PUBLIC_URL", "EMAIL_URL", "CACHE_URL", "ACCESS_LOG"}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


@contextlib.contextmanager
def serving(*, port: int, data: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    own = {"DEMO": "True", "HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(data), **environment}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=settings.BASE_DIR,
        env=inherited | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_health_check(process: subprocess.Popen[str], *, port: int) -> None:
    deadline = time.monotonic() + START_UP
    while True:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200
            return
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.1)


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the process ids of the web server and the worker."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == process.pid:
            found["deliver" if "deliver" in command else "gunicorn"] = int(pid)
    return found


def is_any_process_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def assert_no_process_is_left(group: int) -> None:
    """Wait, because an ended process stays in its group until init reaps it a second or two later."""
    deadline = time.monotonic() + 10
    while is_any_process_left(group):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


@pytest.mark.slow
def test_used_port_is_reported_before_any_file_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        used = other.getsockname()[1]
        with serving(port=used, data=tmp_path) as process:
            output, _ = process.communicate(timeout=START_UP)
    assert process.returncode == 1
    assert output.strip() == (
        f"CommandError: Port {used} is in use by another program. Try a different port: make run PORT={used + 1}"
    )
    assert not (tmp_path / "portal.sqlite3").exists()


@pytest.mark.slow
def test_ctrl_c_stops_every_process(tmp_path: Path, port: int) -> None:
    with serving(port=port, data=tmp_path) as process:
        wait_for_health_check(process, port=port)
        assert set(children(process)) == {"gunicorn", "deliver"}
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=START_UP)
        assert process.returncode == 0
        assert_no_process_is_left(process.pid)
    assert f"Open http://localhost:{port}/" in output
    assert "Traceback" not in output


@pytest.fixture
def restored_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def sleeping_program(note: Path) -> list[str]:
    """Return a program that writes its process id to `note` and sleeps."""
    script = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(120)"
    return ["-c", script, str(note)]


def program_after_the_other(note: Path, *, then: str) -> list[str]:
    wait = "import os, pathlib, sys, time\nnote = pathlib.Path(sys.argv[1])\n"
    wait += "while not (note.exists() and note.read_text()): time.sleep(0.02)\n"
    return ["-c", wait + then, str(note)]


def assert_ended(note: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.usefixtures("restored_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_signal_ends_both_programs(tmp_path: Path, number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    note = tmp_path / "pid"
    sender = program_after_the_other(note, then=f"os.kill(os.getppid(), {number:d}); time.sleep(120)")
    serve.run_side_by_side({"web server": sleeping_program(note), "delivery worker": sender})
    assert_ended(note)


@pytest.mark.usefixtures("restored_signals")
def test_program_that_ends_by_itself_is_reported_and_the_other_is_stopped(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(CommandError, match=r"The delivery worker stopped unexpectedly \(exit code 3\)"):
        serve.run_side_by_side(
            {"web server": sleeping_program(note), "delivery worker": program_after_the_other(note, then="sys.exit(3)")}
        )
    assert_ended(note)


@pytest.mark.usefixtures("restored_signals")
def test_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    note = tmp_path / "pid"
    stubborn = [
        "-c",
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {sleeping_program(note)[1]}",
        str(note),
    ]
    with pytest.raises(CommandError, match="exit code 0"):
        serve.run_side_by_side({"web server": stubborn, "delivery worker": program_after_the_other(note, then="")})
    assert_ended(note)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 70_000, "PORT must be a number from 1 to 65535, not 70000."),
        ("192.0.2.1", 8000, "Cannot listen on 192.0.2.1, port 8000: "),  # reserved for documentation
    ],
)
def test_unusable_address_is_reported(host: str, port: int, message: str) -> None:
    with pytest.raises(CommandError, match=re.escape(message)):
        serve.check_port(host=host, port=port)


@pytest.mark.parametrize(
    ("host", "is_warned"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("desk-1", True)],
)
def test_demo_that_others_can_reach_prints_a_warning(
    host: str,
    is_warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(serve, "call_command", lambda *_args, **_options: None)
    with override_settings(HOST=host):
        serve.Command().prepare_demo()
    assert ("its passwords are public" in capsys.readouterr().err) is is_warned
