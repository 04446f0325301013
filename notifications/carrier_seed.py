"""The carriers that a new installation knows, as of November 2026. From then on they are the administrator's rows."""

from datetime import date
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.utils import DEFAULT_DB_ALIAS

_ENDED: Final = "ended"
_ENDING: Final = "ending"
_UNVERIFIED: Final = "unverified"

_SEED: Final = [
    # name, gateway, status, ends on, date note, source
    ("AT&T", "txt.att.net", _ENDED, date(2025, 6, 17), "", "The carrier's announcement"),
    ("T-Mobile", "tmomail.net", _ENDED, None, "December 2024 (reported)", "Customers' reports"),
    ("Mint Mobile", "tmomail.net", _ENDED, None, "December 2024 (reported)", "Customers' reports"),
    ("Metro by T-Mobile", "mymetropcs.com", _ENDED, None, "December 2024 (reported)", "Customers' reports"),
    ("Sprint", "messaging.sprintpcs.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Alltel", "message.alltel.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Nextel", "messaging.nextel.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Verizon", "vtext.com", _ENDING, date(2027, 3, 31), "", "The carrier's announcement"),
    ("Xfinity Mobile", "vtext.com", _ENDING, date(2027, 3, 31), "", "Runs on Verizon's gateway"),
    ("Visible", "vtext.com", _ENDING, date(2027, 3, 31), "", "Runs on Verizon's gateway"),
    ("Spectrum Mobile", "vtext.com", _ENDING, date(2027, 3, 31), "", "Runs on Verizon's gateway"),
    ("Page Plus", "vtext.com", _ENDING, date(2027, 3, 31), "", "Runs on Verizon's gateway"),
    ("US Cellular", "email.uscc.net", _UNVERIFIED, None, "", ""),
    ("Cricket", "sms.cricketwireless.net", _UNVERIFIED, None, "", ""),
    ("Boost Mobile", "sms.myboostmobile.com", _UNVERIFIED, None, "", ""),
    ("Google Fi", "msg.fi.google.com", _UNVERIFIED, None, "", ""),
    ("Consumer Cellular", "mailmymobile.net", _UNVERIFIED, None, "", ""),
    ("C Spire", "cspire1.com", _UNVERIFIED, None, "", ""),
]


def seed(sender: AppConfig, *, using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_: Any) -> None:
    """Fills an empty table; where there is a carrier already, the list is the administrator's and stays as it is."""
    try:
        carriers = apps.get_model("notifications", "Carrier").objects.using(using)
    except LookupError:  # migrated back to nothing
        return
    if not carriers.exists():
        for name, gateway, status, ends_on, date_note, source in _SEED:
            carriers.create(
                name=name, gateway=gateway, status=status, ends_on=ends_on, date_note=date_note, source=source
            )
