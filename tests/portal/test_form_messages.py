"""No sentence of Django's own shows when a form is filled in wrongly."""

import pkgutil
from importlib import import_module
from typing import Final

import pytest
from django import forms
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import translation

from portal.form_messages import FamilyForm, FamilyMessages, StaffForm
from portal.models import Practice
from portal.text_fields import LineField
from tests import factories

APPS: Final = ("portal", "patients", "notifications", "registration")
FRAMEWORK_SENTENCE: Final = "This field is required."


def _form_classes() -> list[type[forms.BaseForm]]:
    """Return every form class of the project, after importing all of its modules."""
    for app in APPS:
        for module in pkgutil.walk_packages(import_module(app).__path__, f"{app}."):
            if ".migrations" not in module.name and module.name != "portal.gunicorn":
                import_module(module.name)
    found: set[type[forms.BaseForm]] = set()
    pending: list[type[forms.BaseForm]] = [forms.BaseForm]
    while pending:
        subclasses = set(pending.pop().__subclasses__()) - found
        found |= subclasses
        pending += subclasses
    return sorted((form for form in found if form.__module__.split(".")[0] in APPS), key=lambda form: form.__name__)


@pytest.mark.parametrize("form_class", _form_classes(), ids=lambda form_class: form_class.__name__)
def test_empty_form_of_the_project_never_shows_the_framework_sentence(form_class: type[forms.BaseForm]) -> None:
    assert issubclass(form_class, FamilyMessages)
    fields: dict[str, forms.Field] = getattr(form_class, "base_fields", {})
    is_staff = not issubclass(form_class, FamilyForm)
    probe = type("Probe", (StaffForm if is_staff else FamilyForm,), dict(fields))
    form: forms.Form = probe({})
    for field in form.fields.values():
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Practice.objects.none()
    messages = [message for errors in form.errors.values() for message in errors]
    assert FRAMEWORK_SENTENCE not in messages
    assert all(FRAMEWORK_SENTENCE not in map(str, field.error_messages.values()) for field in form.fields.values())


ADD_PAGES: Final = [
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add") for model in admin.site._registry
]


@pytest.mark.parametrize("page", ADD_PAGES)
def test_empty_add_page_of_the_administration_never_shows_the_framework_sentence(
    client: Client, practice: Practice, page: str
) -> None:
    client.force_login(factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True))
    one_empty_row = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0", "memberships-0-role": "manager"}
    response = client.post(page, one_empty_row)
    html = response.content.decode()
    assert response.status_code in {200, 403}  # 403: nothing of this kind is added by hand
    assert FRAMEWORK_SENTENCE not in html
    if response.status_code == 200:
        assert "Enter the " in html


class _Staff(StaffForm):
    last_name = forms.CharField(max_length=3)
    pin = forms.CharField(label="PIN")
    who = forms.CharField(label="Who called?")
    choice = forms.ChoiceField(choices=[("a", "A")])
    day = forms.DateField()
    agreed = forms.BooleanField()
    own = forms.CharField(error_messages={"required": "Enter a reason. Your manager will see it."})


def _errors(form: forms.Form) -> dict[str, list[str]]:
    return {name: [str(message) for message in messages] for name, messages in form.errors.items()}


def test_empty_staff_fields_are_named_unless_they_have_words_of_their_own() -> None:
    assert _errors(_Staff({})) == {
        "last_name": ["Enter the last name."],
        "pin": ["Enter the PIN."],
        "who": ["Fill this in."],
        "choice": ["Choose one."],
        "day": ["Enter a date like 12/31/2026."],
        "agreed": ["Check this box to continue."],
        "own": ["Enter a reason. Your manager will see it."],
    }


def test_unreadable_values_get_our_words() -> None:
    data = {"last_name": "Garcia", "pin": "a\x00b", "who": "x", "choice": "b", "day": "someday", "agreed": "on"}
    assert _errors(_Staff(data | {"own": "x"})) == {
        "last_name": ["Use no more than 3 characters."],
        "pin": ["Remove the special characters."],
        "choice": ["Choose one from the list."],
        "day": ["Enter a date like 12/31/2026."],
    }


class _LocalField(forms.CharField):
    default_error_messages = {"required": "Enter the name of the school."}  # noqa: RUF012


class _Family(FamilyForm):
    given_names = LineField(label="Your first name")
    school = _LocalField()
    email = forms.EmailField()


def test_family_messages_do_not_depend_on_the_label() -> None:
    assert _errors(_Family({"email": "elena"})) == {
        "given_names": ["Fill this in."],
        "school": ["Enter the name of the school."],
        "email": ["Enter an email address like name@example.com."],
    }


def test_validators_of_a_text_field_keep_their_own_words() -> None:
    form = _Family({"given_names": "Elena\x07", "school": "x", "email": "elena@demo.example"})
    assert list(form.errors) == ["given_names"]
    assert "character" in form.errors["given_names"][0]


def test_family_messages_are_translated_when_the_form_is_checked() -> None:
    with translation.override("es"):
        form = _Family({"given_names": "", "school": "x", "email": "elena@demo.example"})
        assert list(form.errors) == ["given_names"]
        assert FRAMEWORK_SENTENCE not in form.errors["given_names"]
