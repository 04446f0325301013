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
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.signals import statuses_wanted
from registration.desk.forms.match_forms import AskForm, LookForm, MatchForm, RefuseForm
from registration.issuing.eligibility import Refused
from registration.issuing.safety_checks import NeedsConfirmation
from registration.matching import candidates, comparison, self_registrations
from registration.matching.comparison import Candidate
from registration.models import SelfRegistration

PAGE_SIZE: Final = 25
_DECIDED_SHOWN: Final = timedelta(days=30)
_HITS_SHOWN: Final = 10

State = SelfRegistration.State


@require_safe
@requires(Permission.MATCH)
def matches(request: StaffRequest) -> HttpResponse:
    """The queue, the oldest first; or what was decided in the last days, the newest first."""
    ours = SelfRegistration.objects.of(request.practice).select_related("account__user", "practice", "decided_by")
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
    return _item(request, _asked(request, self_registration_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def make_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    """Makes the match; the page asks for the reasons where something differs, or speaks against it."""
    asked = _asked(request, self_registration_id)
    if request.method != "POST" and "patient" not in request.GET:
        return _item(request, asked)
    form = MatchForm(request.POST) if request.method == "POST" else MatchForm(initial={"patient": _wanted(request)})
    patient = _patient(request, request.POST.get("patient") or request.GET.get("patient", ""))
    (candidate,) = comparison.weigh(asked, [patient])
    if request.method == "POST" and form.is_valid():
        try:
            return _match(request, asked, patient, form)
        except self_registrations.ReasonWanted:
            form.add_error("reason", "Type why this is the right patient all the same.")
        except NeedsConfirmation:
            candidate = comparison.weigh(asked, [patient])[0]  # as it is now
    if candidate.concerns:
        form.ask(candidate.concerns)
    if request.method != "POST":
        _record_seen(request, [candidate])
    context = {"asked": asked, "candidate": candidate, "form": form}
    return render(request, "desk/match_confirm.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def refuse_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    asked = _asked(request, self_registration_id)
    form = RefuseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            self_registrations.refuse(asked, reason=form.cleaned_data["reason"], actor=Actor.of(request))
        except self_registrations.Taken as error:
            notices.error(request, str(error))
        else:
            notices.success(request, f"You could not confirm it. {_how_told(asked)}")
        return redirect("desk:matches")
    return _form_page(request, "match_refuse", asked, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def ask_for_more(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    asked = _asked(request, self_registration_id)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            self_registrations.ask_for_more(asked, question=form.chosen, actor=Actor.of(request))
        except self_registrations.Taken as error:
            notices.error(request, str(error))
        else:
            notices.success(request, f"Your question is in the portal. {_how_told(asked)}")
        return redirect("desk:matches")
    return _form_page(request, "match_ask", asked, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MATCH)
def reopen_match(request: StaffRequest, self_registration_id: uuid.UUID) -> HttpResponse:
    asked = _asked(request, self_registration_id)
    if request.method != "POST":
        return _item(request, asked)
    try:
        self_registrations.reopen(asked, actor=Actor.of(request))
    except (self_registrations.Taken, Refused) as error:
        notices.error(request, str(error))
    else:
        notices.success(request, "It waits for a match again.")
    return redirect("desk:match", asked.pk)


# --- How a page is put together ---


def _item(request: StaffRequest, asked: SelfRegistration) -> HttpResponse:
    statuses_wanted.send(sender=None)
    if not asked.is_waiting:
        return render(request, "desk/match.html", {"asked": asked})
    found = candidates.find(asked)
    chosen = _chosen(request, asked)
    found = [*chosen, *(each for each in found if each.patient not in {one.patient for one in chosen})]
    _record_seen(request, found)
    close = [each for each in found if each.is_close or each in chosen]
    shown = {"close": close, "weak": [each for each in found if each not in close], "chosen": chosen}
    return render(request, "desk/match.html", {"asked": asked, **shown, **_look(request, asked)})


def _look(request: StaffRequest, asked: SelfRegistration) -> dict[str, Any]:
    """The search for somebody else than the candidates, filled in with what the family told."""
    if "look" not in request.GET:
        told = {"last_name": asked.family_name, "date_of_birth": f"{asked.birth_date:%m/%d/%Y}"}
        return {"look": LookForm(initial=told)}
    look = LookForm(request.GET)
    if not look.is_valid():
        return {"look": look}
    page = search.find(search.PatientQuery(practice=request.practice, **look.cleaned_data))
    fields = ", ".join(name for name, typed in look.cleaned_data.items() if typed)
    details = {"by": fields, "found": page.shown_count, "in": "Merge Match"}
    audit.record(audit.Action.SEARCHED, actor=Actor.of(request), practice=request.practice, details=details)
    return {"look": look, "hits": page.hits[:_HITS_SHOWN], "are_more": page.count > _HITS_SHOWN}


def _match(request: StaffRequest, asked: SelfRegistration, patient: Patient, form: MatchForm) -> HttpResponse:
    typed = form.cleaned_data
    try:
        association = self_registrations.match(
            asked,
            patient,
            level=typed["level"],
            reason=typed["reason"],
            confirmed=form.confirmed,
            actor=Actor.of(request),
        )
    except (self_registrations.Taken, Refused) as error:
        notices.error(request, str(error))
        return redirect("desk:match", asked.pk)
    had_it = association.self_registration_id != asked.pk
    has = "had access already" if had_it else "has access now"
    notices.success(request, f"{asked.account.name} {has}: {patient.name}. {_how_told(asked)}")
    return redirect("desk:matches")


def _form_page(request: StaffRequest, name: str, asked: SelfRegistration, form: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request, f"desk/{name}.html", {"asked": asked, "form": form, "how_told": _how_told(asked)}, status=status
    )


def _how_told(asked: SelfRegistration) -> str:
    """What the desk may promise: an address that asked for nothing more gets no letter."""
    if suppressions.is_stopped(asked.practice, Channel.EMAIL, asked.account.email):
        return "The family asked for no more e-mails from you: it reads this in the portal. Ring them if it matters."
    return "The family is told by e-mail."


def _record_seen(request: StaffRequest, shown: list[Candidate]) -> None:
    """A line for each patient: the comparison shows what is on record."""
    for each in shown:
        audit.record(
            audit.Action.ACCOUNT_VIEWED,
            actor=Actor.of(request),
            practice=request.practice,
            patient=each.patient.pk,
            details={"in": "Merge Match"},
        )


def _asked(request: StaffRequest, self_registration_id: uuid.UUID) -> SelfRegistration:
    ours = SelfRegistration.objects.of(request.practice).select_related(
        "account__user", "practice", "likely", "decided_by"
    )
    return get_object_or_404(ours, pk=self_registration_id)


def _chosen(request: StaffRequest, asked: SelfRegistration) -> list[Candidate]:
    wanted = request.GET.get("patient", "")
    return comparison.weigh(asked, [_patient(request, wanted)]) if wanted else []


def _wanted(request: StaffRequest) -> str:
    return request.GET.get("patient", "")


def _patient(request: StaffRequest, key: str) -> Patient:
    """A patient of this practice. Whatever else stands in the address is not there."""
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Patient.objects.of(request.practice).prefetch_related("contacts"), pk=wanted)


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
