"""Submit hostile strings in requests that are rolled back, and check what the database would have kept of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_from_bytes

from django import forms
from django.db import connection, models, transaction
from django.test import Client

from notifications.models import Carrier, Content, OutgoingMessage, SuppressedAddress
from patients.models import Contact, NameKey, Patient
from portal.audit import Actor
from portal.models import Membership, Practice, User
from registration.models import (
    Association,
    Decline,
    PortalAccount,
    Registration,
    SelfRegistration,
    VerificationQuestion,
)
from tests import factories, signup_steps
from tests.factories import issue_registration

# The models with data about people. The audit trail, attempt counters and sessions may change with every request.
SNAPSHOT_MODELS: Final[list[type[models.Model]]] = [
    *(Practice, User, Membership, Patient, Contact, NameKey, OutgoingMessage, Content, SuppressedAddress),
    *(Carrier, Registration, VerificationQuestion, PortalAccount, Association, SelfRegistration, Decline),
]
# These columns may change even when a request is refused.
IGNORED_COLUMNS: Final = {"last_login", "likely_id", "likely_looked_at", "wrong_attempts"}
FORBIDDEN_CHARACTERS: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Fields that are entered in a text area, and the bodies of messages.
MULTILINE_FIELDS: Final = {"question", "answer", "text", "html"}
PAGES_TO_RECHECK: Final = ["/patients/{patient}/", "/", "/activity/"]

Snapshot = dict[tuple[str, Any], dict[str, Any]]


@dataclass
class Fixtures:
    """A practice and a family, with one record of each kind that a form can be about."""

    practice: Practice
    patient: Patient
    brother: Patient
    mother: Contact
    actor: Actor
    account: PortalAccount
    association: Association
    self_registration: SelfRegistration
    registration: Registration
    desk: Client
    family: Client = field(default_factory=Client)
    visitor: Client = field(default_factory=Client)


def make_fixtures(patient: Patient, mother: Contact, actor: Actor) -> Fixtures:
    practice = patient.practice
    brother = factories.a_patient(practice, "Mateo", birth_date=patient.birth_date.replace(year=2021), mrn="MG-2")
    factories.a_contact(brother)
    account = factories.an_account("maria@families.example", "María", "Prado")
    association = factories.an_association(account, patient, relationship="guardian")
    desk = Client()
    desk.force_login(
        factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    )
    fixtures = Fixtures(
        practice=practice,
        patient=patient,
        brother=brother,
        mother=mother,
        actor=actor,
        account=account,
        association=association,
        self_registration=factories.a_self_registration(practice, account, "Leo"),
        registration=issue_registration([patient, brother], mother, actor=actor, delivery=signup_steps.by_email()),
        desk=desk,
    )
    fixtures.family.force_login(account.user)
    return fixtures


def submit_and_check(
    fixtures: Fixtures,
    browser: Client,
    path: str,
    form_data: dict[str, str],
    hostile: str,
    before: Snapshot,
    *,
    is_get: bool,
) -> None:
    """Submit the form data and check the page and what is stored, then roll everything back.

    A refused request must store nothing. An accepted one must store valid text, and the pages that show it must escape
    the hostile string. `before` is a snapshot from before the request.
    """
    with rolled_back(browser):
        body = "&".join(f"{quote(name)}={quote(value)}" for name, value in form_data.items())
        if is_get:
            response = browser.generic("GET", path, QUERY_STRING=body[:4000])
        else:
            response = browser.generic("POST", path, body, "application/x-www-form-urlencoded")
        assert response.status_code in {200, 302, 400, 404, 422, 429}, (response.status_code, form_data)
        check_escaped(response, hostile)
        after = take_snapshot()
        if is_get or response.status_code >= 400:
            assert after == before, f"the request was refused but changed the database: {form_data}"
            return
        for key, row in after.items():
            if before.get(key) != row:
                check_stored_text(key, row)
        if after != before:
            for page in PAGES_TO_RECHECK if is_markup(hostile) else PAGES_TO_RECHECK[:1]:
                check_escaped(fixtures.desk.get(fill_path(page, fixtures)), hostile)


def check_fields(form: forms.Form, strings: list[str]) -> None:
    """Check that each field accepts each string or refuses it with a message."""
    for form_field in form.fields.values():
        for hostile in strings:
            try:
                form_field.clean([hostile] * 3 if isinstance(form_field.widget, forms.MultiWidget) else hostile)
            except forms.ValidationError as error:
                assert all(error.messages)


def quote(value: str) -> str:
    """Percent-encode the value. Unlike a browser, encode unpaired surrogates too."""
    return quote_from_bytes(value.encode("utf-8", "surrogatepass"))


def fill_path(path: str, fixtures: Fixtures) -> str:
    names = ("patient", "registration", "association", "self_registration")
    return path.format(**{name: getattr(fixtures, name).pk for name in names})


def field_names(page: Any) -> set[str]:
    """Return the names of the page's form fields, hidden ones too, without those of the language and practice menus."""
    html = page.content.decode() if page.status_code == 200 else ""
    names = set(re.findall(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"', html))
    return names - {"csrfmiddlewaretoken", "next", "lang"}


@contextmanager
def rolled_back(browser: Client) -> Iterator[None]:
    """Roll back the database and the browser's cookies at the end of the block."""
    cookies = browser.cookies.output()
    values = {name: morsel.value for name, morsel in browser.cookies.items()}
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    if browser.cookies.output() != cookies:
        browser.cookies.clear()
        for name, value in values.items():
            browser.cookies[name] = value


def take_snapshot() -> Snapshot:
    """Read every row of SNAPSHOT_MODELS. Raw SQL because the ORM would take as long as the request itself."""
    snapshot: Snapshot = {}
    with connection.cursor() as cursor:
        for model in SNAPSHOT_MODELS:
            columns = [
                str(column.column) for column in model._meta.concrete_fields if column.column not in IGNORED_COLUMNS
            ]
            quoted_columns = ", ".join(map(connection.ops.quote_name, columns))
            cursor.execute(f"SELECT {quoted_columns} FROM {model._meta.db_table}")
            for row in cursor.fetchall():
                snapshot[model.__name__, row[0]] = dict(zip(columns, row, strict=True))
    return snapshot


def check_escaped(response: Any, hostile: str) -> None:
    if is_markup(hostile) and "html" in response.get("Content-Type", ""):
        assert hostile not in response.content.decode()


def is_markup(hostile: str) -> bool:
    return bool(set(hostile) & set("<>\"'"))


def check_stored_text(key: tuple[str, Any], row: dict[str, Any]) -> None:
    """Check that stored text fits its column and has no forbidden characters, and no newline in a single-line field."""
    model = next(model for model in SNAPSHOT_MODELS if model.__name__ == key[0])
    for column in model._meta.concrete_fields:
        value = row.get(column.attname)
        if not isinstance(value, str):
            continue
        assert not FORBIDDEN_CHARACTERS.search(value), (key, column.name, value)
        assert column.max_length is None or len(value) <= column.max_length, (key, column.name)
        assert column.name in MULTILINE_FIELDS or "\n" not in value, (key, column.name, value)
