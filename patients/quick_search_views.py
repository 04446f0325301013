"""The quick search in the header: a results page, and the list under the field while someone types."""

from datetime import timedelta
from typing import Final

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from patients import quick_search
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.form_messages import StaffForm
from portal.signals import portal_statuses_needed

_AUDIT_INTERVAL: Final = timedelta(minutes=1)
_HOW_TO_SEARCH: Final = "Enter at least two letters of a name, a date of birth, a full phone number or an MRN."


class QuickForm(StaffForm):
    q = forms.CharField(label="Quick search", max_length=200, required=False)


@require_safe
@requires(Permission.SEARCH_PATIENTS)
def quick_search_page(request: StaffRequest) -> HttpResponse:
    """Show the results on a page: when someone presses Enter without choosing a patient, or has no JavaScript."""
    portal_statuses_needed.send(sender=None)
    form = QuickForm(request.GET)
    results = _results(request, form)
    if results and not results.parsed.is_empty:
        _record(request, results)
    return _render(request, "patients/quick.html", form, results)


@require_safe
@requires(Permission.SEARCH_PATIENTS)
def quick_hits(request: StaffRequest) -> HttpResponse:
    """Return only the list, after each pause in typing. Searches are audited once a minute, not per keystroke.

    The portal statuses in the list may be out of date, because updating them for every keystroke would be slow. The
    account page shows the current status.
    """
    form = QuickForm(request.GET)
    results = _results(request, form)
    if results and results.hits and _is_audit_due(request):
        _record(request, results)
    return _render(request, "patients/_quick_hits.html", form, results)


def _results(request: StaffRequest, form: QuickForm) -> quick_search.Results | None:
    if not form.is_valid() or not form.cleaned_data["q"]:
        return None
    return quick_search.find(form.cleaned_data["q"], practice=request.practice, today=timezone.localdate())


def _render(
    request: StaffRequest, template: str, form: QuickForm, results: quick_search.Results | None
) -> HttpResponse:
    context = {
        "form": form,
        "results": results,
        "message": _message(form, results),
        "how_to_search": _HOW_TO_SEARCH,
        "typed": request.GET.get("q", "")[:200],
    }
    return render(request, template, context)


def _message(form: QuickForm, results: quick_search.Results | None) -> str:
    """Return the sentence under the list, or "" if the list shows all hits."""
    if form.errors:
        return str(form.errors["q"][0])
    if not results or results.parsed.is_empty:
        return _HOW_TO_SEARCH
    if results.has_more:
        return "More results: keep typing or press Enter."
    if results.hits:
        return ""
    if results.suggestions:
        return "No patient in this practice matches. Use the arrow keys to choose a suggestion."
    return "No patient in this practice matches. Press Enter for search tips."


def _is_audit_due(request: StaffRequest) -> bool:
    now = timezone.now()
    last = parse_datetime(request.session.get("quick_search_recorded", ""))
    is_same_practice = request.session.get("quick_search_practice") == str(request.practice.pk)
    if last and now - last < _AUDIT_INTERVAL and is_same_practice:
        return False
    request.session["quick_search_recorded"] = now.isoformat()
    request.session["quick_search_practice"] = str(request.practice.pk)
    return True


def _record(request: StaffRequest, results: quick_search.Results) -> None:
    """Audit the search, as the search page does, but not what was typed."""
    count = f"{len(results.hits)}+" if results.has_more else str(len(results.hits))
    audit.record(
        audit.Action.SEARCHED,
        actor=audit.Actor.from_request(request),
        practice=request.practice,
        details={"by": "quick search", "found": count},
    )
