"""Admin pages for carriers (editable) and outgoing messages (read-only, without their content)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from notifications.models import Carrier, DeliveryEvent, OutgoingMessage
from portal.admin import PortalAdmin, ReadOnlyAdmin
from portal.form_messages import StaffModelForm


@admin.register(Carrier)
class CarrierAdmin(PortalAdmin):
    list_display = ("name", "gateway", "status", "ends_on", "verified_on")
    list_filter = ("status",)
    search_fields = ("name", "gateway")


class DeliveryEventInline(admin.TabularInline[DeliveryEvent, OutgoingMessage]):
    model = DeliveryEvent
    form = StaffModelForm
    extra = 0
    fields = readonly_fields = ("at", "kind", "detail")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "practice", "channel", "shown_recipient", "state", "attempts", "outcome")
    list_filter = ("state", "channel", "practice")
    search_fields = ("=shown_recipient",)
    show_full_result_count = False
    inlines = (DeliveryEventInline,)
    fields = (
        "id", "practice", "channel", "recipient", "shown_recipient", "sender_name", "reply_to",
        "state", "attempts", "due_at", "valid_until", "outcome", "created_at", "finished_at",
    )  # fmt: skip
