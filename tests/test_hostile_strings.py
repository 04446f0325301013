"""Hostile strings in every form: each is answered with a page, and stored whole or not at all."""

import csv
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.utils import timezone

from notifications.models import Carrier
from patients.models import Contact, Patient
from portal.audit import Actor
from tests import factories, signup_steps
from tests.factories import issue_registration
from tests.hostile_fixtures import (
    Fixtures,
    check_fields,
    check_stored_text,
    field_names,
    fill_path,
    make_fixtures,
    rolled_back,
    submit_and_check,
    take_snapshot,
)
from tests.hostile_strings import HOSTILE_STRINGS
from tests.patients.intake.fhir_patients import ANA

pytestmark = pytest.mark.django_db

CHILD: Final = {
    "given_names": "Leo",
    "family_name": "García",
    **signup_steps.birth_date_fields(timezone.localdate() - timedelta(days=900)),
}


@pytest.fixture
def fixtures(patient: Patient, mother: Contact, actor: Actor) -> Fixtures:
    return make_fixtures(patient, mother, actor)


# --- The forms ---


@dataclass(frozen=True)
class Case:
    """A form, the client of Fixtures that submits it, its valid data, and the steps before it."""

    client: str
    path: str
    valid: Callable[[Fixtures], dict[str, Any]] = lambda _: {}
    before: Callable[[Fixtures], Any] = lambda _: None
    is_get: bool = False


def _window_data(fixtures: Fixtures, **changes: Any) -> dict[str, Any]:
    email = {"recipient": "other", "other_name": "Rosa Prado", "other_relationship": "Aunt", "email": "rosa@x.example"}
    acknowledged = {"risk_acknowledged": "on", "identified_by": "photo_id", "language": "en"}
    return {
        "method": "pin",
        "delivery": "email",
        "form_token": str(uuid.UUID(int=7)),
        **email,
        **acknowledged,
        **changes,
    }


def _by_text_data(fixtures: Fixtures) -> dict[str, Any]:
    question = fixtures.practice.verification_questions.get().pk
    carrier = Carrier.objects.filter(status=Carrier.Status.VERIFIED).first() or Carrier.objects.first()
    assert carrier
    text = {"delivery": "text", "cell_phone": "(612) 555-0177", "carrier": carrier.pk, "also": str(fixtures.brother.pk)}
    return _window_data(
        fixtures, method="question", question=question, answer="Rex", recipient=str(fixtures.mother.pk), **text
    )


def _proxy_data(fixtures: Fixtures) -> dict[str, Any]:
    day = (timezone.localdate() + timedelta(days=90)).isoformat()
    return _window_data(fixtures, level="limited", access_ends_on=day, authorization="On file")


def _enter_pin(fixtures: Fixtures, *, question: bool = False, patients: int = 1) -> None:
    method = signup_steps.by_question() if question else None
    both = [fixtures.patient, fixtures.brother][:patients]
    issued = issue_registration(
        both, fixtures.mother, actor=fixtures.actor, method=method, delivery=signup_steps.by_email()
    )
    pin = signup_steps.question_link(issued) if question else signup_steps.pin_of(issued)
    signup_steps.enter_pin(fixtures.visitor, pin, fixtures.patient.birth_date)


def _enter_about_you(fixtures: Fixtures) -> None:
    _enter_pin(fixtures)
    signup_steps.enter_about_you(fixtures.visitor)


def _request_access(fixtures: Fixtures, **you: str) -> None:
    fixtures.visitor.post("/start/request-access/", {})
    typed = {"who": "child", "given_names": "Elena", "family_name": "García", "relationship": "mother"}
    fixtures.visitor.post("/start/request-access/about-you/", {**typed, **you})


def _request_code(fixtures: Fixtures) -> None:
    _request_access(fixtures)
    fixtures.visitor.post("/start/request-access/children/", CHILD)
    signup_steps.enter_sign_in_details(fixtures.visitor)


def _change_email(fixtures: Fixtures) -> None:
    fixtures.family.post("/start/sign-in/", {"login": fixtures.account.user.email, "password": factories.PASSWORD})
    fixtures.family.post("/accounts/reauthenticate/", {"password": factories.PASSWORD})
    fixtures.family.post("/family/profile/email/", {"email": "new@families.example"})


def _ask_the_family(fixtures: Fixtures) -> None:
    fixtures.desk.post(f"/matches/{fixtures.self_registration.pk}/ask/", {"ready": "spelling"})


