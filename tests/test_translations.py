"""The catalogues under locale/ say everything that families read, and say it whole. `make messages` gathers and compiles."""

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import Settings

ROOT = Path(__file__).parent.parent
OURS = ("notifications", "patients", "portal", "registration", "templates")
LANGUAGES = [language for language, _ in settings.LANGUAGES if language != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")

needs_gettext = pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
of_each_language = pytest.mark.parametrize("language", LANGUAGES)


def catalogue(language: str, *, root: Path = ROOT / "locale") -> Path:
    return root / language / "LC_MESSAGES" / "django.po"


def messages(compiled: Path) -> dict[str, str]:
    """Context and source, as gettext keeps them, and translation; without the heading."""
    with compiled.open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # no public name lists them
    return {str(source): text for source, text in found.items() if source}


def those(po: Path, choice: str) -> list[str]:
    """The sources that msgattrib picks, for example with --only-fuzzy."""
    picked = subprocess.run(["msgattrib", "--no-wrap", choice, po], check=True, capture_output=True, text=True).stdout
    return [line for line in picked.splitlines() if re.match(r'(#~ )?msgid "(?!"$)', line)]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """A copy of what is translated: gathering writes beside the templates."""
    for folder in (*OURS, "locale"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    return tmp_path


def gather(language: str) -> None:
    call_command("makemessages", locale=[language], no_location=True, no_wrap=True, verbosity=0)


@needs_gettext
@of_each_language
def test_the_catalogue_has_all_that_is_said_and_nothing_else(sources: Path, language: str) -> None:
    gather(language)
    po = catalogue(language, root=sources / "locale")
    assert those(po, "--untranslated") == [], "new: make messages, and translate"
    assert those(po, "--only-fuzzy") == [], "changed: look at the translation, and take off the word fuzzy"
    assert those(po, "--only-obsolete") == [], "no longer said: make messages"


@needs_gettext
def test_a_new_sentence_does_not_go_unseen(sources: Path) -> None:
    (sources / "templates" / "new.html").write_text('{% load i18n %}{% translate "A sentence nobody knows." %}')
    gather("es")
    po = catalogue("es", root=sources / "locale")
    assert 'msgid "A sentence nobody knows."' in [*those(po, "--untranslated"), *those(po, "--only-fuzzy")]


@needs_gettext
@of_each_language
def test_what_is_compiled_is_what_is_written(tmp_path: Path, language: str) -> None:
    fresh = tmp_path / "fresh.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", fresh, catalogue(language)], check=True)
    assert messages(fresh) == messages(catalogue(language).with_suffix(".mo")), "make messages"


@of_each_language
def test_every_translation_has_the_placeholders_and_the_tags_of_its_source(language: str) -> None:
    for source, text in messages(catalogue(language).with_suffix(".mo")).items():
        assert text.strip(), source
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(source)), text


@of_each_language
def test_what_is_translated_speaks_the_language(language: str) -> None:
    """A sentence of several words that stayed as it was has been copied, not translated."""
    for source, text in messages(catalogue(language).with_suffix(".mo")).items():
        sentence = source.split("\x04")[-1]
        assert text != sentence or len(sentence.split()) < 4, text
