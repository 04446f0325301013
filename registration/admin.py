"""Registrations can be looked at, never edited: they are issued and revoked at the desk. Secrets are shown nowhere."""

from django.contrib import admin

from portal.admin import PortalAdmin, ReadOnlyAdmin
from registration.models import Registration, VerificationQuestion


@admin.register(VerificationQuestion)
class VerificationQuestionAdmin(PortalAdmin):
    list_display = ("text", "practice", "position", "active")
    list_filter = ("practice", "active")


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin):
    list_display = ("issued_at", "practice", "recipient_name", "method", "delivery", "state", "issued_by", "expires_at")
    list_filter = ("state", "method", "delivery", "practice")
    date_hierarchy = "issued_at"
    fields = (
        "id", "practice", "patients", "recipient_name", "recipient_relationship", "method", "question", "delivery",
        "message", "state", "issued_at", "issued_by", "expires_at", "ended_at", "ended_by", "end_reason",
    )  # fmt: skip
