"""What families read about their account: in their language, with nothing that does not belong into a mail."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from notifications.models import Channel, Content, OutgoingMessage, SuppressedAddress
from patients.models import Patient
from portal.models import Practice, User
from registration.communications import account_notices
from registration.models import Association, PortalAccount, Registration, SelfRegistration
from tests import factories
from tests.smtp import MailServer

ENDS_ON = date(2026, 12, 15)
BIRTHDAY = date(2027, 3, 5)


@pytest.fixture
def patient(practice: Practice) -> Patient:
    return factories.a_patient(practice, "Sofía", "García-López", birth_date=date(2009, 3, 5))


@pytest.fixture
def account(db: None) -> PortalAccount:
    return factories.an_account()


@pytest.fixture
def association(account: PortalAccount, patient: Patient) -> Association:
    return factories.an_association(account, patient)


@pytest.fixture
def asked(account: PortalAccount, practice: Practice) -> SelfRegistration:
    return factories.a_self_registration(
        practice, account, "Sofía", "García-López", date(2009, 3, 5), question="Which doctor did you see for the rash?"
    )


def a_registration(patient: Patient, by: User, **fields: Any) -> Registration:
    made = Registration.objects.create(
        practice=patient.practice,
        recipient_key="elena",
        delivery="email",
        digest="-",
        issued_by=by,
        expires_at=timezone.now() + timedelta(days=7),
        form_token=uuid4(),
        **fields,
    )
    made.patients.add(patient)
    return made


Write = Callable[[], OutgoingMessage | None]


@pytest.fixture
def every(
    account: PortalAccount, practice: Practice, association: Association, asked: SelfRegistration
) -> dict[str, Write]:
    """All letters there are, by name."""
    return {
        "access_given": lambda: account_notices.access_given(association=association),
        "access_removed": lambda: account_notices.access_removed(association=association),
        "access_restored": lambda: account_notices.access_restored(association=association),
        "access_ends_soon": lambda: account_notices.access_ends_soon(association=association, on=ENDS_ON),
        "age_limit_coming": lambda: account_notices.age_limit_coming(association=association, on=BIRTHDAY),
        "age_limit_reached": lambda: account_notices.age_limit_reached(association=association),
        "self_registration_received": lambda: account_notices.self_registration_received(
            practice=practice, account=account, who=["Sofía García-López"]
        ),
        "matched": lambda: account_notices.matched(self_registration=asked, association=association),
        "match_refused": lambda: account_notices.match_refused(self_registration=asked),
        "question_asked": lambda: account_notices.question_asked(self_registration=asked),
        "sign_in_reset": lambda: account_notices.sign_in_reset(account=account, practice=practice),
    }


NAMES = [
    "access_given",
    "access_removed",
    "access_restored",
    "access_ends_soon",
    "age_limit_coming",
    "age_limit_reached",
    "self_registration_received",
    "matched",
    "match_refused",
    "question_asked",
    "sign_in_reset",
]


def text_of(write: Write) -> str:
    """What was put into the outbox: subject and text."""
    with transaction.atomic():
        message = write()
    assert message is not None
    content = Content.objects.get(message=message)
    return f"{content.subject}\n\n{content.text}"


def delivered(server: MailServer) -> EmailMessage:
    call_command("deliver", "--once", verbosity=0)
    return server.received[-1]


def test_the_cast_has_every_letter(every: dict[str, Write]) -> None:
    written_here = {
        name
        for name, each in vars(account_notices).items()
        if callable(each) and getattr(each, "__module__", "") == account_notices.__name__ and not name.startswith("_")
    }
    assert set(NAMES) == set(every) == written_here


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_letter_arrives_in_the_accounts_language(
    mail_server: MailServer, every: dict[str, Write], account: PortalAccount, name: str, language: str
) -> None:
    account.language = language
    account.save()
    text_of(every[name])
    mail = delivered(mail_server)
    assert mail["To"] == "elena@families.example"
    assert str(mail["From"]).startswith("Maple Grove Pediatrics <")
    assert mail["Reply-To"] == "hello@maplegrove.example"
    assert str(mail["Subject"]).strip().startswith("Maple Grove Pediatrics: ")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert f'<html lang="{language}">' in html.get_content()
    for said in (plain.get_content(), html.get_content()):
        assert ("Hello Elena García," in said) is (language == "en")
        assert ("Hola, Elena García:" in said) is (language == "es")
        assert "(612) 555-0142" in said
        for blemish in ("..", "None", "{{", "%(", " ,", "\n\n\n\n"):
            assert blemish not in said


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", Practice.NameOnMessages)
def test_no_full_name_no_date_of_birth_and_nothing_sensitive(
    every: dict[str, Write], association: Association, label: Practice.NameOnMessages, name: str
) -> None:
    Practice.objects.update(name_on_messages=label)
    association.patient.practice.refresh_from_db()
    association.end_reason = "A court order of the custody case"
    said = text_of(every[name])
    for secret in ("López", "2009", "March 5", "3/5", "2027", "court", "custody", "rash"):
        assert secret not in said
    message = OutgoingMessage.objects.get()
    html = Content.objects.get(message=message).html or ""
    for secret in ("López", "2009", "2027", "court", "rash", "<img", "<script", "src="):
        assert secret not in html


def test_children_who_were_claimed_together_are_one_letter(
    account: PortalAccount, practice: Practice, patient: Patient, front_desk: User
) -> None:
    brother = factories.a_patient(practice, "Mateo", "García-López")
    registration = a_registration(patient, front_desk, method="pin", recipient_name="Elena García")
    first, _ = (factories.an_association(account, each, registration=registration) for each in (patient, brother))
    said = text_of(lambda: account_notices.access_given(association=first))
    assert "You can now see the record of M.G. and S.G. in our patient portal." in said


def test_a_patients_own_record_is_called_so(association: Association) -> None:
    association.relationship = Association.Relationship.SELF
    assert "You can now see your own record in our patient portal." in text_of(
        lambda: account_notices.access_given(association=association)
    )


def test_limited_access_and_its_last_day_are_told(association: Association) -> None:
    association.level = "limited"
    association.ends_at = datetime(2026, 12, 16, 6, 0, tzinfo=UTC)  # midnight in Minnesota
    said = text_of(lambda: account_notices.access_given(association=association))
    assert "Your access is limited" in said
    assert "December 15, 2026 is the last day of your access." in said


@pytest.mark.parametrize(
    ("at_limit", "before", "after"),
    [
        ("ends", "you can no longer see the record of S.G.", "You can no longer see the record of S.G."),
        ("limited", "your access is limited", "Your access is limited"),
        ("renewal", "your access pauses until you renew it", "Your access pauses until you renew it"),
    ],
)
def test_the_age_limit_is_told_as_the_practice_has_set_it(
    association: Association, at_limit: str, before: str, after: str
) -> None:
    association.patient.practice.at_minor_age_limit = at_limit
    coming = text_of(lambda: account_notices.age_limit_coming(association=association, on=BIRTHDAY))
    assert "S.G. will soon be 18 years old." in coming
    assert before in coming
    reached = text_of(lambda: account_notices.age_limit_reached(association=association))
    assert "S.G. is now 18 years old." in reached
    assert after in reached


@pytest.mark.parametrize("name", NAMES)
def test_who_asked_for_nothing_more_is_told_only_of_changes_that_others_could_have_made(
    every: dict[str, Write], practice: Practice, name: str
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address="elena@families.example", by_name="Dana"
    )
    with transaction.atomic():
        message = every[name]()
    assert (message is not None) is (name in {"access_given", "access_removed", "access_restored", "sign_in_reset"})
    assert OutgoingMessage.objects.exists() is (message is not None)


def test_a_removal_for_a_later_day_is_told_to_everybody(
    association: Association, practice: Practice, front_desk: User
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address="elena@families.example", by_name="Dana"
    )
    association.ended_by = front_desk
    said = text_of(lambda: account_notices.access_ends_soon(association=association, on=ENDS_ON))
    assert "December 15, 2026 is the last day on which you can see the record of S.G." in said


@pytest.mark.parametrize("sent_on", [date(2026, 12, 15), date(2026, 12, 16)])
def test_a_reminder_is_not_sent_when_the_day_is_over(
    mail_server: MailServer, association: Association, sent_on: date
) -> None:
    with time_machine.travel(datetime(2026, 12, 14, 18, tzinfo=UTC), tick=False):
        text_of(lambda: account_notices.access_ends_soon(association=association, on=ENDS_ON))
    with time_machine.travel(datetime(sent_on.year, sent_on.month, sent_on.day, 18, tzinfo=UTC), tick=False):
        call_command("deliver", "--once", verbosity=0)
    assert len(mail_server.received) == (1 if sent_on == ENDS_ON else 0)


@pytest.mark.parametrize(
    ("typed", "told"), [("Sofía García-López", "S.G."), ("S.G.", "S.G."), ("Ana María Cruz", "A.M.C."), ("", "")]
)
def test_of_what_the_family_typed_only_initials_are_told(
    account: PortalAccount, practice: Practice, typed: str, told: str
) -> None:
    said = text_of(lambda: account_notices.self_registration_received(practice=practice, account=account, who=[typed]))
    assert f"For {told}, you asked us" in said


def test_a_letter_that_leads_somewhere_leads_to_the_family_pages(settings: Settings, every: dict[str, Write]) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    leading = {name for name, write in every.items() if "https://portal.example/family/" in text_of(write)}
    assert leading == set(NAMES) - {
        "access_removed",
        "access_ends_soon",
        "age_limit_coming",
        "age_limit_reached",
        "self_registration_received",
        "match_refused",
    }
    links = {link for each in Content.objects.all() for link in re.findall(r'href="(http[^"]*)"', each.html or "")}
    assert links == {"https://portal.example/family/"}


def test_a_link_speaks_the_accounts_language(association: Association, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    association.account.language = "es"
    said = text_of(lambda: account_notices.access_given(association=association))
    assert "Abrir el portal: https://portal.example/family/?lang=es" in said


def test_a_letter_is_owed_only_with_what_it_tells_of(association: Association) -> None:
    with transaction.atomic():
        account_notices.access_removed(association=association)
        transaction.set_rollback(True)
    assert not OutgoingMessage.objects.exists()


def test_an_account_in_a_language_that_is_no_longer_ours_is_written_to_in_english(
    account: PortalAccount, practice: Practice
) -> None:
    account.language = "fr"
    assert "Hello Elena García," in text_of(lambda: account_notices.sign_in_reset(account=account, practice=practice))
