"""What `manage.py check`, and every start, warns an operator about."""

from typing import Any

from django.conf import settings
from django.core import checks


def listen() -> None:
    checks.register(check_tls_termination)


def check_tls_termination(**_: Any) -> list[checks.CheckMessage]:
    """gunicorn, as we run it, speaks plain http, so with https somebody stands before it."""
    if not settings.HTTPS or settings.BEHIND_PROXY:
        return []
    return [
        checks.Warning(
            "PUBLIC_URL is https, and the web server itself speaks no TLS: it will redirect every request for ever.",
            hint="Set BEHIND_PROXY=True, and have the TLS proxy set X-Forwarded-Proto and X-Forwarded-For.",
            id="portal.W001",
        )
    ]
