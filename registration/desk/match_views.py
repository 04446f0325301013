"""Merge Match: the queue of self-registrations, and each beside the patients it may mean."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages as notices
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
    """The queue, the oldest first; or what was decided in the last days, the newest first."""
    ours = SelfRegistration.objects.for_practice(request.practice).select_related(
        "account__user", "practice", "decided_by"
    )
    if request.GET.get("show") == "decided":
        since = timezone.now() - _DECIDED_SHOWN
        decided = ours.filter(decided_at__gt=since).select_related("association__patient").order_by("-decided_at", "pk")
        return render(request, "desk/matches.html", {"decided": decided[:100], "show": "decided"})
    waiting = list(ours.waiting().filter(_after(request)).order_by("created_at", "pk")[: PAGE_SIZE + 1])
    rows = list(candidates.find_all(request.practice, waiting[:PAGE_SIZE]).items())
    more = waiting[PAGE_SIZE - 1] if len(waiting) > PAGE_SIZE else None
    return render(request, "desk/matches.html", {"rows": rows, "more": more, "show": "waiting"})


@require_safe
@requires(Permission.MATCH)
def match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    """One self-registration. `patient` in the address puts somebody else beside it, too."""
    return _match_page(request, _get_self_registration(request, self_registration_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def make_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    """Makes the match; the page asks for the reasons where something differs, or speaks against it."""
    self_registration = _get_self_registration(request, self_registration_id)
    if request.method != "POST" and "patient" not in request.GET:
        return _match_page(request, self_registration)
    form = MatchForm(request.POST) if request.method == "POST" else MatchForm(initial={"patient": _wanted(request)})
    patient = _patient(request, request.POST.get("patient") or request.GET.get("patient", ""))
    (candidate,) = comparison.compare(self_registration, [patient])
    if request.method == "POST" and form.is_valid():
        try:
            return _match(request, self_registration, patient, form)
        except self_registrations.ReasonRequired:
            form.add_error("reason", "Type why this is the right patient all the same.")
        except OverrideRequired:
            candidate = comparison.compare(self_registration, [patient])[0]  # as it is now
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
            notices.error(request, str(error))
        else:
            notices.success(request, f"You could not confirm it. {_notice_promise(self_registration)}")
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
            notices.error(request, str(error))
        else:
            notices.success(request, f"Your question is in the portal. {_notice_promise(self_registration)}")
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
        notices.error(request, str(error))
    else:
        notices.success(request, "It waits for a match again.")
    return redirect("desk:match", self_registration.pk)


# --- How a page is put together ---


def _match_page(request: StaffRequest, self_registration: SelfRegistration) -> HttpResponse:
    portal_statuses_needed.send(sender=None)
    if not self_registration.is_waiting:
        return render(request, "desk/match.html", {"self_registration": self_registration})
    found = candidates.find(self_registration)
    chosen = _chosen(request, self_registration)
    found = [*chosen, *(each for each in found if each.patient not in {one.patient for one in chosen})]
    _record_seen(request, found)
    close = [each for each in found if each.is_close or each in chosen]
    shown = {"close": close, "weak": [each for each in found if each not in close], "chosen": chosen}
    return render(
        request,
        "desk/match.html",
        {"self_registration": self_registration, **shown, **_search(request, self_registration)},
    )


def _search(request: StaffRequest, self_registration: SelfRegistration) -> dict[str, Any]:
    """The search for somebody else than the candidates, filled in with what the family told."""
    if "look" not in request.GET:
        told = {"last_name": self_registration.family_name, "date_of_birth": f"{self_registration.birth_date:%m/%d/%Y}"}
        return {"look": SearchForm(initial=told)}
    look = SearchForm(request.GET)
    if not look.is_valid():
        return {"look": look}
    page = search.find(PatientQuery(practice=request.practice, **look.cleaned_data))
    fields = ", ".join(name for name, typed in look.cleaned_data.items() if typed)
    details = {"by": fields, "found": page.shown_count, "in": "Merge Match"}
    audit.record(audit.Action.SEARCHED, actor=Actor.from_request(request), practice=request.practice, details=details)
    return {"look": look, "hits": page.hits[:_HITS_SHOWN], "are_more": page.count > _HITS_SHOWN}


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
        notices.error(request, str(error))
        return redirect("desk:match", self_registration.pk)
    had_it = association.self_registration_id != self_registration.pk
    has = "had access already" if had_it else "has access now"
    notices.success(
        request, f"{self_registration.account.name} {has}: {patient.name}. {_notice_promise(self_registration)}"
    )
    return redirect("desk:matches")


def _form_page(request: StaffRequest, name: str, self_registration: SelfRegistration, form: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request,
        f"desk/{name}.html",
        {"self_registration": self_registration, "form": form, "how_told": _notice_promise(self_registration)},
        status=status,
    )


def _notice_promise(self_registration: SelfRegistration) -> str:
    """What the desk may promise: an address that asked for nothing more gets no letter."""
    if suppressions.is_suppressed(self_registration.practice, Channel.EMAIL, self_registration.account.email):
        return "The family asked for no more e-mails from you: it reads this in the portal. Ring them if it matters."
    return "The family is told by e-mail."


def _record_seen(request: StaffRequest, shown: list[Candidate]) -> None:
    """A line for each patient: the comparison shows what is on record."""
    for each in shown:
        audit.record(
            audit.Action.ACCOUNT_VIEWED,
            actor=Actor.from_request(request),
            practice=request.practice,
            patient=each.patient.pk,
            details={"in": "Merge Match"},
        )


def _get_self_registration(request: StaffRequest, self_registration_id: uuid.UUID) -> SelfRegistration:
    ours = SelfRegistration.objects.for_practice(request.practice).select_related(
        "account__user", "practice", "likely", "decided_by"
    )
    return get_object_or_404(ours, pk=self_registration_id)


def _chosen(request: StaffRequest, self_registration: SelfRegistration) -> list[Candidate]:
    wanted = request.GET.get("patient", "")
    return comparison.compare(self_registration, [_patient(request, wanted)]) if wanted else []


def _wanted(request: StaffRequest) -> str:
    return request.GET.get("patient", "")


def _patient(request: StaffRequest, key: str) -> Patient:
    """A patient of this practice. Whatever else stands in the address is not there."""
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Patient.objects.for_practice(request.practice).prefetch_related("contacts"), pk=wanted)


def _after(request: StaffRequest) -> Q:
    """The rows after the one that the link of the page before names; whatever else stands there is as good as nothing."""
    try:
        at: datetime | None = parse_datetime(request.GET.get("after", ""))
        last = uuid.UUID(request.GET.get("last", ""))
    except ValueError:
        return Q()
    if at is None or timezone.is_naive(at) or not 1900 < at.year < 9999:
        return Q()
    return Q(created_at__gt=at) | Q(created_at=at, pk__gt=last)
