"""Moments that upper floors may listen to; the ground floor knows nobody who does."""

from typing import Final

from django.dispatch import Signal

# The desk is about to read patients' portal statuses: whoever keeps them brings them up to date.
portal_statuses_needed: Final = Signal()

# The worker has a moment: whoever has something to tidy up does it.
worker_idle: Final = Signal()

# Somebody is signed in who works in no practice: whoever knows where this person is at home answers with the address.
home_url_requested: Final = Signal()
