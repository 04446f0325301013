"""Read settings from environment variables. Any variable NAME can come from a file named by NAME_FILE."""

import os
import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

_BOOLEANS: Final = {"True": True, "False": False, "": False}


def text(name: str, default: str = "") -> str:
    """Return the value of `name`, or the content of the file that `name`_FILE points to."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def switch(name: str) -> bool:
    """Return variable `name` as a boolean. Raises ImproperlyConfigured unless it is "True", "False" or empty (False)."""
    value = text(name)
    if value not in _BOOLEANS:
        raise ImproperlyConfigured(f'{name} must be "True", "False" or empty, not {value!r}.')
    return _BOOLEANS[value]


def number(name: str, *, default: int) -> int:
    """Return variable `name` as a whole number. Raises ImproperlyConfigured for anything else."""
    value = text(name)
    if value and not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value) if value else default


def mail_address(name: str, *, default: str) -> str:
    """Return the plain email address in variable `name`. Raises ImproperlyConfigured for anything else."""
    value = text(name)
    local_part, _, domain = value.rpartition("@")
    if value and (parseaddr(value) != ("", value) or not local_part or not domain):
        raise ImproperlyConfigured(f"{name} must be one plain address like portal@practice.example, not {value!r}.")
    return value or default


def secret(name: str, *, demo_dir: Path | None) -> str:
    """Return a required secret. The demo creates its own secrets and keeps them in `demo_dir`."""
    if value := text(name):
        return value
    if demo_dir is None:
        raise ImproperlyConfigured(
            f"Set {name} or {name}_FILE. README.md, “Run it for real”, explains how to create one."
        )
    path = demo_dir / f"{name.lower()}.secret"
    if not path.exists():
        demo_dir.mkdir(parents=True, exist_ok=True)
        value = Fernet.generate_key().decode() if name == "SEALING_KEYS" else secrets.token_urlsafe(48)
        path.touch(mode=0o600)
        path.write_text(value)
    return path.read_text()
