"""Every page, e-mail and sheet that the tests see, through the Nu HTML checker: no error. Needs npm and Java.

make html                        # or of some tests only: make html ARGS="tests/family"
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
    *("tests/test_access.py", "tests/family", "tests/portal", "tests/registration"),
    *("tests/patients/test_search_page.py", "tests/patients/test_quick_page.py"),
    *("tests/journeys/test_every_page.py", "tests/journeys/test_register_a_patient.py"),
    *("tests/journeys/test_the_window.py", "--ignore-glob=*at_once*", "--ignore-glob=*histories*"),
)
NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
CHANGING: Final = re.compile(r'csrfmiddlewaretoken" value="\w+"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+')


def keep_what_is_rendered() -> None:
    """Whole documents of Django's templates go into the folder, where one is named; not those of its administration."""
    render = Template.render

    def kept(self: Template, *arguments: Any, **named: Any) -> Any:
        html = render(self, *arguments, **named)
        if not (self.template.name or "").startswith("admin/"):
            keep(html)
        return html

    if FOLDER in os.environ:
        Template.render = kept  # type: ignore[assignment, method-assign]


def is_kept() -> bool:
    return FOLDER in os.environ


def keep(html: str) -> None:
    """Once, however often it is seen with other keys and numbers; not what a test typed that portal/texts.py refuses."""
    if FOLDER in os.environ and html.lstrip()[:9].lower() == "<!doctype" and not NO_TEXT.search(html):
        name = sha256(CHANGING.sub("", html).encode()).hexdigest()[:16]
        (Path(os.environ[FOLDER]) / f"{name}.html").write_text(html, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as tools, tempfile.TemporaryDirectory() as pages:
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", tools, VERSION]
        subprocess.run(npm, check=True)
        look(pages, sys.argv[1:] or TESTS)
        errors = errors_in(Path(tools) / "node_modules/vnu-jar/build/dist/vnu.jar", pages)
        seen = len(list(Path(pages).iterdir()))
    for message, places in errors.items():
        print(f"{len(places):5}  {message}", *places[:3], sep="\n         ")
    print(f"{seen} documents, {sum(map(len, errors.values()))} errors.")
    raise SystemExit(bool(errors) or not seen)


def look(pages: str, tests: Sequence[str]) -> None:
    """Runs the tests for what they see; whether they pass is for `make test` to say."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "pytest", *tests]
        env = kept | {"LANG": "C.UTF-8", "DEMO": "True", "DATA_DIR": data, FOLDER: pages}
        subprocess.run(command, cwd=ROOT, env=env, check=False)


def errors_in(jar: Path, pages: str) -> dict[str, list[str]]:
    """What the checker complains of, and the pieces of HTML that it shows for it."""
    command = ["java", "-jar", str(jar), "--errors-only", "--format", "json", "--skip-non-html", pages]
    done = subprocess.run(command, capture_output=True, check=False)
    found: dict[str, list[str]] = defaultdict(list)
    for each in json.loads(done.stderr)["messages"]:
        found[each["message"]].append(f"{each.get('extract', '')!r} in {each.get('url', '')}")
    return found


if __name__ == "__main__":
    main()
