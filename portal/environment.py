"""Reading the environment: strict about booleans, secrets from a file where NAME_FILE is set."""

import os
import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

_BOOLEANS: Final = {"True": True, "False": False, "": False}


def text(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file that `name`_FILE points to."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def switch(name: str) -> bool:
    """A boolean, False where it is not set; anything else than "True", "False" or empty stops the start."""
    value = text(name)
    if value not in _BOOLEANS:
        raise ImproperlyConfigured(f'{name} is "True", "False" or empty, not {value!r}.')
    return _BOOLEANS[value]


def number(name: str, *, default: int) -> int:
    """A whole number; anything else stops the start."""
    value = text(name)
    if value and not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is a whole number, not {value!r}.")
    return int(value) if value else default


def mail_address(name: str, *, default: str) -> str:
    """An e-mail address; with a name beside it, or several of them, stops the start."""
    value = text(name)
    local_part, _, domain = value.rpartition("@")
    if value and (parseaddr(value) != ("", value) or not local_part or not domain):
        raise ImproperlyConfigured(f"{name} is an address alone, as portal@practice.example, not {value!r}.")
    return value or default


def secret(name: str, *, demo_dir: Path | None) -> str:
    """A secret that has to be set; the demo makes its own and keeps it in `demo_dir`."""
    if value := text(name):
        return value
    if demo_dir is None:
        raise ImproperlyConfigured(
            f"{name} (or {name}_FILE) has to be set. README.md, “Run it for real”, tells how to make one."
        )
    path = demo_dir / f"{name.lower()}.secret"
    if not path.exists():
        demo_dir.mkdir(parents=True, exist_ok=True)
        value = Fernet.generate_key().decode() if name == "SEALING_KEYS" else secrets.token_urlsafe(48)
        path.touch(mode=0o600)
        path.write_text(value)
    return path.read_text()
