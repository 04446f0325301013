"""How gunicorn serves the portal: `python -m gunicorn --config python:portal.gunicorn`."""

import os
from importlib import import_module
from typing import Any

from django.conf import settings

from portal import environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

wsgi_app = "portal.wsgi"
bind = f"[{settings.HOST}]:{settings.PORT}" if ":" in settings.HOST else f"{settings.HOST}:{settings.PORT}"
worker_class = "gthread"
workers = environment.number("WEB_WORKERS", default=1 if settings.DEMO else 2)
threads = 4  # each; with 8 of them 32 clients at once waited longer, the last ones three times as long
preload_app = True
timeout = 60  # seconds without a sign of life from a worker
graceful_timeout = 20  # seconds that a request at work may still take when the server stops
keepalive = 5
control_socket_disable = True

loglevel = "warning" if settings.DEMO else "info"
accesslog = "-" if environment.switch("ACCESS_LOG") else None
# Neither the query string nor the referer: what was searched for names a patient.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'


def on_starting(_server: Any) -> None:
    """Imports every view, and WeasyPrint with its second, once for all workers: before the port opens."""
    import_module("weasyprint")
    import_module(settings.ROOT_URLCONF)


def when_ready(_server: Any) -> None:
    print(f"Open {settings.PUBLIC_URL}/", flush=True)  # noqa: T201 - for the person at the terminal
