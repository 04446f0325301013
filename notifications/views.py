"""The demo mailbox, which shows each message as the family would receive it. This page exists only in the demo."""

import base64
import hashlib
import re

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from notifications import demo_mailbox
from notifications.demo_mailbox import Received
from notifications.models import Channel, OutgoingMessage
from portal.access import Permission, StaffRequest, requires


@require_safe
@requires(Permission.READ_DEMO_MAILBOX)
def mailbox(request: StaffRequest) -> HttpResponse:
    messages = list(demo_mailbox.all_mail())
    rows = _rows_for(request, messages)
    return render(
        request,
        "notifications/mailbox.html",
        {"messages_received": [(message, rows[message.row_id]) for message in messages if message.row_id in rows]},
    )


@require_safe
@requires(Permission.READ_DEMO_MAILBOX)
def received(request: StaffRequest, key: str) -> HttpResponse:
    message, row = _get_or_404(request, key)
    return render(
        request,
        "notifications/received.html",
        {
            "message": message,
            "row": row,
            "is_text": row.channel == Channel.TEXT,
            "as_text": request.GET.get("part") == "text",
        },
    )


@require_safe
@requires(Permission.READ_DEMO_MAILBOX)
@xframe_options_sameorigin
def received_html(request: StaffRequest, key: str) -> HttpResponse:
    """Serve the HTML part for the frame. Scripts and remote content are blocked; the message's own styles are allowed by hash."""
    message, _ = _get_or_404(request, key)
    styles = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        for style in re.findall(r"<style[^>]*>(.*?)</style>", message.html, re.DOTALL)
    )
    response = HttpResponse(message.html)
    response.headers["Content-Security-Policy"] = "; ".join(
        [
            "default-src 'none'",
            f"style-src {styles}",
            "frame-ancestors 'self'",
            "sandbox allow-popups allow-popups-to-escape-sandbox",
        ]
    )
    return response


def _get_or_404(request: StaffRequest, key: str) -> tuple[Received, OutgoingMessage]:
    message = demo_mailbox.get_mail(key)
    row = _rows_for(request, [message]).get(message.row_id) if message else None
    if message is None or row is None:
        raise Http404
    return message, row


def _rows_for(request: StaffRequest, messages: list[Received]) -> dict[str, OutgoingMessage]:
    """Return the rows of the messages that this practice may see, by id."""
    rows = OutgoingMessage.objects.visible_to(request.practice).in_bulk(
        [message.row_id for message in messages if message.row_id]
    )
    return {str(pk): row for pk, row in rows.items()}
