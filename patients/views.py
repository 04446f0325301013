"""Patient Administration: the search, and the Patient Account page."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from patients import recent, search, suggestions
from patients.forms import ACCOUNT, CONTACT, SearchForm
from patients.models import Patient
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.signals import portal_statuses_needed


@require_safe
@requires(Permission.SEARCH_PATIENTS)
def search_patients(request: StaffRequest) -> HttpResponse:
    asked = bool(request.GET)
    form = SearchForm({"search_for": ACCOUNT, **request.GET.dict()} if asked else None)
    page, query, offered = None, None, []
    if asked and form.is_valid():
        query = form.query(request.practice)
        if not query.is_empty:
            portal_statuses_needed.send(sender=None)
            page = search.find(query, after=_key(request, "after"), before=_key(request, "before"))
            _record_search(request, form, page)
            if page.count < suggestions.FEW_HITS:
                offered = suggestions.offered(query, page.hits)
    context = {"form": form, "page": page, "query": query, "asked": asked, "suggestions": offered}
    return render(request, "patients/search.html", {**context, "parameters": _without_paging(request)})


@require_safe
@requires(Permission.VIEW_PATIENT)
def account(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    portal_statuses_needed.send(sender=None)
    patient = get_object_or_404(Patient.objects.for_practice(request.practice), pk=patient_id)
    audit.record(
        audit.Action.ACCOUNT_VIEWED,
        actor=audit.Actor.from_request(request),
        practice=request.practice,
        patient=patient.pk,
    )
    recent.record(patient, user=request.user)
    contacts = patient.contacts.current()
    return render(request, "patients/account.html", {"patient": patient, "contacts": contacts})


def _key(request: StaffRequest, name: str) -> int | None:
    """A key of the paging links; whatever else stands there is as good as nothing."""
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None


def _without_paging(request: StaffRequest) -> str:
    kept = request.GET.copy()
    for name in ("after", "before"):
        kept.pop(name, None)
    return kept.urlencode()


def _record_search(request: StaffRequest, form: SearchForm, page: search.Page) -> None:
    """The trail says by which fields was searched and how many were found; not what was typed."""
    fields = [name for name in form.fields if name != "search_for" and form.cleaned_data.get(name)]
    if form.cleaned_data["search_for"] == CONTACT:
        fields.insert(0, "family contact")
    audit.record(
        audit.Action.SEARCHED,
        actor=audit.Actor.from_request(request),
        practice=request.practice,
        details={"by": ", ".join(fields), "found": page.shown_count},
    )
