"""Pages that belong to no app: the practice switch, the activity page and the error pages."""

from typing import NoReturn

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal import access, audit
from portal.access import Permission, StaffRequest, requires
from portal.forms import ActivityForm
from portal.models import AuditEvent


@require_POST
@requires(Permission.SEE_DASHBOARD)
def choose_practice(request: StaffRequest) -> HttpResponse:
    if not access.switch_practice(request, request.POST.get("practice", "")):
        raise Http404
    return redirect("/")


@require_safe
@requires(Permission.SEE_ACTIVITY)
def activity(request: StaffRequest) -> HttpResponse:
    """Show the practice's audit trail, filtered by period, person and action (45 CFR 170.315(d)(3))."""
    form = ActivityForm(request.GET or None, practice=request.practice)
    events = form.filtered(AuditEvent.objects.filter(practice=request.practice).select_related("actor"))
    page = Paginator(events, 50).get_page(request.GET.get("page"))
    if page.number == 1:
        audit.record(audit.Action.TRAIL_VIEWED, actor=audit.Actor.from_request(request), practice=request.practice)
    parameters = request.GET.copy()
    parameters.pop("page", None)
    return render(request, "portal/activity.html", {"form": form, "page": page, "parameters": parameters.urlencode()})


@require_safe
def keep_session_alive(request: HttpRequest) -> HttpResponse:
    """Return 204 if the user is signed in, otherwise 401. An open page calls this to see whether the session has ended."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


def always_not_found(request: HttpRequest) -> NoReturn:
    raise Http404


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a CSRF failure. The usual cause is that the page was open while the user signed in or out."""
    return render(request, "stale_form.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)
