"""`manage.py serve` as a person starts it: real processes, a port and a data directory of their own."""

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

START_UP = 60.0  # seconds; a machine that runs other tests beside this one is slow
ITS_OWN = {"DATABASE_URL", "PUBLIC_URL", "EMAIL_URL", "CACHE_URL", "ACCESS_LOG"}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


@contextlib.contextmanager
def serving(*, port: int, data: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    inherited = {name: value for name, value in os.environ.items() if name not in ITS_OWN}
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


def wait_until_it_answers(process: subprocess.Popen[str], *, port: int) -> None:
    deadline = time.monotonic() + START_UP
    while True:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200
            return
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, "nothing answered"
        time.sleep(0.1)


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """The process ids of the web server and the worker, by a word of their command lines."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == process.pid:
            found["deliver" if "deliver" in command else "gunicorn"] = int(pid)
    return found


def somebody_is_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def assert_nobody_is_left(group: int) -> None:
    """An ended process stays in its group until init has noticed: that is a matter of a second or two."""
    deadline = time.monotonic() + 10
    while somebody_is_left(group):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_taken_port_is_told_in_words_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with serving(port=taken, data=tmp_path) as process:
            output, _ = process.communicate(timeout=START_UP)
    assert process.returncode == 1
    assert output.strip() == (
        f"CommandError: Port {taken} is taken by another program. Choose another one: make run PORT={taken + 1}"
    )
    assert not (tmp_path / "portal.sqlite3").exists()


@pytest.mark.slow
def test_ctrl_c_stops_the_web_server_and_the_worker_and_leaves_nobody(tmp_path: Path, port: int) -> None:
    with serving(port=port, data=tmp_path) as process:
        wait_until_it_answers(process, port=port)
        assert set(children(process)) == {"gunicorn", "deliver"}
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=START_UP)
        assert process.returncode == 0
        assert_nobody_is_left(process.pid)
    assert f"Open http://localhost:{port}/" in output
    assert "Traceback" not in output


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stays(note: Path) -> list[str]:
    """A program that notes its process id and stays."""
    script = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(120)"
    return ["-c", script, str(note)]


def once_the_other_is_there(note: Path, *, then: str) -> list[str]:
    wait = "import os, pathlib, sys, time\nnote = pathlib.Path(sys.argv[1])\n"
    wait += "while not (note.exists() and note.read_text()): time.sleep(0.02)\n"
    return ["-c", wait + then, str(note)]


def assert_is_gone(note: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.usefixtures("signals_as_before")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_that_means_stop_stops_both(tmp_path: Path, number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_DFL)  # the tests themselves may have been started with nohup
    note = tmp_path / "pid"
    sender = once_the_other_is_there(note, then=f"os.kill(os.getppid(), {number:d}); time.sleep(120)")
    serve.run_side_by_side({"web server": stays(note), "delivery worker": sender})
    assert_is_gone(note)


@pytest.mark.usefixtures("signals_as_before")
def test_a_program_that_ends_by_itself_is_named_and_takes_the_other_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(CommandError, match=r"The delivery worker ended by itself \(exit code 3\)"):
        serve.run_side_by_side(
            {"web server": stays(note), "delivery worker": once_the_other_is_there(note, then="sys.exit(3)")}
        )
    assert_is_gone(note)


@pytest.mark.usefixtures("signals_as_before")
def test_a_program_that_does_not_listen_is_killed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    note = tmp_path / "pid"
    deaf = ["-c", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {stays(note)[1]}", str(note)]
    with pytest.raises(CommandError, match="exit code 0"):
        serve.run_side_by_side({"web server": deaf, "delivery worker": once_the_other_is_there(note, then="")})
    assert_is_gone(note)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 70_000, "PORT is a number from 1 to 65535, not 70000."),
        ("192.0.2.1", 8000, "Cannot listen on 192.0.2.1, port 8000: "),  # an address for documentation: nobody's
    ],
)
def test_an_address_that_cannot_be_listened_on_is_told_in_words(host: str, port: int, message: str) -> None:
    with pytest.raises(CommandError, match=re.escape(message)):
        serve.check_port(host=host, port=port)


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("desk-1", True)],
)
def test_a_demo_that_others_can_reach_is_warned_about(
    host: str,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(serve, "call_command", lambda *_args, **_options: None)
    with override_settings(HOST=host):
        serve.Command().prepare_demo()
    assert ("its passwords are public" in capsys.readouterr().err) is warned