YOU: Final = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": "(612) 555-0161"}
CASES: Final = {
    "register, by email": Case("desk", "/patients/{patient}/register/?another=1", _window_data),
    "register, by text": Case("desk", "/patients/{patient}/register/?another=1", _by_text_data),
    "proxy": Case("desk", "/patients/{patient}/proxy/", _proxy_data),
    "revoke": Case("desk", "/registrations/{registration}/revoke/", lambda _: {"reason": "Mistyped"}),
    "send again": Case("desk", "/registrations/{registration}/send-again/", lambda _: {"confirmed_teen": "Asked"}),
    "decline": Case(
        "desk", "/patients/{patient}/decline/", lambda fixtures: {"reason": "Prefers to call", "ask_again_on": fixtures.practice.today()}
    ),
    "stop messages": Case(
        "desk", "/patients/{patient}/messages/stop/", lambda fixtures: {"contact": fixtures.mother.pk, "channel": "email"}
    ),
    "allow messages": Case(
        "desk", "/patients/{patient}/messages/allow/", lambda fixtures: {"contact": fixtures.mother.pk, "channel": "email"}
    ),
    "remove access": Case("desk", "/associations/{association}/remove/", lambda _: {"reason": "Agreement", "on": ""}),
    "restore access": Case(
        *("desk", "/associations/{association}/restore/", lambda _: {"reason": "By mistake"}),
        before=lambda fixtures: fixtures.desk.post(f"/associations/{fixtures.association.pk}/remove/", {"reason": "x"}),
    ),
    "reset sign-in": Case("desk", "/associations/{association}/reset-sign-in/", lambda _: {"identified_by": "photo_id"}),
    "match": Case(
        "desk", "/matches/{self_registration}/match/", lambda fixtures: {"patient": fixtures.patient.pk, "level": "full", "reason": "Called her"}
    ),
    "refuse a match": Case("desk", "/matches/{self_registration}/refuse/", lambda _: {"reason": "Nobody"}),
    "ask for more": Case("desk", "/matches/{self_registration}/ask/", lambda _: {"ready": "own", "question": "Which school?"}),
    "reopen a match": Case(
        *("desk", "/matches/{self_registration}/reopen/"),
        before=lambda fixtures: fixtures.desk.post(f"/matches/{fixtures.self_registration.pk}/refuse/", {"reason": "Nobody"}),
    ),
    "search for a match": Case(
        "desk", "/matches/{self_registration}/", lambda _: {"last_name": "G", "first_name": "S", "date_of_birth": ""}, is_get=True
    ),
    "queue": Case("desk", "/matches/", lambda _: {"show": "decided", "after": ""}, is_get=True),
    "search": Case("desk", "/patients/", lambda _: {"search_for": "account", "last_name": "gar"}, is_get=True),
    "search by contact": Case("desk", "/patients/", lambda _: {"search_for": "contact", "email": "e"}, is_get=True),
    "quick search": Case("desk", "/patients/quick/", lambda _: {"q": "gar"}, is_get=True),
    "quick search list": Case("desk", "/patients/quick/hits/", lambda _: {"q": "gar"}, is_get=True),
    "activity": Case("desk", "/activity/", lambda _: {"since": "2026-01-01", "page": "1"}, is_get=True),
    "practice": Case("desk", "/practice/", lambda fixtures: {"practice": fixtures.practice.pk}),
    "staff password": Case("desk", "/accounts/password/change/"),
    "reauthenticate": Case("desk", "/accounts/reauthenticate/", lambda _: {"password": "x", "next": "/"}),
    "start": Case("visitor", "/start/", lambda fixtures: {"pin": "K7QF-2M9T-XB4C", "link": "", "mark": "", **signup_steps.birth_date_fields(fixtures.patient.birth_date)}),
    "start, with a practice and a language": Case("visitor", "/start/", lambda fixtures: {"practice": fixtures.practice.slug, "lang": "es"}, is_get=True),
    "answer": Case("visitor", "/start/question/", lambda _: {"answer": "Rex"}, lambda fixtures: _enter_pin(fixtures, question=True)),
    "children": Case("visitor", "/start/children/", lambda fixtures: signup_steps.birth_date_fields(fixtures.brother.birth_date), lambda fixtures: _enter_pin(fixtures, patients=2)),
    "about you": Case("visitor", "/start/about-you/", lambda _: YOU, _enter_pin),
    "sign-in details": Case(
        *("visitor", "/start/sign-in-details/", lambda _: {"email": "e@x.example", "password": signup_steps.PASSWORD, "terms": "on"}),
        before=_enter_about_you,
    ),
    "code": Case("visitor", "/start/code/", lambda _: {"code": "000000"}, _request_code),
    "request access, practice": Case("visitor", "/start/request-access/", lambda fixtures: {"practice": fixtures.practice.pk}),
    "request access, you": Case(
        *("visitor", "/start/request-access/about-you/", lambda _: YOU | {"who": "child", "street": "1 Elm", "postal_code": "55311"}),
        before=_request_access,
    ),
    "request access, child": Case("visitor", "/start/request-access/children/", lambda _: CHILD, _request_access),
    "request access, myself": Case(
        *("visitor", "/start/request-access/children/", lambda _: signup_steps.birth_date_fields(timezone.localdate().replace(year=1990, day=1))),
        before=lambda fixtures: _request_access(fixtures, who="self"),
    ),
    "sign in": Case("visitor", "/start/sign-in/", lambda fixtures: {"login": fixtures.account.user.email, "password": factories.PASSWORD, "next": "/family/"}),
    "staff sign-in": Case("visitor", "/accounts/login/", lambda _: {"login": "a@b.example", "password": "x", "next": "/"}),
    "forgotten password": Case("visitor", "/accounts/password/reset/", lambda _: {"email": "a@b.example"}),
    "profile": Case("family", "/family/profile/", lambda _: {key: YOU[key] for key in ("given_names", "family_name", "phone")} | {"language": "es"}),
    "new email": Case("family", "/family/profile/email/", lambda _: {"email": "new@families.example"}, _change_email),
    "code of the new email": Case("family", "/family/profile/email/code/", lambda _: {"code": "000000"}, _change_email),
    "answer to the practice": Case(
        "family", "/family/requests/{self_registration}/answer/", lambda fixtures: {f"{fixtures.self_registration.pk}-answer": "Leo Juan"}, _ask_the_family
    ),
}  # fmt: skip


