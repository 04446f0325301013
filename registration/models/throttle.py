"""Attempt counters and email codes. They are in the database so that all servers share them and a restart keeps them."""

import uuid

from django.db import models
from django.utils import timezone


class AttemptCounter(models.Model):
    """The number of attempts since a certain time. `registration.claiming.rate_limits` sets the limits."""

    key = models.CharField(primary_key=True, max_length=80)
    since = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.key


class EmailCode(models.Model):
    """A six-digit code that proves who owns an email address. Only the code's hash is stored.

    The code works only once, before it expires, and allows a limited number of attempts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.CharField(max_length=254)
    digest = models.CharField(max_length=200, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("address", "created_at"), name="code_by_address"),)

    def __str__(self) -> str:
        return f"Code of {self.created_at:%Y-%m-%d %H:%M}"
