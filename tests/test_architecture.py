"""Views query through a practice. Import-linter checks the layers (`make check`), this file what it cannot see."""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Final

import pytest

from tests.routes import OURS

SCOPED_MODELS: Final = {
    "AuditEvent",
    "Association",
    "Contact",
    "Decline",
    "OutgoingMessage",
    "Patient",
    "Registration",
    "SelfRegistration",
}
SCOPES: Final = (
    ".for_practice(practice)",
    ".for_practice(request.practice)",
    ".visible_to(request.practice)",
    ".filter(practice=request.practice)",
)
# A part of a statement without a scope of its own -> why it cannot reach another practice.
EXCEPTIONS: Final = {
    "SelfRegistration.objects.waiting().filter(likely=patient)": "the patient was fetched for this practice",
    "Registration.objects.filter(message__in=messages": "the messages are those of one practice",
    "Decline.objects.live().filter(ask_again_on__lte": "the next statement scopes it to the practice",
}


def view_modules() -> Iterator[ModuleType]:
    """Yield the module of every callback of ours that the URL resolver knows."""
    modules = {inspect.getmodule(inspect.unwrap(pattern.callback)) for _, pattern in OURS}
    for module in modules:
        if module and module.__name__.split(".")[0] in {"portal", "patients", "notifications", "registration"}:
            yield module


def unscoped_queries(source: str) -> Iterator[str]:
    """Yield each statement that queries a scoped model without naming a practice."""
    for statement in ast.walk(ast.parse(source)):
        if not isinstance(statement, ast.stmt) or hasattr(statement, "body"):
            continue
        queries = (
            node
            for node in ast.walk(statement)
            if isinstance(node, ast.Attribute)
            and node.attr == "objects"
            and isinstance(node.value, ast.Name)
            and node.value.id in SCOPED_MODELS
        )
        text = ast.unparse(statement)
        if any(queries) and not any(scope in text for scope in (*SCOPES, *EXCEPTIONS)):
            yield text


def test_every_module_with_views_is_read() -> None:
    names = {module.__name__ for module in view_modules()}
    assert len(names) >= 16
    assert {"registration.desk.match_views", "registration.family.home.home_views", "patients.views"} <= names


def test_views_query_scoped_models_through_the_practice() -> None:
    for module in view_modules():
        assert not list(unscoped_queries(inspect.getsource(module))), module.__name__


def test_every_exception_is_still_needed() -> None:
    sources = " ".join(ast.unparse(ast.parse(inspect.getsource(module))) for module in view_modules())
    for part in EXCEPTIONS:
        assert part in sources, f"delete the exception “{part}”"


@pytest.mark.parametrize(
    "source",
    [
        "def view(request):\n    return Patient.objects.get(pk=1)",
        "def view(request):\n    rows = list(Registration.objects.filter(state='pending'))",
    ],
)
def test_query_without_a_practice_is_found(source: str) -> None:
    assert list(unscoped_queries(source))
