"""A hostile morning: what is pasted into the fields, whatever it is, is answered with a page, and stored whole or not at all."""

import csv
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_from_bytes

import pytest
from django import forms
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

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
from tests.hostile_strings import HOSTILE_STRINGS
from tests.patients.intake.fhir_patients import ANA

pytestmark = pytest.mark.django_db

# What is kept of people. The trail, tries and sessions may grow whatever the answer is.
KEPT: Final[list[type[models.Model]]] = [
    *(Practice, User, Membership, Patient, Contact, NameKey, OutgoingMessage, Content, SuppressedAddress),
    *(Carrier, Registration, VerificationQuestion, PortalAccount, Association, SelfRegistration, Decline),
]
COUNTED: Final = {"last_login", "likely_id", "likely_looked_at", "wrong_attempts"}  # by the way, whatever the answer is
NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MANY_LINES: Final = {
    "question",
    "answer",
    "text",
    "html",
}  # what is typed into a field of several lines, or is a message
_Rows = dict[tuple[str, Any], dict[str, Any]]
PAGES_AFTERWARDS: Final = ["/patients/{patient}/", "/", "/activity/"]
CHILD: Final = {
    "given_names": "Leo",
    "family_name": "García",
    **signup_steps.birth_date_fields(timezone.localdate() - timedelta(days=900)),
}


@dataclass
class Fixtures:
    """One practice and one family, with one of each thing that a form can be about."""

    practice: Practice
    patient: Patient
    brother: Patient
    mother: Contact
    actor: Actor
    account: PortalAccount
    association: Association
    asked: SelfRegistration
    registration: Registration
    desk: Client
    family: Client = field(default_factory=Client)
    nobody: Client = field(default_factory=Client)


@pytest.fixture
def world(practice: Practice, patient: Patient, mother: Contact, actor: Actor) -> Fixtures:
    brother = factories.a_patient(practice, "Mateo", birth_date=patient.birth_date.replace(year=2021), mrn="MG-2")
    factories.a_contact(brother)
    account = factories.an_account("maria@families.example", "María", "Prado")
    association = factories.an_association(account, patient, relationship="guardian")
    desk = Client()
    desk.force_login(
        factories.a_member(practice, Membership.Role.MANAGER, "manager@maplegrove.example", name="Mo Reyes")
    )
    world = Fixtures(
        *(practice, patient, brother, mother, actor, account, association),
        asked=factories.a_self_registration(practice, account, "Leo"),
        registration=issue_registration([patient, brother], mother, actor=actor, delivery=signup_steps.by_email()),
        desk=desk,
    )
    world.family.force_login(account.user)
    return world


# --- The forms: who fills them in, where, with what when nothing is wrong, and what comes before ---


@dataclass(frozen=True)
class Case:
    who: str
    path: str
    valid: Callable[[Fixtures], dict[str, Any]] = lambda _: {}
    before: Callable[[Fixtures], Any] = lambda _: None
    asks: bool = False  # by GET


def _window(world: Fixtures, **changes: Any) -> dict[str, Any]:
    email = {"recipient": "other", "other_name": "Rosa Prado", "other_relationship": "Aunt", "email": "rosa@x.example"}
    asked = {"risk_acknowledged": "on", "identified_by": "photo_id", "language": "en"}
    return {"method": "pin", "delivery": "email", "form_token": str(uuid.UUID(int=7)), **email, **asked, **changes}


def _by_text(world: Fixtures) -> dict[str, Any]:
    question = world.practice.verification_questions.get().pk
    carrier = Carrier.objects.filter(status=Carrier.Status.VERIFIED).first() or Carrier.objects.first()
    assert carrier
    text = {"delivery": "text", "cell_phone": "(612) 555-0177", "carrier": carrier.pk, "also": str(world.brother.pk)}
    return _window(world, method="question", question=question, answer="Rex", recipient=str(world.mother.pk), **text)


def _proxy(world: Fixtures) -> dict[str, Any]:
    day = (timezone.localdate() + timedelta(days=90)).isoformat()
    return _window(world, level="limited", access_ends_on=day, authorization="On file")


def _door(world: Fixtures, *, question: bool = False, patients: int = 1) -> None:
    method = signup_steps.by_question() if question else None
    both = [world.patient, world.brother][:patients]
    issued = issue_registration(both, world.mother, actor=world.actor, method=method, delivery=signup_steps.by_email())
    pin = signup_steps.question_link(issued) if question else signup_steps.pin_of(issued)
    signup_steps.enter_pin(world.nobody, pin, world.patient.birth_date)


def _told_who(world: Fixtures) -> None:
    _door(world)
    signup_steps.enter_about_you(world.nobody)


