"""Check the HTML of every page, email and PIN sheet that the tests render with the Nu HTML checker. Needs npm and Java.

make html
make html ARGS="tests/registration/family"      # only the pages of some tests
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.template.backends.django import Template

ROOT: Final = Path(__file__).parent.parent
VERSION: Final = "vnu-jar@26"
FOLDER: Final = "KEEP_HTML"
TESTS: Final = (
    *("tests/test_access.py", "tests/portal", "tests/registration"),
    *("tests/patients/test_views.py", "tests/patients/test_quick_search_views.py"),
    *("tests/journeys/test_every_page.py", "tests/journeys/test_register_a_patient.py"),
    *("tests/journeys/test_registration_window.py", "--ignore-glob=*concurrent*", "--ignore-glob=*histories*"),
)
FORBIDDEN_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
VARIABLE_PARTS: Final = re.compile(r'csrfmiddlewaretoken" value="\w+"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+')


def save_rendered_pages() -> None:
    """Save each whole document that a template renders, if KEEP_HTML names a folder. Skips the administration."""
    render = Template.render

    def render_and_save(self: Template, *arguments: Any, **named: Any) -> Any:
        html = render(self, *arguments, **named)
        if not (self.template.name or "").startswith("admin/"):
            save(html)
        return html

    if FOLDER in os.environ:
        Template.render = render_and_save  # type: ignore[assignment, method-assign]


def is_saving() -> bool:
    return FOLDER in os.environ


def save(html: str) -> None:
    """Save the document once, even if it is rendered again with other keys and numbers.

    Skips a document with characters that portal/text_fields.py refuses: a test entered these.
    """
    if FOLDER in os.environ and html.lstrip()[:9].lower() == "<!doctype" and not FORBIDDEN_CHARACTERS.search(html):
        name = sha256(VARIABLE_PARTS.sub("", html).encode()).hexdigest()[:16]
        (Path(os.environ[FOLDER]) / f"{name}.html").write_text(html, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as tools, tempfile.TemporaryDirectory() as pages:
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", tools, VERSION]
        subprocess.run(npm, check=True)
        run_tests(pages, sys.argv[1:] or TESTS)
        errors = errors_in(Path(tools) / "node_modules/vnu-jar/build/dist/vnu.jar", pages)
        count = len(list(Path(pages).iterdir()))
    for message, places in errors.items():
        print(f"{len(places):5}  {message}", *places[:3], sep="\n         ")
    print(f"{count} documents, {sum(map(len, errors.values()))} errors.")
    raise SystemExit(bool(errors) or not count)


def run_tests(pages: str, tests: Sequence[str]) -> None:
    """Run the tests to save their pages. A failed test does not matter here, because `make test` reports it."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "pytest", *tests]
        env = inherited | {"LANG": "C.UTF-8", "DEMO": "True", "DATA_DIR": data, FOLDER: pages}
        subprocess.run(command, cwd=ROOT, env=env, check=False)


def errors_in(jar: Path, pages: str) -> dict[str, list[str]]:
    """Run the checker. Return its messages, each with the pieces of HTML that it is about."""
    command = ["java", "-jar", str(jar), "--errors-only", "--format", "json", "--skip-non-html", pages]
    result = subprocess.run(command, capture_output=True, check=False)
    found: dict[str, list[str]] = defaultdict(list)
    for error in json.loads(result.stderr)["messages"]:
        found[error["message"]].append(f"{error.get('extract', '')!r} in {error.get('url', '')}")
    return found


if __name__ == "__main__":
    main()
