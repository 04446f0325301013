"""Tests that the catalogs under locale/ are complete. `make messages` updates and compiles them."""

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
FOLDERS = ("notifications", "patients", "portal", "registration", "templates")
LANGUAGES = [language for language, _ in settings.LANGUAGES if language != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")

needs_gettext = pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
for_each_language = pytest.mark.parametrize("language", LANGUAGES)


def catalog_path(language: str, *, root: Path = ROOT / "locale") -> Path:
    return root / language / "LC_MESSAGES" / "django.po"


def messages(compiled: Path) -> dict[str, str]:
    """Return translations by source, without the header. A source with a context has it in front, as in gettext."""
    with compiled.open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # no public name lists them
    return {str(source): text for source, text in found.items() if source}


def select(po: Path, option: str) -> list[str]:
    """Return the sources that msgattrib selects with an option such as --only-fuzzy."""
    selected = subprocess.run(["msgattrib", "--no-wrap", option, po], check=True, capture_output=True, text=True).stdout
    return [line for line in selected.splitlines() if re.match(r'(#~ )?msgid "(?!"$)', line)]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """Copy the translated folders, because makemessages writes files next to the templates."""
    for folder in (*FOLDERS, "locale"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    return tmp_path


def make_messages(language: str) -> None:
    call_command("makemessages", locale=[language], no_location=True, no_wrap=True, verbosity=0)


@needs_gettext
@for_each_language
def test_catalog_is_complete_and_has_no_obsolete_messages(sources: Path, language: str) -> None:
    make_messages(language)
    po = catalog_path(language, root=sources / "locale")
    assert select(po, "--untranslated") == [], "new messages: run make messages and translate them"
    assert select(po, "--only-fuzzy") == [], "changed messages: check the translation and remove the fuzzy flag"
    assert select(po, "--only-obsolete") == [], "obsolete messages: run make messages"


@needs_gettext
def test_new_message_is_reported_as_untranslated(sources: Path) -> None:
    (sources / "templates" / "new.html").write_text('{% load i18n %}{% translate "A new sentence." %}')
    make_messages("es")
    po = catalog_path("es", root=sources / "locale")
    assert 'msgid "A new sentence."' in [*select(po, "--untranslated"), *select(po, "--only-fuzzy")]


@needs_gettext
@for_each_language
def test_compiled_catalog_matches_its_source(tmp_path: Path, language: str) -> None:
    fresh = tmp_path / "fresh.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", fresh, catalog_path(language)], check=True)
    assert messages(fresh) == messages(catalog_path(language).with_suffix(".mo")), "run make messages"


@for_each_language
def test_translation_has_the_placeholders_and_tags_of_its_source(language: str) -> None:
    for source, text in messages(catalog_path(language).with_suffix(".mo")).items():
        assert text.strip(), source
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(source)), text


@for_each_language
def test_translation_is_not_a_copy_of_the_source(language: str) -> None:
    """A sentence of four words or more that equals its source was copied, not translated."""
    for source, text in messages(catalog_path(language).with_suffix(".mo")).items():
        sentence = source.split("\x04")[-1]
        assert text != sentence or len(sentence.split()) < 4, text
