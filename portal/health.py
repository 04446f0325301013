"""Answer the health checks of load balancers, which may use any host name or IP address."""

from collections.abc import Callable
from typing import Final

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

ADDRESS: Final = "/healthz"


def answer_health_checks(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer health checks. This middleware comes before the ones that check the host name or require https."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return _health(request) if request.path_info == ADDRESS else get_response(request)

    return middleware


@require_safe
def _health(request: HttpRequest) -> HttpResponse:
    """Return 200 if the database answers, otherwise 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return _plain("database unavailable", status=503)
    return _plain("ok", status=200)


def _plain(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})
