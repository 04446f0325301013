"""Signals through which `portal` and other lower apps call the apps above them, which they cannot import."""

from typing import Final

from django.dispatch import Signal

# Sent before patients' portal statuses are read. Receivers bring them up to date.
portal_statuses_needed: Final = Signal()

# Sent when the delivery worker has nothing to send. Receivers run their periodic jobs.
worker_idle: Final = Signal()

# Sent when a signed-in user works in no practice. A receiver that knows the user's home page returns its URL.
home_url_requested: Final = Signal()