# --- The tests ---


@pytest.mark.slow
@pytest.mark.parametrize("every_string", [False, pytest.param(True, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("name", CASES)
def test_hostile_form_data_gets_a_page_and_is_stored_whole_or_not_at_all(
    fixtures: Fixtures, name: str, every_string: bool
) -> None:
    """Send a sample of the strings in all fields together, and another sample in one field at a time.

    The other fields are valid then. Each field's own validation gets every fifth string. The campaign sends all strings
    together, every hundredth string in each field, and all strings to each field's own validation.
    """
    case = CASES[name]
    case.before(fixtures)
    path, valid = fill_path(case.path, fixtures), {name: str(value) for name, value in case.valid(fixtures).items()}
    browser = getattr(fixtures, case.client)
    page = browser.get(path)
    assert page.status_code in {200, 405}, "another step comes before this form"
    fields = sorted(set(valid) | field_names(page))
    number, before = list(CASES).index(name), take_snapshot()
    together, alone, read = (1, 100, 1) if every_string else (len(CASES), 400, 5)
    for hostile in HOSTILE_STRINGS[number % together :: together]:
        submit_and_check(fixtures, browser, path, dict.fromkeys(fields, hostile), hostile, before, is_get=case.is_get)
    for offset, field in enumerate(fields):
        for hostile in HOSTILE_STRINGS[(7 * number + offset) % alone :: alone]:
            submit_and_check(fixtures, browser, path, valid | {field: hostile}, hostile, before, is_get=case.is_get)
    if form := (page.context or {}).get("form"):
        check_fields(form, HOSTILE_STRINGS[number % read :: read])


@pytest.mark.slow
def test_hostile_fhir_values_are_imported_whole_or_refused(fixtures: Fixtures, tmp_path: Path) -> None:
    """Put each string into each member of a patient. The last patient of each file is valid."""
    members: list[Callable[[str], dict[str, Any]]] = [
        lambda text: {"name": [{"family": text, "given": ["Ana", text]}]},
        lambda text: {"birthDate": text, "gender": text},
        lambda text: {"identifier": [{"system": text, "value": text}]},
        lambda text: {"telecom": [{"system": "email", "value": text}, {"system": "phone", "value": text}]},
        lambda text: {"address": [{"line": [text], "city": text, "state": text, "postalCode": text}]},
        lambda text: {"contact": [{"name": {"family": text}, "relationship": [{"text": text}]}]},
        lambda text: {"communication": [{"language": {"coding": [{"code": text}]}}], text: text},
    ]
    for member in members:
        rows = [
            ANA | {"identifier": [{"system": "urn:x", "value": str(number)}]} | member(text)
            for number, text in enumerate(HOSTILE_STRINGS)
        ]
        rows.append(ANA | {"identifier": [{"system": "urn:x", "value": "valid"}]})
        file, refused = tmp_path / "patients.ndjson", tmp_path / "refused.csv"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        with rolled_back(fixtures.desk):
            out = StringIO()
            call_command("import_patients", str(file), refused_to=refused, stdout=out)
            assert Patient.objects.filter(source_system="urn:x", source_id="valid").exists()
            for key, row in take_snapshot().items():
                check_stored_text(key, row)
        with refused.open(encoding="utf-8-sig", newline="") as table:
            cells = [cell for line in csv.reader(table) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
