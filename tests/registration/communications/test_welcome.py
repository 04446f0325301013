"""The welcome email and text: they have what a family needs, and no personal data beyond that."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone, translation
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from notifications.models import Content
from patients.models import Patient
from portal.models import Practice
from registration.communications import languages, welcome_sms
from registration.communications.welcome import Welcome, enqueue_welcome, start_url, welcome_email, welcome_text
from registration.pins import Pin
from registration.values import ByEmail, Refused
from tests import factories

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
    language: str = "en",
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
        language=language,
    )


def an_offer(language: str = "en") -> Welcome:
    return replace(a_welcome(language=language), pin=None)


def test_email_has_what_a_family_needs(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.maplegrove.example"
    mail = welcome_email(a_welcome())
    for part in (mail.text, mail.html):
        assert "Maple Grove Pediatrics" in part
        assert "K7QF-2M9T-XB4C" in part
        assert "https://portal.maplegrove.example/start/" in part
        assert "Monday, November 30, 2026, 3:15 PM" in part
        assert "(612) 555-0142" in part
        assert "Not meant for you?" in part
        assert "S.G." in part
        assert "S.G.." not in part
    assert "K7QF" not in mail.subject


def test_time_is_in_the_practice_time_zone() -> None:
    with timezone.override("Asia/Tokyo"):
        assert "3:15 PM" in welcome_email(a_welcome()).text


@pytest.mark.parametrize("label", Practice.NameOnMessages)
@pytest.mark.parametrize("language", ["en", "es"])
def test_messages_have_no_full_name_or_birth_date(label: Practice.NameOnMessages, language: str) -> None:
    welcome = a_welcome(language=language)
    welcome.practice.name_on_messages = label
    mail = welcome_email(welcome)
    everything = mail.subject + mail.text + mail.html + welcome_text(welcome)
    assert "López" not in everything
    assert "2019" not in everything
    assert ("Sofía" in everything) is (label == Practice.NameOnMessages.FIRST_NAME)


def test_email_loads_nothing_from_elsewhere() -> None:
    html = welcome_email(a_welcome()).html
    for tag in ("<img", "<script", "<link", "url(", "src="):
        assert tag not in html
    assert "prefers-color-scheme: dark" in html


def test_markup_in_a_name_is_escaped() -> None:
    html = welcome_email(a_welcome(given_names="<script>alert(1)</script>")).html
    assert "<script" not in html


def test_question_link_has_the_token_in_the_fragment() -> None:
    mail = welcome_email(a_welcome(token="t" * 22))
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
def test_text_fits_into_one_gsm_7_message(
    settings: Settings, short_name: str, given_names: str, family: str, label: str, token: str | None
) -> None:
    settings.PUBLIC_URL = "https://portal.maplegrovepediatrics.example"
    practice = Practice(name="x", short_name=short_name, phone="+16125550142", name_on_messages=label)
    text = welcome_text(a_welcome(practice, given_names=given_names, family=family, token=token))
    assert set(text) <= GSM_7
    assert len(text) <= welcome_sms.MAX_LENGTH
    assert "(612) 555-0142" in text
    assert ("K7QF-2M9T-XB4C" in text) is (token is None)
    assert re.search("Nov 30,? 3:15 ?PM", text)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    short_name=st.from_regex(r"[A-Za-z0-9 .,'&-]{1,30}", fullmatch=True),
    given_names=st.text(min_size=1, max_size=80),
    key=st.sampled_from(["pin", "token", "account"]),
    until=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_spanish_text_fits_into_one_message_of_plain_letters(
    settings: Settings, short_name: str, given_names: str, key: str, until: datetime
) -> None:
    settings.PUBLIC_URL = "https://portal.maplegrovepediatrics.example"
    practice = Practice(name="x", short_name=short_name, phone="+16125550142", name_on_messages="first_name")
    welcome = a_welcome(practice, given_names=given_names, token="t" * 22 if key == "token" else None, language="es")
    text = welcome_text(replace(welcome, expires_at=until, pin=welcome.pin if key == "pin" else None))
    assert text.isascii()
    assert len(text) <= welcome_sms.MAX_LENGTH
    assert "(612) 555-0142" in text
    assert "Call" not in text
    assert ("K7QF-2M9T-XB4C" in text) is (key == "pin")
    assert ("#q=" + "t" * 22 in text) is (key == "token")


@pytest.mark.parametrize("host", ["a.example", "portal.maplegrove.example", "portal.maplegrovepediatrics.example"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_wording_of_a_text_has_two_periods_in_a_row(settings: Settings, host: str, language: str) -> None:
    settings.PUBLIC_URL = f"https://{host}"
    welcomes = [a_welcome(language=language), a_welcome(token="t" * 22, language=language), an_offer(language)]
    for welcome in welcomes:
        text = welcome_text(welcome)
        assert ".." not in text
        assert ". ," not in text
        if language == "es":  # plain letters have no "¿", so there must be no question
            assert "?" not in text.replace("/?lang=es", "")


def test_spanish_text_includes_the_language_if_there_is_room(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    welcome = a_welcome(language="es")
    assert welcome_text(welcome) == (
        "Maple Grove Peds: PIN K7QF-2M9T-XB4C para S.G., vence el 30 nov, 3:15 p. m.: https://portal.example/start/?lang=es "
        "Dudas: (612) 555-0142"
    )
    welcome.practice.short_name = "Maple Grove Peds and Families"
    settings.PUBLIC_URL = "https://portal.maplegrovepediatrics.example"
    assert welcome_text(welcome) == (
        "Maple Grove Peds and Families: PIN K7QF-2M9T-XB4C vence 30 nov 3:15PM "
        "https://portal.maplegrovepediatrics.example/start/ (612) 555-0142"
    )


@pytest.mark.parametrize("token", [None, "t" * 22])
def test_email_is_in_the_family_language_not_the_active_one(settings: Settings, token: str | None) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    mail = welcome_email(a_welcome(token=token, language="es"))
    assert mail.subject == "Maple Grove Pediatrics: configure su acceso al portal"
    for part in (mail.text, mail.html):
        assert "Hola, Elena García:" in part
        assert "lunes 30 de noviembre de 2026, 3:15 p. m." in part
        assert "¿No es para usted?" in part
        assert "https://portal.example/start/?lang=es" in part
        assert "S.G.." not in part
    assert '<html lang="es">' in mail.html
    assert ("/start/?lang=es#q=" + token if token else "/start/?lang=es#pin=K7QF2M9TXB4C") in mail.html
    with translation.override("es"):
        assert '<html lang="en">' in welcome_email(a_welcome(token=token)).html


@pytest.mark.django_db
def test_link_includes_the_practice_if_there_are_several() -> None:
    maple = factories.a_practice()
    assert start_url("en", maple).endswith("/start/")
    factories.a_practice("Harbor Street")
    assert start_url("en", maple).endswith("/start/?practice=maple-grove-pediatrics")
    assert start_url("es", maple).endswith("/start/?lang=es&practice=maple-grove-pediatrics")
    welcome = a_welcome(maple, language="es")
    assert welcome.link.endswith("/start/?lang=es&practice=maple-grove-pediatrics#pin=K7QF2M9TXB4C")
    assert "practice=" not in welcome_text(welcome)


def test_offer_has_no_secret_and_links_to_the_account(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    mail = welcome_email(an_offer())
    for part in (mail.text, mail.html, welcome_text(an_offer())):
        assert "https://portal.example/family/" in part
        assert "#" not in re.sub(r"<style>.*</style>", "", part, flags=re.DOTALL)
        assert "None" not in part
        assert "PIN" not in part
    assert "add S.G. to it" in mail.text
    assert mail.subject == "Maple Grove Pediatrics: please confirm in your portal account"
    assert "agregar a S.G. a esa cuenta" in welcome_email(an_offer("es")).text


def test_offer_is_enqueued_with_its_expiry(practice: Practice, patient: Patient) -> None:
    offer = replace(an_offer(), practice=practice, patients=[patient])
    with transaction.atomic():
        message = enqueue_welcome(offer, ByEmail("elena@families.example"))
    assert message is not None
    assert message.valid_until == UNTIL
    assert "/family/" in Content.objects.get(message=message).text


@pytest.mark.parametrize(
    ("tag", "language"),
    [("es", "es"), ("es-MX", "es"), ("ES_419", "es"), ("en-US", "en"), ("hmn", "en"), ("est", "en"), ("", "en")],
)
def test_language_tag_maps_to_an_available_language(tag: str, language: str) -> None:
    assert languages.best_match(tag) == language


@pytest.mark.parametrize(
    ("hour", "english", "spanish"),
    [
        (0, "November 28, 2026, 12:26 AM", "28 de noviembre de 2026, 12:26 a. m."),
        (3, "November 28, 2026, 3:26 AM", "28 de noviembre de 2026, 3:26 a. m."),
        (12, "November 28, 2026, 12:26 PM", "28 de noviembre de 2026, 12:26 p. m."),
        (15, "November 28, 2026, 3:26 PM", "28 de noviembre de 2026, 3:26 p. m."),
    ],
)
def test_time_is_written_as_the_language_does(hour: int, english: str, spanish: str) -> None:
    at = datetime(2026, 11, 28, hour, 26, tzinfo=UTC)
    assert languages.format_moment(at, ZoneInfo("UTC")) == f"Saturday, {english}"
    with translation.override("es"):
        assert languages.format_moment(at, ZoneInfo("UTC")) == f"sábado {spanish}"


@pytest.mark.parametrize("language", ["en", "es"])
def test_shortest_time_has_at_most_14_characters(language: str) -> None:
    with translation.override(language):
        for month in range(1, 13):
            at = datetime(2026, month, 28, 22, 59, tzinfo=UTC)
            assert len(languages.format_shortest_moment(at, ZoneInfo("UTC"))) <= 14


@pytest.mark.parametrize(
    ("names", "spanish"),
    [
        (["Ana"], "Ana"),
        (["Ana", "Mateo"], "Ana y Mateo"),
        (["Ana", "Mateo", "Inés"], "Ana, Mateo e Inés"),
        (["A.G.", "I.G."], "A.G. e I.G."),
        (["Ana", "Hilda"], "Ana e Hilda"),
        (["Ana", "Hiedra"], "Ana y Hiedra"),
        ([], ""),
    ],
)
def test_names_are_joined_as_the_language_does(names: list[str], spanish: str) -> None:
    with translation.override("es"):
        assert languages.join(names) == spanish
    assert languages.join(names) == spanish.replace(" y ", " and ").replace(" e ", " and ")


def test_text_is_refused_if_even_the_shortest_wording_is_too_long() -> None:
    welcome = a_welcome()
    welcome.practice.short_name = "x" * 130
    with pytest.raises(Refused, match="too long for a text message"):
        welcome_text(welcome)
