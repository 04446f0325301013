"""Notices about an account: they are in the family's language and contain nothing sensitive."""

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
def self_registration(account: PortalAccount, practice: Practice) -> SelfRegistration:
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
def notices(
    account: PortalAccount, practice: Practice, association: Association, self_registration: SelfRegistration
) -> dict[str, Write]:
    """Return every notice by name."""
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
        "matched": lambda: account_notices.matched(self_registration=self_registration, association=association),
        "match_refused": lambda: account_notices.match_refused(self_registration=self_registration),
        "question_asked": lambda: account_notices.question_asked(self_registration=self_registration),
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


def enqueue_and_read(write: Write) -> str:
    """Enqueue a notice and return its subject and text."""
    with transaction.atomic():
        message = write()
    assert message is not None
    content = Content.objects.get(message=message)
    return f"{content.subject}\n\n{content.text}"


def delivered(server: MailServer) -> EmailMessage:
    call_command("deliver", "--once", verbosity=0)
    return server.received[-1]


def test_these_tests_cover_every_notice(notices: dict[str, Write]) -> None:
    defined = {
        name
        for name, member in vars(account_notices).items()
        if callable(member)
        and getattr(member, "__module__", "") == account_notices.__name__
        and not name.startswith("_")
    }
    assert set(NAMES) == set(notices) == defined


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_notice_arrives_in_the_account_language(
    mail_server: MailServer, notices: dict[str, Write], account: PortalAccount, name: str, language: str
) -> None:
    account.language = language
    account.save()
    enqueue_and_read(notices[name])
    mail = delivered(mail_server)
    assert mail["To"] == "elena@families.example"
    assert str(mail["From"]).startswith("Maple Grove Pediatrics <")
    assert mail["Reply-To"] == "hello@maplegrove.example"
    assert str(mail["Subject"]).strip().startswith("Maple Grove Pediatrics: ")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert f'<html lang="{language}">' in html.get_content()
    for text in (plain.get_content(), html.get_content()):
        assert ("Hello Elena García," in text) is (language == "en")
        assert ("Hola, Elena García:" in text) is (language == "es")
        assert "(612) 555-0142" in text
        for blemish in ("..", "None", "{{", "%(", " ,", "\n\n\n\n"):
            assert blemish not in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", Practice.NameOnMessages)
def test_notice_has_no_full_name_birth_date_or_reason(
    notices: dict[str, Write], association: Association, label: Practice.NameOnMessages, name: str
) -> None:
    Practice.objects.update(name_on_messages=label)
    association.patient.practice.refresh_from_db()
    association.end_reason = "A court order of the custody case"
    text = enqueue_and_read(notices[name])
    for secret in ("López", "2009", "March 5", "3/5", "2027", "court", "custody", "rash"):
        assert secret not in text
    message = OutgoingMessage.objects.get()
    html = Content.objects.get(message=message).html or ""
    for secret in ("López", "2009", "2027", "court", "rash", "<img", "<script", "src="):
        assert secret not in html


def test_children_claimed_together_share_one_notice(
    account: PortalAccount, practice: Practice, patient: Patient, front_desk: User
) -> None:
    brother = factories.a_patient(practice, "Mateo", "García-López")
    registration = a_registration(patient, front_desk, method="pin", recipient_name="Elena García")
    first, _ = (factories.an_association(account, child, registration=registration) for child in (patient, brother))
    text = enqueue_and_read(lambda: account_notices.access_given(association=first))
    assert "You can now see the health records of M.G. and S.G. in our patient portal." in text


def test_notice_to_a_patient_mentions_their_own_record(association: Association) -> None:
    association.relationship = Association.Relationship.SELF
    assert "You can now see your own health records in our patient portal." in enqueue_and_read(
        lambda: account_notices.access_given(association=association)
    )


def test_notice_of_access_mentions_limits_and_the_last_day(association: Association) -> None:
    association.level = "limited"
    association.ends_at = datetime(2026, 12, 16, 6, 0, tzinfo=UTC)  # midnight in Minnesota
    text = enqueue_and_read(lambda: account_notices.access_given(association=association))
    assert "Your access is limited" in text
    assert "Your last day of access is December 15, 2026." in text


