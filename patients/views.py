"""Patient Administration: the Search Patients page and the Patient Account page."""

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
    is_submitted = bool(request.GET)
    form = SearchForm({"search_for": ACCOUNT, **request.GET.dict()} if is_submitted else None)
    page, query, suggested = None, None, []
    if is_submitted and form.is_valid():
        query = form.query(request.practice)
        if not query.is_empty:
            portal_statuses_needed.send(sender=None)
            page = search.find(query, after=_key(request, "after"), before=_key(request, "before"))
            _record_search(request, form, page)
            if page.count < suggestions.FEW_HITS:
                suggested = suggestions.suggest(query, page.hits)
    context = {"form": form, "page": page, "query": query, "is_submitted": is_submitted, "suggestions": suggested}
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
    """Return the key in a paging link, or None if it is missing or not a key."""
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _without_paging(request: StaffRequest) -> str:
    parameters = request.GET.copy()
    for name in ("after", "before"):
        parameters.pop(name, None)
    return parameters.urlencode()


def _record_search(request: StaffRequest, form: SearchForm, page: search.Page) -> None:
    """Audit which fields were searched and how many patients were found, but not what was typed."""
    fields = [name for name in form.fields if name != "search_for" and form.cleaned_data.get(name)]
    if form.cleaned_data["search_for"] == CONTACT:
        fields.insert(0, "family contact")
    audit.record(
        audit.Action.SEARCHED,
        actor=audit.Actor.from_request(request),
        practice=request.practice,
        details={"by": ", ".join(fields), "found": page.shown_count},
    )
