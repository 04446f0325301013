"""Merge Match: the queue of self-registrations, and a comparison of each one with the patients it may refer to."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe

from notifications import suppressions
from notifications.models import Channel
from patients import search
from patients.models import Patient
from patients.search_filters import PatientQuery
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.signals import portal_statuses_needed
from registration.desk.forms.match_forms import AskForm, MatchForm, RefuseForm, SearchForm
from registration.issuing.safety_checks import OverrideRequired
from registration.matching import candidates, comparison, self_registrations
from registration.matching.comparison import Candidate
from registration.models import SelfRegistration
from registration.values import Refused

PAGE_SIZE: Final = 25
_DECIDED_SHOWN: Final = timedelta(days=30)
_HITS_SHOWN: Final = 10

State = SelfRegistration.State


@require_safe
@requires(Permission.MATCH)
def matches(request: StaffRequest) -> HttpResponse:
    """List the requests to review, oldest first. With ?show=decided, list the recent decisions, newest first."""
    requests = SelfRegistration.objects.for_practice(request.practice).select_related(
        "account__user", "practice", "decided_by"
    )
    if request.GET.get("show") == "decided":
        since = timezone.now() - _DECIDED_SHOWN
        decided = (
            requests.filter(decided_at__gt=since).select_related("association__patient").order_by("-decided_at", "pk")
        )
        return render(request, "desk/matches.html", {"decided": decided[:100], "show": "decided"})
    waiting = list(requests.waiting().filter(_after(request)).order_by("created_at", "pk")[: PAGE_SIZE + 1])
    rows = list(candidates.find_all(request.practice, waiting[:PAGE_SIZE]).items())
    more = waiting[PAGE_SIZE - 1] if len(waiting) > PAGE_SIZE else None
    return render(request, "desk/matches.html", {"rows": rows, "more": more, "show": "waiting"})


@require_safe
@requires(Permission.MATCH)
def match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    """Show one request beside its candidates. With ?patient=<id>, also compare that patient."""
    return _match_page(request, _get_self_registration(request, self_registration_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def make_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    """Make the match, or show the page that asks for the reasons that the match needs."""
    self_registration = _get_self_registration(request, self_registration_id)
    if request.method != "POST" and "patient" not in request.GET:
        return _match_page(request, self_registration)
    patient = _get_patient(request, request.POST.get("patient") or request.GET.get("patient", ""))
    form = MatchForm(request.POST) if request.method == "POST" else MatchForm(initial={"patient": patient.pk})
    (candidate,) = comparison.compare(self_registration, [patient])
    if request.method == "POST" and form.is_valid():
        try:
            return _match(request, self_registration, patient, form)
        except self_registrations.ReasonRequired:
            form.require_reason()
        except OverrideRequired:
            candidate = comparison.compare(self_registration, [patient])[0]  # the warnings have changed
    if candidate.safety_warnings:
        form.ask(candidate.safety_warnings)
    if request.method != "POST":
        _record_seen(request, [candidate])
    context = {"self_registration": self_registration, "candidate": candidate, "form": form}
    return render(request, "desk/match_confirm.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def refuse_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    self_registration = _get_self_registration(request, self_registration_id)
    form = RefuseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            self_registrations.refuse(
                self_registration, reason=form.cleaned_data["reason"], actor=Actor.from_request(request)
            )
        except self_registrations.AlreadyDecided as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Marked as not our patient. {_notice_promise(self_registration)}")
        return redirect("desk:matches")
    return _form_page(request, "match_refuse", self_registration, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def ask_for_information(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    self_registration = _get_self_registration(request, self_registration_id)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            self_registrations.ask_for_information(
                self_registration, question=form.chosen, actor=Actor.from_request(request)
            )
        except self_registrations.AlreadyDecided as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Question posted in the portal. {_notice_promise(self_registration)}")
        return redirect("desk:matches")
    return _form_page(request, "match_ask", self_registration, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def reopen_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    self_registration = _get_self_registration(request, self_registration_id)
    if request.method != "POST":
        return _match_page(request, self_registration)
    try:
        self_registrations.reopen(self_registration, actor=Actor.from_request(request))
    except (self_registrations.AlreadyDecided, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Request reopened. It is back in the queue.")
    return redirect("desk:match", self_registration.pk)


# --- Building the pages ---


def _match_page(request: StaffRequest, self_registration: SelfRegistration) -> HttpResponse:
    portal_statuses_needed.send(sender=None)
    context: dict[str, Any] = {"self_registration": self_registration}
    if self_registration.is_waiting:
        context |= _candidate_lists(request, self_registration) | _search(request, self_registration)
    return render(request, "desk/match.html", context)


def _candidate_lists(request: StaffRequest, self_registration: SelfRegistration) -> dict[str, list[Candidate]]:
    """Split the candidates into close and weak ones. A patient whom staff picked comes first and counts as close."""
    picked = _picked_candidates(request, self_registration)
    picked_patients = {candidate.patient for candidate in picked}
    found = candidates.find(self_registration)
    shown = [*picked, *(candidate for candidate in found if candidate.patient not in picked_patients)]
    _record_seen(request, shown)
    close = [candidate for candidate in shown if candidate.is_close or candidate in picked]
    return {"close": close, "weak": [candidate for candidate in shown if candidate not in close]}


def _picked_candidates(request: StaffRequest, self_registration: SelfRegistration) -> list[Candidate]:
    patient_id = request.GET.get("patient", "")
    return comparison.compare(self_registration, [_get_patient(request, patient_id)]) if patient_id else []


def _search(request: StaffRequest, self_registration: SelfRegistration) -> dict[str, Any]:
    """Search for a patient who is not among the candidates. The form starts with what the family entered."""
    if "look" not in request.GET:
        birth_date = f"{self_registration.birth_date:%m/%d/%Y}"
        submitted = {"last_name": self_registration.family_name, "date_of_birth": birth_date}
        return {"search_form": SearchForm(initial=submitted)}
    form = SearchForm(request.GET)
    if not form.is_valid():
        return {"search_form": form}
    page = search.find(PatientQuery(practice=request.practice, **form.cleaned_data))
    fields = ", ".join(name for name, typed in form.cleaned_data.items() if typed)
    details = {"by": fields, "found": page.shown_count, "in": "Merge Match"}
    audit.record(audit.Action.SEARCHED, actor=Actor.from_request(request), practice=request.practice, details=details)
    return {"search_form": form, "hits": page.hits[:_HITS_SHOWN], "has_more_hits": page.count > _HITS_SHOWN}


def _match(
    request: StaffRequest, self_registration: SelfRegistration, patient: Patient, form: MatchForm
) -> HttpResponse:
    typed = form.cleaned_data
    try:
        association = self_registrations.match(
            self_registration,
            patient,
            level=typed["level"],
            reason=typed["reason"],
            override_reasons=form.override_reasons,
            actor=Actor.from_request(request),
        )
    except (self_registrations.AlreadyDecided, Refused) as error:
        messages.error(request, str(error))
        return redirect("desk:match", self_registration.pk)
    is_new = association.self_registration_id == self_registration.pk
    has_access = "now has access" if is_new else "already had access"
    account = self_registration.account.name
    messages.success(
        request,
        f"Matched: {account} {has_access} to the record of {patient.name}. {_notice_promise(self_registration)}",
    )
    return redirect("desk:matches")


def _form_page(request: StaffRequest, name: str, self_registration: SelfRegistration, form: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    context = {
        "self_registration": self_registration,
        "form": form,
        "notice_promise": _notice_promise(self_registration),
    }
    return render(request, f"desk/{name}.html", context, status=status)


def _notice_promise(self_registration: SelfRegistration) -> str:
    """Return a sentence on how the family will learn of the decision. An address that has opted out gets no email."""
    if suppressions.is_suppressed(self_registration.practice, Channel.EMAIL, self_registration.account.email):
        return "This family opted out of your emails and will see this only in the portal. Call them if it is urgent."
    return "The family will be notified by email."


def _record_seen(request: StaffRequest, shown: list[Candidate]) -> None:
    """Record one audit event per patient, because the comparison shows each patient's record."""
    for candidate in shown:
        audit.record(
            audit.Action.ACCOUNT_VIEWED,
            actor=Actor.from_request(request),
            practice=request.practice,
            patient=candidate.patient.pk,
            details={"in": "Merge Match"},
        )


# --- Reading the request ---


def _get_self_registration(request: StaffRequest, self_registration_id: uuid.UUID) -> SelfRegistration:
    requests = SelfRegistration.objects.for_practice(request.practice).select_related(
        "account__user", "practice", "likely", "decided_by"
    )
    return get_object_or_404(requests, pk=self_registration_id)


def _get_patient(request: StaffRequest, patient_id: str) -> Patient:
    """Get a patient of this practice, or raise 404."""
    try:
        key = uuid.UUID(patient_id)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Patient.objects.for_practice(request.practice).prefetch_related("contacts"), pk=key)


def _after(request: StaffRequest) -> Q:
    """Return the condition for the rows after the previous page. If the position is unreadable, start at the first page."""
    try:
        created_at: datetime | None = parse_datetime(request.GET.get("after", ""))
        last_id = uuid.UUID(request.GET.get("last", ""))
    except ValueError:
        return Q()
    if created_at is None or timezone.is_naive(created_at) or not 1900 < created_at.year < 9999:
        return Q()
    return Q(created_at__gt=created_at) | Q(created_at=created_at, pk__gt=last_id)
