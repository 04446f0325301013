"""The prose of the project avoids a list of words that a native writer would not use here."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

ROOT: Final = Path(settings.BASE_DIR)
APPS: Final = ("portal", "patients", "notifications", "registration")

WORDS: Final = (
    "any more",
    "anew",
    "by now",
    "all the same",
    "meanwhile",
    "at once",
    "ring us",
    "passphrase",
    "e-mail",
    "nobody",
    "whoever",
    "what became of",
    "is owed",
)
PATTERN: Final = re.compile(
    r"\b(" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in WORDS) + r")\b", re.IGNORECASE
)

# (file, a part of the line) -> why the word stays.
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("registration/pins.py", 'fingerprint(f"by e-mail {pin.characters}")'): "links in emails already sent depend on it",
    ("registration/claiming/failed_attempts.py", "FailureReason.UNKNOWN_PIN,"): "the code of old audit events stays",
}
MAX_EXCEPTIONS: Final = 10


def prose_files() -> Iterator[Path]:
    """Yield every file with sentences for people: code, templates, scripts, the catalog and the documents."""
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
        yield from (ROOT / app).rglob("*.css")
    for suffix in ("*.html", "*.txt"):
        yield from (ROOT / "templates").rglob(suffix)
    yield from (ROOT / "static/js").glob("*.js")
    yield from (ROOT / "static/css").glob("*.css")
    yield from (ROOT / "docs").rglob("*.md")
    yield from ROOT.glob("*.md")
    yield from (ROOT / name for name in ("Makefile", "pyproject.toml", "manage.py", "bin/setup"))


def msgids() -> Iterator[tuple[int, str]]:
    """Yield the English sentences of the catalog with their line numbers, without the translations."""
    is_source = False
    for number, line in enumerate((ROOT / "locale/es/LC_MESSAGES/django.po").read_text().splitlines(), 1):
        if line.startswith("msg"):
            is_source = line.startswith("msgid")
        if is_source:
            yield number, line


def found_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, line, word) for each listed word, also where it is broken over two lines."""
    lines = text.splitlines()
    for match in PATTERN.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        yield number, lines[number - 1], match[0]


def is_excepted(path: str, line: str) -> bool:
    return any(path == file and part in line for file, part in EXCEPTIONS)


def test_no_listed_word_remains_in_code_templates_or_documents() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word!r} in {line.strip()[:120]}"
        for path in prose_files()
        for number, line, word in found_in(path.read_text())
        if not is_excepted(str(path.relative_to(ROOT)), line)
    ]
    assert not found, "\n".join(found)


def test_no_listed_word_remains_in_a_translatable_sentence() -> None:
    found = [f"django.po:{number}: {line}" for number, line in msgids() if PATTERN.search(line)]
    assert not found, "\n".join(found)


def test_exceptions_are_few_and_still_needed() -> None:
    assert len(EXCEPTIONS) <= MAX_EXCEPTIONS
    for (file, part), reason in EXCEPTIONS.items():
        assert reason
        lines = [line for line in (ROOT / file).read_text().splitlines() if part in line]
        assert any(PATTERN.search(line) for line in lines), (
            f"{file}: “{part}” has none of the words: delete the exception"
        )


@pytest.mark.parametrize("text", ["Call us or Ring us.", "by\n    now", "an E-MAIL", "# Nobody knows"])
def test_listed_word_is_found_in_any_case_and_across_lines(text: str) -> None:
    assert list(found_in(text))


@pytest.mark.parametrize("text", ["email", "someone", "the meaning", "canewood"])
def test_other_words_are_not_found(text: str) -> None:
    assert not list(found_in(text))
