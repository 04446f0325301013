"""A hostile morning in the administration: whatever is typed or searched for is answered with a page, and stored whole or not at all."""

from typing import Any, Final

import pytest
from django.test import Client

from notifications.models import Carrier
from portal.models import Practice, User
from tests import factories
from tests.hostile_strings import HOSTILE_STRINGS
from tests.test_hostile_strings import Fixtures, attempt, each_field_reads, everything, world

__all__ = ["world"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.parametrize("every_string", [False, pytest.param(True, marks=pytest.mark.campaign)]),
]

ADMIN_PAGES: Final = [
    *(f"{model}/add/" for model in ("portal/practice", "portal/user", "registration/verificationquestion", "notifications/carrier")),
    *("portal/practice/{practice}/change/", "portal/user/{manager}/change/", "patients/patient/{patient}/change/"),
    *("registration/verificationquestion/{question}/change/", "notifications/carrier/{carrier}/change/"),
]  # fmt: skip
ADMIN_STRINGS: Final = [each for each in HOSTILE_STRINGS if each != "<!--"]  # Django's own pages have comments
ADMIN_LISTS: Final = [
    *("portal/practice", "portal/user", "portal/auditevent", "mfa/authenticator", "patients/patient", "patients/contact"),
    *("registration/verificationquestion", "registration/registration", "notifications/carrier", "notifications/outgoingmessage"),
]  # fmt: skip


@pytest.fixture
def administrator(practice: Practice) -> Client:
    client = Client()
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_whatever_an_administrator_types_is_answered_with_a_page(
    world: Fixtures, administrator: Client, path: str, every_string: bool
) -> None:
    manager = User.objects.get(email="manager@maplegrove.example")
    known = {"practice": world.practice.pk, "patient": world.patient.pk, "manager": manager.pk}
    known |= {"question": world.practice.verification_questions.get().pk, "carrier": Carrier.objects.latest("pk").pk}
    address = "/admin/" + path.format(**known)
    page = administrator.get(address)
    right = _as_shown(page)
    if "/change/" in path:
        assert administrator.post(address, right).status_code == 302, "as shown it can be saved"
    number, before = ADMIN_PAGES.index(path), everything()
    together, alone, read = (1, 100, 1) if every_string else (60, 500, 10)
    for hostile in ADMIN_STRINGS[number % together :: together]:
        managed = {name: value for name, value in right.items() if name.endswith("_FORMS")}
        attempt(world, administrator, address, dict.fromkeys(right, hostile) | managed, hostile, before, asks=False)
    for offset, each in enumerate(sorted(right)):
        for hostile in ADMIN_STRINGS[(7 * number + offset) % alone :: alone]:
            attempt(world, administrator, address, right | {each: hostile}, hostile, before, asks=False)
    each_field_reads(page.context["adminform"].form, HOSTILE_STRINGS[number % read :: read])


@pytest.mark.parametrize("model", ADMIN_LISTS)
def test_whatever_an_administrator_searches_for_is_answered_with_a_page(
    world: Fixtures, administrator: Client, model: str, every_string: bool
) -> None:
    before = everything()
    number, path = ADMIN_LISTS.index(model), f"/admin/{model}/"
    searched, ordered = (1, 10) if every_string else (40, 100)
    for hostile in ADMIN_STRINGS[number % searched :: searched]:
        attempt(world, administrator, path, {"q": hostile}, hostile, before, asks=True)
    for hostile in ADMIN_STRINGS[number % ordered :: ordered]:
        attempt(world, administrator, path, {"p": hostile, "o": hostile}, hostile, before, asks=True)


def _as_shown(page: Any) -> dict[str, str]:
    """What the form would send if nothing was typed into it."""
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    shown = [page.context["adminform"].form, *(each.management_form for each in formsets)]
    shown += [form for each in formsets for form in each.forms]
    values = {field.html_name: field.value() for form in shown for field in form if not field.field.disabled}
    return {
        name: "on" if value is True else ("" if value is None else str(value))
        for name, value in values.items()
        if value is not False
    }
