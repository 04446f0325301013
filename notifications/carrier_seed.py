"""The carriers of a new installation, as of November 2026. Administrators edit the list afterward in the admin.

To add a carrier to every new installation, add a line to `_SEED`.
"""

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
    ("AT&T", "txt.att.net", _ENDED, date(2025, 6, 17), "", "Carrier announcement"),
    ("T-Mobile", "tmomail.net", _ENDED, None, "December 2024 (reported)", "Customer reports"),
    ("Mint Mobile", "tmomail.net", _ENDED, None, "December 2024 (reported)", "Customer reports"),
    ("Metro by T-Mobile", "mymetropcs.com", _ENDED, None, "December 2024 (reported)", "Customer reports"),
    ("Sprint", "messaging.sprintpcs.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Alltel", "message.alltel.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Nextel", "messaging.nextel.com", _ENDED, None, "", "The domain has no DNS entry"),
    ("Verizon", "vtext.com", _ENDING, date(2027, 3, 31), "", "Carrier announcement"),
    ("Xfinity Mobile", "vtext.com", _ENDING, date(2027, 3, 31), "", "Uses Verizon’s gateway"),
    ("Visible", "vtext.com", _ENDING, date(2027, 3, 31), "", "Uses Verizon’s gateway"),
    ("Spectrum Mobile", "vtext.com", _ENDING, date(2027, 3, 31), "", "Uses Verizon’s gateway"),
    ("Page Plus", "vtext.com", _ENDING, date(2027, 3, 31), "", "Uses Verizon’s gateway"),
    ("US Cellular", "email.uscc.net", _UNVERIFIED, None, "", ""),
    ("Cricket", "sms.cricketwireless.net", _UNVERIFIED, None, "", ""),
    ("Boost Mobile", "sms.myboostmobile.com", _UNVERIFIED, None, "", ""),
    ("Google Fi", "msg.fi.google.com", _UNVERIFIED, None, "", ""),
    ("Consumer Cellular", "mailmymobile.net", _UNVERIFIED, None, "", ""),
    ("C Spire", "cspire1.com", _UNVERIFIED, None, "", ""),
]


def seed(sender: AppConfig, *, using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_: Any) -> None:
    """Fill the carrier table if it is empty. A list that exists belongs to the administrator, so leave it unchanged."""
    try:
        carriers = apps.get_model("notifications", "Carrier").objects.using(using)
    except LookupError:  # the migration that creates the table was reversed
        return
    if not carriers.exists():
        for name, gateway, status, ends_on, date_note, source in _SEED:
            carriers.create(
                name=name, gateway=gateway, status=status, ends_on=ends_on, date_note=date_note, source=source
            )
