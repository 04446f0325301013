"""The environment is read strictly: a typing mistake stops the start, in words."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment


@pytest.mark.parametrize(("value", "read"), [("True", True), ("False", False), ("", False)])
def test_a_switch(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("SWITCH", value)
    assert environment.switch("SWITCH") is read


@pytest.mark.parametrize("value", ["true", "1", "yes", "off"])
def test_a_switch_that_says_something_else(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SWITCH", value)
    with pytest.raises(ImproperlyConfigured, match="SWITCH"):
        environment.switch("SWITCH")


def test_a_number_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.number("PORT_OF_NOBODY", default=8000) == 8000
    monkeypatch.setenv("PORT_OF_NOBODY", "http")
    with pytest.raises(ImproperlyConfigured, match="whole number"):
        environment.number("PORT_OF_NOBODY", default=8000)


def test_a_secret_comes_from_the_environment_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEY", "from the environment")
    assert environment.secret("KEY", demo_dir=None) == "from the environment"
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "key"))
    assert environment.secret("KEY", demo_dir=None) == "from a file"


def test_switches_and_numbers_come_from_files_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "switch").write_text("True\n")
    (tmp_path / "number").write_text("9000\n")
    monkeypatch.setenv("SWITCH_FILE", str(tmp_path / "switch"))
    monkeypatch.setenv("NUMBER_FILE", str(tmp_path / "number"))
    assert environment.switch("SWITCH") is True
    assert environment.number("NUMBER", default=8000) == 9000


def test_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.mail_address("SENDER_OF_NOBODY", default="portal@localhost") == "portal@localhost"
    monkeypatch.setenv("SENDER", "desk@mailhost")
    assert environment.mail_address("SENDER", default="portal@localhost") == "desk@mailhost"


@pytest.mark.parametrize(
    "value",
    ["Portal <p@x.example>", "<p@x.example>", "p@x.example, q@x.example", "portal", "p@", "@x", "p@x\nBcc: q@x"],
)
def test_an_address_that_is_more_or_less_than_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SENDER", value)
    with pytest.raises(ImproperlyConfigured, match="SENDER is an address alone"):
        environment.mail_address("SENDER", default="portal@localhost")


def test_outside_the_demo_a_secret_has_to_be_set() -> None:
    with pytest.raises(ImproperlyConfigured, match="has to be set"):
        environment.secret("KEY_OF_NOBODY", demo_dir=None)


def test_the_demo_makes_its_own_secret_and_keeps_it(tmp_path: Path) -> None:
    first = environment.secret("KEY_OF_NOBODY", demo_dir=tmp_path)
    assert len(first) >= 48
    assert environment.secret("KEY_OF_NOBODY", demo_dir=tmp_path) == first
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
