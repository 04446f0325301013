"""Arrows run down only: registration over patients and notifications, these over portal, portal over nothing of ours."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "portal": set[str](),
    "patients": {"portal"},
    "notifications": {"portal"},
    "registration": {"portal", "patients", "notifications"},
}


def imported(path: Path) -> set[str]:
    """The apps of ours that a file imports, wherever in it the import stands."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
    return {module.split(".")[0] for module in modules} & MAY_IMPORT.keys()


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_no_arrow_runs_up(app: str) -> None:
    files = [path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    assert files
    for path in files:
        assert imported(path) <= MAY_IMPORT[app] | {app}, f"{path.relative_to(ROOT)} reaches up"


def test_the_check_sees_an_arrow_that_runs_up(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def late():\n    from registration.models import Registration\n")
    assert imported(wrong) == {"registration"}


def test_views_ask_a_scoped_manager() -> None:
    """A view that asks Model.objects for patients or registrations could show another practice's."""
    for path in [*ROOT.glob("*/views.py"), *ROOT.glob("*/*/views.py")]:
        for line in path.read_text().splitlines():
            if ".objects" in line and not line.strip().startswith("#"):
                assert (
                    ".for_practice(request.practice)" in line
                    or ".visible_to(request.practice)" in line
                    or "filter(practice=request.practice)" in line
                ), f"{path}: {line}"
