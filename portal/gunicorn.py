"""Configure gunicorn: `python -m gunicorn --config python:portal.gunicorn`."""

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
threads = 4  # per worker; with 8, the slowest of 32 simultaneous clients waited three times as long
preload_app = True
timeout = 60  # seconds until a silent worker is restarted
graceful_timeout = 20  # seconds that running requests get to finish when the server stops
keepalive = 5
control_socket_disable = True

loglevel = "warning" if settings.DEMO else "info"
accesslog = "-" if environment.switch("ACCESS_LOG") else None
# No query string and no referrer, because a search contains a patient's name.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'


def on_starting(_server: Any) -> None:
    """Import all views and WeasyPrint before the port opens, once for all workers. This takes a second."""
    import_module("weasyprint")
    import_module(settings.ROOT_URLCONF)


def when_ready(_server: Any) -> None:
    print(f"Open {settings.PUBLIC_URL}/", flush=True)  # noqa: T201 - shown in the terminal
