"""Sealed text is encrypted in the database and plain in Python."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection, transaction
from pytest_django import Settings

from notifications import outbox
from notifications.models import Content
from portal import sealing


def test_older_key_still_decrypts_what_it_encrypted(settings: Settings) -> None:
    sealed = sealing.seal("K7QF2M9TXB4C")
    settings.SEALING_KEYS = [Fernet.generate_key().decode(), *settings.SEALING_KEYS]
    assert sealing.unseal(sealed) == "K7QF2M9TXB4C"
    settings.SEALING_KEYS = settings.SEALING_KEYS[:1]
    with pytest.raises(ValueError, match="SEALING_KEYS"):
        sealing.unseal(sealed)


@pytest.mark.django_db
def test_sealed_column_is_unreadable_and_cannot_be_searched() -> None:
    with transaction.atomic():
        message = outbox.enqueue(
            practice=None,
            channel="email",
            recipient="a@b.example",
            shown_recipient="",
            sender_name="",
            subject="",
            text="Réx 🐾",
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM notifications_content")
        assert "Réx" not in cursor.fetchone()[0]
    assert Content.objects.get(message=message).text == "Réx 🐾"
    with pytest.raises(FieldError):
        Content.objects.filter(text="Réx 🐾").exists()
    assert Content.objects.filter(text__isnull=False).exists()
