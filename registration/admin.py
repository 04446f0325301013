"""Admin for verification questions. Registrations are read-only here: staff issue and revoke them at the front desk."""

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
        "message", "state", "issued_at", "issued_by", "expires_at", "ended_at", "ended_by", "end_code", "end_reason",
    )  # fmt: skip
