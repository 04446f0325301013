"""What a family is told: enough, and nothing that does not belong into a message."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from patients.models import Patient
from portal.models import Practice
from registration import messages
from registration.messages import Welcome
from registration.pins import Pin
from registration.rules import Refused

GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
PIN = Pin("K7QF2M9TXB4C")
UNTIL = datetime(2026, 11, 30, 21, 15, tzinfo=UTC)


def a_welcome(
    practice: Practice | None = None,
    *,
    token: str | None = None,
    given_names: str = "Sofía",
    family: str = "García-López",
) -> Welcome:
    practice = practice or Practice(
        name="Maple Grove Pediatrics",
        short_name="Maple Grove Peds",
        phone="+16125550142",
        email="hello@maplegrove.example",
    )
    patient = Patient(given_names=given_names, family_name=family, birth_date=date(2019, 3, 5))
    return Welcome(
        practice=practice,
        patients=[patient],
        recipient_name="Elena García",
        pin=None if token else PIN,
        token=token,
        question="First pet?" if token else "",
        expires_at=UNTIL,
    )


def test_the_mail_has_all_that_a_family_needs(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.maplegrove.example"
    mail = messages.welcome_email(a_welcome())
    for part in (mail.text, mail.html):
        assert "Maple Grove Pediatrics" in part
        assert "K7QF-2M9T-XB4C" in part
        assert "https://portal.maplegrove.example/start/" in part
        assert "Monday, November 30, 2026, 3:15 PM" in part
        assert "(612) 555-0142" in part
        assert "not meant for you" in part
        assert "S.G." in part
        assert "S.G.." not in part
    assert "K7QF" not in mail.subject


def test_the_time_is_the_practices_whatever_zone_is_active() -> None:
    with timezone.override("Asia/Tokyo"):
        assert "3:15 PM" in messages.welcome_email(a_welcome()).text


@pytest.mark.parametrize("label", Practice.NameOnMessages)
def test_no_full_name_and_no_date_of_birth(label: Practice.NameOnMessages) -> None:
    welcome = a_welcome()
    welcome.practice.name_on_messages = label
    mail = messages.welcome_email(welcome)
    everything = mail.subject + mail.text + mail.html + messages.welcome_text(welcome)
    assert "López" not in everything
    assert "2019" not in everything
    assert ("Sofía" in everything) is (label == Practice.NameOnMessages.FIRST_NAME)


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = messages.welcome_email(a_welcome()).html
    for tag in ("<img", "<script", "<link", "url(", "src="):
        assert tag not in html
    assert "prefers-color-scheme: dark" in html


def test_a_hostile_name_is_only_a_name() -> None:
    html = messages.welcome_email(a_welcome(given_names="<script>alert(1)</script>")).html
    assert "<script" not in html


def test_the_link_of_a_question_holds_the_token_in_the_fragment() -> None:
    mail = messages.welcome_email(a_welcome(token="t" * 22))
    assert f"/start/#q={'t' * 22}" in mail.text
    assert f"/start/#q={'t' * 22}" in mail.html
    assert "First pet?" in mail.text


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    short_name=st.from_regex(r"[A-Za-z0-9 .,'&-]{1,30}", fullmatch=True),
    given_names=st.text(min_size=1, max_size=80),
    family=st.text(max_size=80),
    label=st.sampled_from(list(Practice.NameOnMessages)),
    token=st.sampled_from([None, "t" * 22]),
)
def test_a_text_is_one_part_of_gsm_7(
    settings: Settings, short_name: str, given_names: str, family: str, label: str, token: str | None
) -> None:
    settings.PUBLIC_URL = "https://portal.maplegrovepediatrics.example"
    practice = Practice(name="x", short_name=short_name, phone="+16125550142", name_on_messages=label)
    text = messages.welcome_text(a_welcome(practice, given_names=given_names, family=family, token=token))
    assert set(text) <= GSM_7
    assert len(text) <= 140
    assert "(612) 555-0142" in text
    assert ("K7QF-2M9T-XB4C" in text) is (token is None)
    assert "11/30 3:15PM" in text


def test_an_address_that_is_too_long_for_a_text_is_told() -> None:
    welcome = a_welcome()
    welcome.practice.short_name = "x" * 130
    with pytest.raises(Refused, match="too long for a text message"):
        messages.welcome_text(welcome)
