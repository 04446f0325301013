"""Environment variables are read strictly: a mistake stops the start with a clear message."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment


@pytest.mark.parametrize(("value", "read"), [("True", True), ("False", False), ("", False)])
def test_valid_boolean_is_read(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("SWITCH", value)
    assert environment.switch("SWITCH") is read


@pytest.mark.parametrize("value", ["true", "1", "yes", "off"])
def test_invalid_boolean_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SWITCH", value)
    with pytest.raises(ImproperlyConfigured, match="SWITCH"):
        environment.switch("SWITCH")


def test_invalid_number_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.number("UNUSED_PORT", default=8000) == 8000
    monkeypatch.setenv("UNUSED_PORT", "http")
    with pytest.raises(ImproperlyConfigured, match="whole number"):
        environment.number("UNUSED_PORT", default=8000)


def test_secret_is_read_from_the_environment_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEY", "from the environment")
    assert environment.secret("KEY", demo_dir=None) == "from the environment"
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "key"))
    assert environment.secret("KEY", demo_dir=None) == "from a file"


def test_booleans_and_numbers_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "switch").write_text("True\n")
    (tmp_path / "number").write_text("9000\n")
    monkeypatch.setenv("SWITCH_FILE", str(tmp_path / "switch"))
    monkeypatch.setenv("NUMBER_FILE", str(tmp_path / "number"))
    assert environment.switch("SWITCH") is True
    assert environment.number("NUMBER", default=8000) == 9000


def test_valid_address_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.mail_address("UNUSED_SENDER", default="portal@localhost") == "portal@localhost"
    monkeypatch.setenv("SENDER", "desk@mailhost")
    assert environment.mail_address("SENDER", default="portal@localhost") == "desk@mailhost"


@pytest.mark.parametrize(
    "value",
    ["Portal <p@x.example>", "<p@x.example>", "p@x.example, q@x.example", "portal", "p@", "@x", "p@x\nBcc: q@x"],
)
def test_anything_but_one_plain_address_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SENDER", value)
    with pytest.raises(ImproperlyConfigured, match="SENDER must be one plain address"):
        environment.mail_address("SENDER", default="portal@localhost")


def test_missing_secret_stops_the_start_outside_the_demo() -> None:
    with pytest.raises(ImproperlyConfigured, match="Set UNUSED_KEY or UNUSED_KEY_FILE"):
        environment.secret("UNUSED_KEY", demo_dir=None)


def test_demo_creates_its_own_secret_and_keeps_it(tmp_path: Path) -> None:
    first = environment.secret("UNUSED_KEY", demo_dir=tmp_path)
    assert len(first) >= 48
    assert environment.secret("UNUSED_KEY", demo_dir=tmp_path) == first
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
