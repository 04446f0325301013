"""The quick search of the header: a page of its own, and the list under the field as one types."""

from datetime import timedelta
from typing import Final

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from patients import quick_search as quick
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.form_messages import StaffForm
from portal.signals import portal_statuses_needed

_ONE_SEARCH: Final = timedelta(minutes=1)


class QuickForm(StaffForm):
    q = forms.CharField(label="Quick search", max_length=200, required=False)


@require_safe
@requires(Permission.SEARCH_PATIENTS)
def quick_search_page(request: StaffRequest) -> HttpResponse:
    """A plain page: for Enter without a choice, and for browsers without JavaScript."""
    portal_statuses_needed.send(sender=None)
    form = QuickForm(request.GET)
    found = _found(request, form)
    if found and not found.reading.is_empty:
        _record(request, found)
    return _shown(request, "patients/quick.html", form, found)


@require_safe
@requires(Permission.SEARCH_PATIENTS)
def quick_hits(request: StaffRequest) -> HttpResponse:
    """The list alone, for each pause in the typing. The trail has a line a minute of it, not a line a letter.

    Statuses stand as the last page or the worker left them: the list is to choose from, the account tells what is true.
    """
    form = QuickForm(request.GET)
    found = _found(request, form)
    if found and found.hits and _is_new_search(request):
        _record(request, found)
    return _shown(request, "patients/_quick_hits.html", form, found)


def _found(request: StaffRequest, form: QuickForm) -> quick.Found | None:
    if not form.is_valid() or not form.cleaned_data["q"]:
        return None
    return quick.find(form.cleaned_data["q"], practice=request.practice, today=timezone.localdate())


def _shown(request: StaffRequest, template: str, form: QuickForm, found: quick.Found | None) -> HttpResponse:
    return render(request, template, {"form": form, "found": found, "typed": request.GET.get("q", "")[:200]})


def _is_new_search(request: StaffRequest) -> bool:
    now = timezone.now()
    told = parse_datetime(request.session.get("quick_search_recorded", ""))
    if told and now - told < _ONE_SEARCH and request.session.get("quick_search_practice") == str(request.practice.pk):
        return False
    request.session["quick_search_recorded"] = now.isoformat()
    request.session["quick_search_practice"] = str(request.practice.pk)
    return True


def _record(request: StaffRequest, found: quick.Found) -> None:
    """Not what was typed, as with the search."""
    shown = f"{len(found.hits)}+" if found.has_more else str(len(found.hits))
    audit.record(
        audit.Action.SEARCHED,
        actor=audit.Actor.from_request(request),
        practice=request.practice,
        details={"by": "quick search", "found": shown},
    )