def _asking(world: Fixtures, **you: str) -> None:
    world.nobody.post("/start/request-access/", {})
    typed = {"who": "child", "given_names": "Elena", "family_name": "García", "relationship": "mother"}
    world.nobody.post("/start/request-access/about-you/", {**typed, **you})


def _proving(world: Fixtures) -> None:
    _asking(world)
    world.nobody.post("/start/request-access/children/", CHILD)
    signup_steps.enter_sign_in_details(world.nobody)


def _new_address(world: Fixtures) -> None:
    world.family.post("/start/sign-in/", {"login": world.account.user.email, "password": factories.PASSWORD})
    world.family.post("/accounts/reauthenticate/", {"password": factories.PASSWORD})
    world.family.post("/family/profile/email/", {"email": "new@families.example"})


def _asked_more(world: Fixtures) -> None:
    world.desk.post(f"/matches/{world.asked.pk}/ask/", {"ready": "spelling"})


YOU: Final = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": "(612) 555-0161"}
CASES: Final = {
    "register, by e-mail": Case("desk", "/patients/{patient}/register/?another=1", _window),
    "register, by text": Case("desk", "/patients/{patient}/register/?another=1", _by_text),
    "proxy": Case("desk", "/patients/{patient}/proxy/", _proxy),
    "revoke": Case("desk", "/registrations/{registration}/revoke/", lambda _: {"reason": "Mistyped"}),
    "send again": Case("desk", "/registrations/{registration}/send-again/", lambda _: {"confirmed_teen": "Asked"}),
    "decline": Case(
        "desk", "/patients/{patient}/decline/", lambda w: {"reason": "Rings", "ask_again_on": w.practice.today()}
    ),
    "stop messages": Case(
        "desk", "/patients/{patient}/messages/stop/", lambda w: {"contact": w.mother.pk, "channel": "email"}
    ),
    "allow messages": Case(
        "desk", "/patients/{patient}/messages/allow/", lambda w: {"contact": w.mother.pk, "channel": "email"}
    ),
    "remove access": Case("desk", "/associations/{association}/remove/", lambda _: {"reason": "Agreement", "on": ""}),
    "undo access": Case(
        *("desk", "/associations/{association}/restore/", lambda _: {"reason": "By mistake"}),
        before=lambda w: w.desk.post(f"/associations/{w.association.pk}/remove/", {"reason": "x"}),
    ),
    "reset sign-in": Case("desk", "/associations/{association}/reset-sign-in/", lambda _: {"identified_by": "photo_id"}),
    "match": Case(
        "desk", "/matches/{asked}/match/", lambda w: {"patient": w.patient.pk, "level": "full", "reason": "Rang her"}
    ),
    "refuse a match": Case("desk", "/matches/{asked}/refuse/", lambda _: {"reason": "Nobody"}),
    "ask for more": Case("desk", "/matches/{asked}/ask/", lambda _: {"ready": "own", "question": "Which school?"}),
    "reopen a match": Case(
        *("desk", "/matches/{asked}/reopen/"),
        before=lambda w: w.desk.post(f"/matches/{w.asked.pk}/refuse/", {"reason": "Nobody"}),
    ),
    "look for a match": Case(
        "desk", "/matches/{asked}/", lambda _: {"last_name": "G", "first_name": "S", "date_of_birth": ""}, asks=True
    ),
    "queue": Case("desk", "/matches/", lambda _: {"show": "decided", "after": ""}, asks=True),
    "search": Case("desk", "/patients/", lambda _: {"search_for": "account", "last_name": "gar"}, asks=True),
    "search by contact": Case("desk", "/patients/", lambda _: {"search_for": "contact", "email": "e"}, asks=True),
    "quick search": Case("desk", "/patients/quick/", lambda _: {"q": "gar"}, asks=True),
    "the list under it": Case("desk", "/patients/quick/hits/", lambda _: {"q": "gar"}, asks=True),
    "activity": Case("desk", "/activity/", lambda _: {"since": "2026-01-01", "page": "1"}, asks=True),
    "practice": Case("desk", "/practice/", lambda w: {"practice": w.practice.pk}),
    "staff password": Case("desk", "/accounts/password/change/"),
    "is it you": Case("desk", "/accounts/reauthenticate/", lambda _: {"password": "x", "next": "/"}),
    "door": Case("nobody", "/start/", lambda w: {"pin": "K7QF-2M9T-XB4C", "link": "", "mark": "", **signup_steps.birth_date_fields(w.patient.birth_date)}),
    "the door, asked for": Case("nobody", "/start/", lambda w: {"practice": w.practice.slug, "lang": "es"}, asks=True),
    "answer": Case("nobody", "/start/question/", lambda _: {"answer": "Rex"}, lambda w: _door(w, question=True)),
    "children": Case("nobody", "/start/children/", lambda w: signup_steps.birth_date_fields(w.brother.birth_date), lambda w: _door(w, patients=2)),
    "you": Case("nobody", "/start/about-you/", lambda _: YOU, _door),
    "sign-in details": Case(
        *("nobody", "/start/sign-in-details/", lambda _: {"email": "e@x.example", "password": signup_steps.PASSWORD, "terms": "on"}),
        before=_told_who,
    ),
    "code": Case("nobody", "/start/code/", lambda _: {"code": "000000"}, _proving),
    "asking, practice": Case("nobody", "/start/request-access/", lambda w: {"practice": w.practice.pk}),
    "asking, you": Case(
        *("nobody", "/start/request-access/about-you/", lambda _: YOU | {"who": "child", "street": "1 Elm", "postal_code": "55311"}),
        before=_asking,
    ),
    "asking, child": Case("nobody", "/start/request-access/children/", lambda _: CHILD, _asking),
    "asking, myself": Case(
        *("nobody", "/start/request-access/children/", lambda _: signup_steps.birth_date_fields(timezone.localdate().replace(year=1990, day=1))),
        before=lambda w: _asking(w, who="self"),
    ),
    "sign in": Case("nobody", "/start/sign-in/", lambda w: {"login": w.account.user.email, "password": factories.PASSWORD, "next": "/family/"}),
    "staff sign-in": Case("nobody", "/accounts/login/", lambda _: {"login": "a@b.example", "password": "x", "next": "/"}),
    "forgotten": Case("nobody", "/accounts/password/reset/", lambda _: {"email": "a@b.example"}),
    "details": Case("family", "/family/profile/", lambda _: {key: YOU[key] for key in ("given_names", "family_name", "phone")} | {"language": "es"}),
    "new address": Case("family", "/family/profile/email/", lambda _: {"email": "new@families.example"}, _new_address),
    "code of the new address": Case("family", "/family/profile/email/code/", lambda _: {"code": "000000"}, _new_address),
    "answer to the practice": Case(
        "family", "/family/requests/{asked}/answer/", lambda w: {f"{w.asked.pk}-answer": "Leo Juan"}, _asked_more
    ),
}  # fmt: skip


