"""The staff pages of registration: the dashboard, the Patient Registration window, the PIN sheet, revoking."""

import uuid
from datetime import timedelta

from django.contrib import messages as notices
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from notifications.models import OutgoingMessage
from patients.models import Patient
from portal import access, audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.signals import statuses_wanted
from registration import ending, issuing, printing, reveals, rules
from registration.desk.forms import RegistrationForm, RevokeForm
from registration.models import Registration
from registration.templatetags import registration_panel

_SLOW_AFTER = timedelta(minutes=5)
_FAILED_SHOWN = timedelta(days=3)


@require_safe
@requires(Permission.SEE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    """What wants attention: messages that failed or hang, PINs that end within a day; and what was issued last."""
    statuses_wanted.send(sender=None)
    now = timezone.now()
    ours = Registration.objects.of(request.practice).select_related("message", "issued_by").prefetch_related("patients")
    live = ours.live()
    return render(
        request,
        "desk/dashboard.html",
        {
            "failed": _failed(request)[:20],
            "waiting": live.filter(message__state__in=OutgoingMessage.UNFINISHED, issued_at__lt=now - _SLOW_AFTER)[:20],
            "ending": live.filter(expires_at__lt=now + timedelta(days=1)).order_by("expires_at")[:20],
            "latest": ours[:10],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REGISTER_PATIENT)
def register_patient(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The Patient Registration window: over the account page, or a whole page without JavaScript."""
    patient = get_object_or_404(Patient.objects.of(request.practice), pk=patient_id)
    form = RegistrationForm(request.POST or None, practice=request.practice, patient=patient)
    if request.method != "POST":
        audit.record(
            audit.Action.ACCOUNT_VIEWED,
            actor=Actor.of(request),
            practice=request.practice,
            patient=patient.pk,
            details={"in": "Patient Registration window"},
        )
    refused = rules.why_not(patient)
    if request.method == "POST" and not refused and form.is_valid():
        try:
            registration = _complete(request, patient, form)
        except rules.Refused as error:
            form.add_error(error.field, str(error))
        else:
            return _completed(request, patient, registration, print_now=form.cleaned_data["print_pin"])
    context = {"patient": patient, "form": form, "refused": refused}
    status = 422 if request.method == "POST" else 200
    return render(request, _template(request, "register"), context, status=status)


@require_safe
@requires(Permission.VIEW_PATIENT)
def registrations(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The registrations of the account page by themselves: what the page asks for while a message is on its way."""
    patient = get_object_or_404(Patient.objects.of(request.practice), pk=patient_id)
    may = access.context(request)["may"]
    panel = registration_panel.panel(request, patient, may=may)
    if request.GET.get("seen") == panel["seen"]:
        return HttpResponse(status=204)  # nothing new: the page keeps what it has, and the focus where it is
    return render(request, "desk/_live.html", {"patient": patient, "panel": panel})


@require_safe
@requires(Permission.REGISTER_PATIENT)
def sheet(request: StaffRequest, registration_id: uuid.UUID) -> HttpResponse:
    registration = _registration(request, registration_id)
    pdf = printing.print_sheet(registration, session_key=_session(request), actor=Actor.of(request))
    if pdf is None:
        return render(request, "desk/sheet_gone.html", {"registration": registration}, status=410)
    return HttpResponse(
        pdf, content_type="application/pdf", headers={"Content-Disposition": 'inline; filename="pin-sheet.pdf"'}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REVOKE_REGISTRATION)
def revoke(request: StaffRequest, registration_id: uuid.UUID) -> HttpResponse:
    registration = _registration(request, registration_id)
    patient = registration.patients.all()[0]
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if ending.revoke(registration, reason=form.cleaned_data["reason"], actor=Actor.of(request)):
            notices.success(request, f"The registration for {registration.recipient_name} is revoked.")
        else:
            notices.info(request, f"The registration for {registration.recipient_name} had ended already.")
        return redirect(patient)
    status = 422 if request.method == "POST" else 200
    return render(
        request, "desk/revoke.html", {"registration": registration, "patient": patient, "form": form}, status=status
    )


def _failed(request: StaffRequest) -> QuerySet[Registration]:
    """Messages that failed in the last days, even where the PIN has run out since: the family is still waiting."""
    given_up = (Registration.State.SUPERSEDED, Registration.State.REVOKED)
    made_good = Registration.objects.of(request.practice).filter(
        recipient_key=OuterRef("recipient_key"),
        patients__registrations=OuterRef("pk"),
        issued_at__gt=OuterRef("issued_at"),
    )
    return (
        Registration.objects.of(request.practice)
        .filter(message__state=OutgoingMessage.State.FAILED, message__finished_at__gt=timezone.now() - _FAILED_SHOWN)
        .exclude(state__in=given_up)
        .filter(~Exists(made_good))
        .select_related("message", "issued_by")
        .prefetch_related("patients")
    )


def _complete(request: StaffRequest, patient: Patient, form: RegistrationForm) -> Registration:
    return issuing.register_patients(
        practice=request.practice,
        patients=[patient],
        recipient=form.chosen_recipient,
        method=form.chosen_method,
        delivery=form.chosen_delivery,
        window=form.cleaned_data["window"],
        session_key=_session(request),
        actor=Actor.of(request),
    )


def _completed(request: StaffRequest, patient: Patient, registration: Registration, *, print_now: bool) -> HttpResponse:
    """The PIN, shown in the answer to the completion and nowhere else."""
    pin = reveals.show(registration, session_key=_session(request), actor=Actor.of(request))
    return render(
        request,
        _template(request, "completed"),
        {
            "patient": patient,
            "registration": registration,
            "pin": pin,
            "print_now": print_now and pin is not None,
            "replaced": [each.recipient_name for each in registration.replaced()],
        },
    )


def _template(request: StaffRequest, name: str) -> str:
    """Inside the window the part, otherwise the page around it."""
    return f"desk/_{name}.html" if request.htmx else f"desk/{name}.html"


def _registration(request: StaffRequest, registration_id: uuid.UUID) -> Registration:
    return get_object_or_404(Registration.objects.of(request.practice), pk=registration_id)


def _session(request: HttpRequest) -> str:
    key = request.session.session_key
    assert key is not None, "whoever is signed in has a session"
    return key
