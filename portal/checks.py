"""Warnings for operators, shown by `manage.py check` and at every start."""

from typing import Any

from django.conf import settings
from django.core import checks


def listen() -> None:
    checks.register(check_tls_termination)


def check_tls_termination(**_: Any) -> list[checks.CheckMessage]:
    """Warn if PUBLIC_URL is https but no proxy terminates TLS, because our gunicorn only speaks plain HTTP."""
    if not settings.HTTPS or settings.BEHIND_PROXY:
        return []
    return [
        checks.Warning(
            "PUBLIC_URL is https, but the web server does not speak TLS, so it will redirect every request forever.",
            hint="Put it behind a TLS proxy that sets X-Forwarded-Proto and X-Forwarded-For, and set BEHIND_PROXY=True.",
            id="portal.W001",
        )
    ]