# --- The stories ---


@pytest.mark.slow
@pytest.mark.parametrize("every_string", [False, pytest.param(True, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("name", CASES)
def test_whatever_is_typed_is_answered_with_a_page_and_stored_whole_or_not_at_all(
    world: Fixtures, name: str, every_string: bool
) -> None:
    """All fields at once with some of the strings, each field for itself with others while the rest is right, and each with
    every fifth as far as its own check goes. The campaign sends all fields at once with all of them, each for itself with
    every tenth, and has each read all of them.
    """
    case = CASES[name]
    case.before(world)
    path, valid = _filled(case.path, world), {name: str(value) for name, value in case.valid(world).items()}
    browser = getattr(world, case.who)
    page = browser.get(path)
    assert page.status_code in {200, 405}, "another step comes before this form"
    fields = sorted(set(valid) | _fields(page))
    number, before = list(CASES).index(name), everything()
    together, alone, read = (1, 10, 1) if every_string else (len(CASES), 400, 5)
    for hostile in HOSTILE_STRINGS[number % together :: together]:
        attempt(world, browser, path, dict.fromkeys(fields, hostile), hostile, before, asks=case.asks)
    for offset, each in enumerate(fields):
        for hostile in HOSTILE_STRINGS[(7 * number + offset) % alone :: alone]:
            attempt(world, browser, path, valid | {each: hostile}, hostile, before, asks=case.asks)
    if form := (page.context or {}).get("form"):
        each_field_reads(form, HOSTILE_STRINGS[number % read :: read])


def each_field_reads(form: forms.Form, strings: list[str]) -> None:
    """What it does not take it says in words."""
    for each in form.fields.values():
        for hostile in strings:
            try:
                each.clean([hostile] * 3 if isinstance(each.widget, forms.MultiWidget) else hostile)
            except forms.ValidationError as error:
                assert all(error.messages)


@pytest.mark.slow
def test_whatever_the_record_system_sends_is_imported_whole_or_refused_in_words(
    world: Fixtures, tmp_path: Path
) -> None:
    """Each string in each place of a patient, beside one that is right."""
    places: list[Callable[[str], dict[str, Any]]] = [
        lambda text: {"name": [{"family": text, "given": ["Ana", text]}]},
        lambda text: {"birthDate": text, "gender": text},
        lambda text: {"identifier": [{"system": text, "value": text}]},
        lambda text: {"telecom": [{"system": "email", "value": text}, {"system": "phone", "value": text}]},
        lambda text: {"address": [{"line": [text], "city": text, "state": text, "postalCode": text}]},
        lambda text: {"contact": [{"name": {"family": text}, "relationship": [{"text": text}]}]},
        lambda text: {"communication": [{"language": {"coding": [{"code": text}]}}], text: text},
    ]
    for place in places:
        rows = [
            ANA | {"identifier": [{"system": "urn:x", "value": str(n)}]} | place(text)
            for n, text in enumerate(HOSTILE_STRINGS)
        ]
        rows.append(ANA | {"identifier": [{"system": "urn:x", "value": "right"}]})
        file, refused = tmp_path / "patients.ndjson", tmp_path / "refused.csv"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        with _forgotten(world.desk):
            out = StringIO()
            call_command("import_patients", str(file), refused_to=refused, stdout=out)
            assert Patient.objects.filter(source_system="urn:x", source_id="right").exists()
            for row in everything().items():
                _is_text(*row)
        with refused.open(encoding="utf-8-sig", newline="") as table:
            cells = [cell for line in csv.reader(table) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def attempt(
    world: Fixtures, browser: Client, path: str, typed: dict[str, str], hostile: str, before: _Rows, *, asks: bool
) -> None:
    with _forgotten(browser):
        body = "&".join(f"{quote(name)}={quote(value)}" for name, value in typed.items())
        if asks:
            response = browser.generic("GET", path, QUERY_STRING=body[:4000])
        else:
            response = browser.generic("POST", path, body, "application/x-www-form-urlencoded")
        assert response.status_code in {200, 302, 400, 404, 422, 429}, (response.status_code, typed)
        _nothing_unescaped(response, hostile)
        after = everything()
        if asks or response.status_code >= 400:
            assert after == before, f"refused, and something is kept of it: {typed}"
            return
        for row in [row for row in after.items() if before.get(row[0]) != row[1]]:
            _is_text(*row)
        if after != before:
            for page in PAGES_AFTERWARDS if _is_markup(hostile) else PAGES_AFTERWARDS[:1]:
                _nothing_unescaped(world.desk.get(_filled(page, world)), hostile)


def quote(value: str) -> str:
    """As bytes come that no browser sends: halves of a pair, and all."""
    return quote_from_bytes(value.encode("utf-8", "surrogatepass"))


def _filled(path: str, world: Fixtures) -> str:
    known = {name: getattr(world, name).pk for name in ("patient", "registration", "association", "asked")}
    return path.format(**known)


def _fields(page: Any) -> set[str]:
    """What the page asks for, with what it hides. Not the form around it: language and practice at hand have their own."""
    html = page.content.decode() if page.status_code == 200 else ""
    names = set(re.findall(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"', html))
    return names - {"csrfmiddlewaretoken", "next", "lang"}


@contextmanager
def _forgotten(browser: Client) -> Iterator[None]:
    """What is done inside leaves nothing, in the database or the browser."""
    cookies = browser.cookies.output()
    kept = {name: morsel.value for name, morsel in browser.cookies.items()}
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    if browser.cookies.output() != cookies:
        browser.cookies.clear()
        for name, value in kept.items():
            browser.cookies[name] = value


def everything() -> _Rows:
    """Past Django, which would take as long to read it as to answer."""
    kept: _Rows = {}
    with connection.cursor() as cursor:
        for model in KEPT:
            columns = [str(field.column) for field in model._meta.concrete_fields if field.column not in COUNTED]
            named = ", ".join(map(connection.ops.quote_name, columns))
            cursor.execute(f"SELECT {named} FROM {model._meta.db_table}")
            for row in cursor.fetchall():
                kept[model.__name__, row[0]] = dict(zip(columns, row, strict=True))
    return kept


def _nothing_unescaped(response: Any, hostile: str) -> None:
    if _is_markup(hostile) and "html" in response.get("Content-Type", ""):
        assert hostile not in response.content.decode()


def _is_markup(hostile: str) -> bool:
    return bool(set(hostile) & set("<>\"'"))


def _is_text(key: tuple[str, Any], row: dict[str, Any]) -> None:
    """What is stored has no character that is none, one line where it is one, and its column's length."""
    model = next(each for each in KEPT if each.__name__ == key[0])
    for each in model._meta.concrete_fields:
        value = row.get(each.attname)
        if not isinstance(value, str):
            continue
        assert not NO_TEXT.search(value), (key, each.name, value)
        assert each.max_length is None or len(value) <= each.max_length, (key, each.name)
        assert each.name in MANY_LINES or "\n" not in value, (key, each.name, value)
