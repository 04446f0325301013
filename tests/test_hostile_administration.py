"""Hostile strings in the administration: each is answered with a page, and stored whole or not at all."""

from typing import Any, Final

import pytest
from django.test import Client

from notifications.models import Carrier
from patients.models import Contact, Patient
from portal.audit import Actor
from portal.models import User
from tests import factories
from tests.hostile_fixtures import Fixtures, check_fields, make_fixtures, submit_and_check, take_snapshot
from tests.hostile_strings import HOSTILE_STRINGS

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
ADMIN_STRINGS: Final = [text for text in HOSTILE_STRINGS if text != "<!--"]  # Django's own pages have comments
ADMIN_LISTS: Final = [
    *("portal/practice", "portal/user", "portal/auditevent", "mfa/authenticator", "patients/patient", "patients/contact"),
    *("registration/verificationquestion", "registration/registration", "notifications/carrier", "notifications/outgoingmessage"),
]  # fmt: skip


@pytest.fixture
def fixtures(patient: Patient, mother: Contact, actor: Actor) -> Fixtures:
    return make_fixtures(patient, mother, actor)


@pytest.fixture
def administrator(fixtures: Fixtures) -> Client:
    client = Client()
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_hostile_form_data_from_an_administrator_gets_a_page(
    fixtures: Fixtures, administrator: Client, path: str, every_string: bool
) -> None:
    manager = User.objects.get(email="manager@maplegrove.example")
    known = {"practice": fixtures.practice.pk, "patient": fixtures.patient.pk, "manager": manager.pk}
    known |= {"question": fixtures.practice.verification_questions.get().pk, "carrier": Carrier.objects.latest("pk").pk}
    address = "/admin/" + path.format(**known)
    page = administrator.get(address)
    valid = _unchanged_data(page)
    if "/change/" in path:
        assert administrator.post(address, valid).status_code == 302, "the form can be saved unchanged"
    number, before = ADMIN_PAGES.index(path), take_snapshot()
    together, alone, read = (1, 100, 1) if every_string else (60, 500, 10)
    for hostile in ADMIN_STRINGS[number % together :: together]:
        formset_counts = {name: value for name, value in valid.items() if name.endswith("_FORMS")}
        submit_and_check(
            fixtures,
            administrator,
            address,
            dict.fromkeys(valid, hostile) | formset_counts,
            hostile,
            before,
            is_get=False,
        )
    for offset, field in enumerate(sorted(valid)):
        for hostile in ADMIN_STRINGS[(7 * number + offset) % alone :: alone]:
            submit_and_check(fixtures, administrator, address, valid | {field: hostile}, hostile, before, is_get=False)
    check_fields(page.context["adminform"].form, HOSTILE_STRINGS[number % read :: read])


@pytest.mark.parametrize("model", ADMIN_LISTS)
def test_hostile_search_by_an_administrator_gets_a_page(
    fixtures: Fixtures, administrator: Client, model: str, every_string: bool
) -> None:
    before = take_snapshot()
    number, path = ADMIN_LISTS.index(model), f"/admin/{model}/"
    searched, ordered = (1, 10) if every_string else (40, 100)
    for hostile in ADMIN_STRINGS[number % searched :: searched]:
        submit_and_check(fixtures, administrator, path, {"q": hostile}, hostile, before, is_get=True)
    for hostile in ADMIN_STRINGS[number % ordered :: ordered]:
        submit_and_check(fixtures, administrator, path, {"p": hostile, "o": hostile}, hostile, before, is_get=True)


def _unchanged_data(page: Any) -> dict[str, str]:
    """Return the data that the form submits if nothing is changed."""
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    shown = [page.context["adminform"].form, *(formset.management_form for formset in formsets)]
    shown += [form for formset in formsets for form in formset.forms]
    values = {field.html_name: field.value() for form in shown for field in form if not field.field.disabled}
    return {
        name: "on" if value is True else ("" if value is None else str(value))
        for name, value in values.items()
        if value is not False
    }
