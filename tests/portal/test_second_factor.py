"""Second factors keep working when the sealing keys change."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import encrypt
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.models import User
from tests import factories

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW = "nwcCsvcQxGlYOmSbyGuX4XfL1SkhsHNWdGfpYeDLuok="


def totp_works(user: User) -> bool:
    code = format_hotp_value(hotp_value(SECRET, next(yield_hotp_counters_from_time())))
    totp: bool = Authenticator.objects.get(user=user, type="totp").wrap().validate_code(code)
    return totp


@pytest.fixture
def codes(front_desk: User) -> list[str]:
    """Return the recovery codes of the front desk user, who also has an authenticator app."""
    TOTP.activate(front_desk, SECRET)
    unused: list[str] = RecoveryCodes.activate(front_desk).get_unused_codes()
    return unused


def test_old_key_is_not_needed_after_reseal(front_desk: User, codes: list[str], settings: Settings) -> None:
    settings.SEALING_KEYS = [NEW, *settings.SEALING_KEYS]
    call_command("reseal")
    settings.SEALING_KEYS = [NEW]
    assert totp_works(front_desk)
    assert Authenticator.objects.get(user=front_desk, type="recovery_codes").wrap().get_unused_codes() == codes


def test_migrated_recovery_codes_are_resealed(front_desk: User, settings: Settings) -> None:
    data = {"migrated_codes": [encrypt("abc-1"), encrypt("abc-2")]}
    Authenticator.objects.create(user=front_desk, type="recovery_codes", data=data)
    settings.SEALING_KEYS = [NEW, *settings.SEALING_KEYS]
    call_command("reseal")
    settings.SEALING_KEYS = [NEW]
    assert Authenticator.objects.get(user=front_desk).wrap().get_unused_codes() == ["abc-1", "abc-2"]


def test_second_reseal_changes_nothing(
    front_desk: User, codes: list[str], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SEALING_KEYS = [NEW, *settings.SEALING_KEYS]
    call_command("reseal")
    assert "2 second factors" in capsys.readouterr().out
    before = list(Authenticator.objects.order_by("pk").values())
    call_command("reseal")
    assert "0 second factors" in capsys.readouterr().out
    assert list(Authenticator.objects.order_by("pk").values()) == before


def test_reseal_leaves_passkeys_unchanged(front_desk: User) -> None:
    data = {"name": "Front desk's key", "credential": {"id": "x"}}
    Authenticator.objects.create(user=front_desk, type="webauthn", data=data)
    call_command("reseal")
    assert Authenticator.objects.get().data == data


def test_undecryptable_factor_is_reported_and_the_others_are_resealed(
    front_desk: User, codes: list[str], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = settings.SEALING_KEYS
    settings.SEALING_KEYS = [Fernet.generate_key().decode()]
    lost = factories.a_member(None, email="lost@maplegrove.example")
    TOTP.activate(lost, SECRET)
    settings.SEALING_KEYS = [NEW, *before]
    with pytest.raises(CommandError, match="1 second factor "):
        call_command("reseal")
    assert "lost@maplegrove.example" in capsys.readouterr().err
    settings.SEALING_KEYS = [NEW]
    assert totp_works(front_desk)