@pytest.mark.parametrize(
    ("at_limit", "before", "after"),
    [
        (
            "ends",
            "you will no longer be able to see the health records of S.G.",
            "You can no longer see the health records of S.G.",
        ),
        ("limited", "your access will be limited", "Your access is limited"),
        ("renewal", "your access will be paused until you renew it", "Your access is paused until you renew it"),
    ],
)
def test_age_limit_notice_follows_the_practice_setting(
    association: Association, at_limit: str, before: str, after: str
) -> None:
    association.patient.practice.at_minor_age_limit = at_limit
    coming = enqueue_and_read(lambda: account_notices.age_limit_coming(association=association, on=BIRTHDAY))
    assert "S.G. will be 18 years old soon." in coming
    assert before in coming
    reached = enqueue_and_read(lambda: account_notices.age_limit_reached(association=association))
    assert "S.G. is now 18 years old." in reached
    assert after in reached


@pytest.mark.parametrize("name", NAMES)
def test_suppressed_address_gets_only_mandatory_notices(
    notices: dict[str, Write], practice: Practice, name: str
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address="elena@families.example", by_name="Dana"
    )
    with transaction.atomic():
        message = notices[name]()
    assert (message is not None) is (name in {"access_given", "access_removed", "access_restored", "sign_in_reset"})
    assert OutgoingMessage.objects.exists() is (message is not None)


def test_scheduled_removal_is_reported_to_a_suppressed_address(
    association: Association, practice: Practice, front_desk: User
) -> None:
    SuppressedAddress.objects.create(
        practice=practice, channel=Channel.EMAIL, address="elena@families.example", by_name="Dana"
    )
    association.ended_by = front_desk
    text = enqueue_and_read(lambda: account_notices.access_ends_soon(association=association, on=ENDS_ON))
    assert "December 15, 2026 is the last day you can see the health records of S.G." in text


@pytest.mark.parametrize("sent_on", [date(2026, 12, 15), date(2026, 12, 16)])
def test_reminder_is_not_sent_after_the_last_day(
    mail_server: MailServer, association: Association, sent_on: date
) -> None:
    with time_machine.travel(datetime(2026, 12, 14, 18, tzinfo=UTC), tick=False):
        enqueue_and_read(lambda: account_notices.access_ends_soon(association=association, on=ENDS_ON))
    with time_machine.travel(datetime(sent_on.year, sent_on.month, sent_on.day, 18, tzinfo=UTC), tick=False):
        call_command("deliver", "--once", verbosity=0)
    assert len(mail_server.received) == (1 if sent_on == ENDS_ON else 0)


@pytest.mark.parametrize(
    ("typed", "initials"), [("Sofía García-López", "S.G."), ("S.G.", "S.G."), ("Ana María Cruz", "A.M.C."), ("", "")]
)
def test_names_typed_by_the_family_are_reduced_to_initials(
    account: PortalAccount, practice: Practice, typed: str, initials: str
) -> None:
    text = enqueue_and_read(
        lambda: account_notices.self_registration_received(practice=practice, account=account, who=[typed])
    )
    assert f"your request for {initials} with our records" in text


def test_notice_links_lead_to_the_family_pages(settings: Settings, notices: dict[str, Write]) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    linking = {name for name, write in notices.items() if "https://portal.example/family/" in enqueue_and_read(write)}
    assert linking == set(NAMES) - {
        "access_removed",
        "access_ends_soon",
        "age_limit_coming",
        "age_limit_reached",
        "self_registration_received",
        "match_refused",
    }
    links = {
        link for content in Content.objects.all() for link in re.findall(r'href="(http[^"]*)"', content.html or "")
    }
    assert links == {"https://portal.example/family/"}


def test_link_has_the_account_language(association: Association, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    association.account.language = "es"
    text = enqueue_and_read(lambda: account_notices.access_given(association=association))
    assert "Abrir el portal: https://portal.example/family/?lang=es" in text


def test_notice_is_rolled_back_with_its_change(association: Association) -> None:
    with transaction.atomic():
        account_notices.access_removed(association=association)
        transaction.set_rollback(True)
    assert not OutgoingMessage.objects.exists()


def test_unavailable_language_falls_back_to_english(account: PortalAccount, practice: Practice) -> None:
    account.language = "fr"
    assert "Hello Elena García," in enqueue_and_read(
        lambda: account_notices.sign_in_reset(account=account, practice=practice)
    )
