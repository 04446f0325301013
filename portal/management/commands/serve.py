import errno
import ipaddress
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

PROGRAMS: Final[Mapping[str, list[str]]] = {
    "web server": ["-m", "gunicorn", "--config", "python:portal.gunicorn"],
    "delivery worker": ["manage.py", "deliver"],
}
PATIENCE: Final = 25.0  # seconds; longer than gunicorn's graceful_timeout


class Command(BaseCommand):
    help = "Run the web server and the delivery worker until SIGTERM or Ctrl-C stops both."
    requires_system_checks = ()  # report a used port first; migrate runs the checks that matter

    def handle(self, *_args: Any, **_options: Any) -> None:
        for number in _stop_signals():
            signal.signal(number, lambda *_: sys.exit(0))
        check_port(host=settings.HOST, port=settings.PORT)
        call_command("migrate", verbosity=0, interactive=False, stdout=self.stdout)
        call_command("createcachetable", verbosity=0, stdout=self.stdout)
        if settings.DEMO:
            self.prepare_demo()
        run_side_by_side(PROGRAMS)

    def prepare_demo(self) -> None:
        call_command("seed_demo", stdout=self.stdout)
        self.stdout.flush()
        if not _is_loopback(settings.HOST):
            self.stderr.write(
                f"Warning: the demo listens on {settings.HOST} and its passwords are public. "
                "Anyone who can reach this machine can sign in."
            )


def check_port(*, host: str, port: int) -> None:
    """Raise CommandError with a message for the person who typed `make run` if `port` cannot be used."""
    if not 0 < port < 65536:
        raise CommandError(f"PORT must be a number from 1 to 65535, not {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is in use by another program. Try a different port: make run PORT={port + 1}"
            ) from error
        raise CommandError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error


def run_side_by_side(programs: Mapping[str, list[str]]) -> None:
    """Run the programs until a signal arrives. Raises CommandError if a program ends by itself.

    In either case, stop the other programs first.
    """
    signals: list[int] = []
    for number in _stop_signals():
        # Only record the signal. An exception could be raised between starting a process and remembering it.
        signal.signal(number, lambda received, _: signals.append(received))
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in programs.items():
            running[name] = subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments], cwd=settings.BASE_DIR, preexec_fn=_ignore_ctrl_c
            )
        while not signals and all(process.poll() is None for process in running.values()):
            time.sleep(0.1)
        ended = [(name, process.returncode) for name, process in running.items() if process.returncode is not None]
    finally:
        _stop(list(running.values()))
    if not signals:
        name, code = ended[0]
        raise CommandError(f"The {name} stopped unexpectedly (exit code {code}), so everything was stopped.")


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ignore_ctrl_c() -> None:
    """Leave Ctrl-C to the parent.

    A terminal sends Ctrl-C to every process, and a process that is still starting would print a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop_signals() -> list[signal.Signals]:
    """Return the signals that stop the programs.

    They include SIGHUP, which a closed terminal sends and which would make gunicorn reload instead, except under nohup.
    """
    stops = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        stops.append(signal.SIGHUP)
    return stops


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
