"""The Patient Registration window: register a patient, add a proxy, or send a registration again."""

import uuid
from typing import Final

import structlog
from django.contrib import messages as notices
from django.db import Error
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from notifications import worker_heartbeat
from patients.models import Patient
from portal import audit, database_errors
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.sessions import session_key
from portal.signals import portal_statuses_needed
from registration.desk.forms.proxy_form import ProxyForm
from registration.desk.forms.register_form import RegistrationForm
from registration.desk.forms.safety_checks_form import SafetyChecksForm
from registration.desk.presenters.registration_pages import CompletedPanel, SendAgainPage
from registration.issuing import eligibility, pin_display, registrations
from registration.issuing.request import RegistrationRequest
from registration.issuing.safety_checks import OverrideRequired
from registration.models import Registration, SelfRegistration
from registration.values import Refused

log = structlog.get_logger(__name__)

_METHODS: Final = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
@requires(Permission.REGISTER_PATIENT)
def register_patient(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Show the Patient Registration window over the account page, or as a separate page if there is no JavaScript.

    If a self-registration for this patient is waiting, point staff to that request first. The parameter `another` opens
    the form anyway.
    """
    patient = get_object_or_404(Patient.objects.for_practice(request.practice), pk=patient_id)
    self_registration = _pending_request(patient)
    for_another = "another" in request.GET or "another" in request.POST
    if self_registration and not for_another and request.method != "POST":
        _record_view(request, patient)
        return render(
            request, _template(request, "pending_request"), {"patient": patient, "self_registration": self_registration}
        )
    form = RegistrationForm(request.POST or None, practice=request.practice, patient=patient)
    return _window_response(
        request, patient, form, self_registration=self_registration, may_issue=for_another or not self_registration
    )


@require_http_methods(_METHODS)
@requires(Permission.REGISTER_PATIENT)
def add_proxy(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Show the same window for giving time-limited access to someone with written authorization."""
    patient = get_object_or_404(Patient.objects.for_practice(request.practice), pk=patient_id)
    form = ProxyForm(request.POST or None, practice=request.practice, patient=patient)
    return _window_response(request, patient, form, is_proxy=True)


@require_http_methods(_METHODS)
@requires(Permission.REGISTER_PATIENT)
def send_again(request: StaffRequest, registration_id: uuid.UUID) -> HttpResponse:
    """Ask for confirmation, then resend what the family lost or never received. New safety warnings require a reason."""
    registration = get_object_or_404(Registration.objects.for_practice(request.practice), pk=registration_id)
    patient = registration.patients.all()[0]
    form = SafetyChecksForm(request.POST if request.method == "POST" else None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            new = registrations.send_again(
                registration,
                override_reasons=form.override_reasons,
                session_key=session_key(request),
                actor=Actor.from_request(request),
            )
        except Refused as error:
            notices.error(request, str(error))
            return redirect(patient)
        except OverrideRequired as error:
            form.ask(error.safety_warnings)
        except database_errors.UNAVAILABLE as fault:
            status = _database_unavailable(form, fault)
        else:
            return _completed(request, patient, new)
    can = registrations.can_send_again(registration)
    context = {"page": SendAgainPage(registration, patient), "patient": patient, "can": can, "form": form}
    context |= {"nothing_is_sent": worker_heartbeat.is_missed()}
    return render(request, "desk/send_again.html", context, status=status)


def _window_response(
    request: StaffRequest,
    patient: Patient,
    form: RegistrationForm,
    *,
    self_registration: SelfRegistration | None = None,
    may_issue: bool = True,
    is_proxy: bool = False,
) -> HttpResponse:
    if request.method != "POST":
        portal_statuses_needed.send(sender=None)
        _record_view(request, patient)
    refused = eligibility.refusal_reason(patient)
    status = 422 if request.method == "POST" else 200
    if may_issue and request.method == "POST" and not refused and form.is_valid():
        try:
            registration = _complete(request, form)
        except database_errors.UNAVAILABLE as fault:
            registration, status = None, _database_unavailable(form, fault)
        if registration:
            return _completed(request, patient, registration, print_now=form.cleaned_data["print_pin"])
    context = {
        "patient": patient,
        "form": form,
        "refused": refused,
        "self_registration": self_registration,
        "is_proxy": is_proxy,
        "window_title": "Add Proxy" if is_proxy else "Patient Registration",
        "window_url": reverse("desk:proxy" if is_proxy else "desk:register", args=[patient.pk]),
    }
    context |= {"nothing_is_sent": worker_heartbeat.is_missed()}
    return render(request, _template(request, "register"), context, status=status)


def _complete(request: StaffRequest, form: RegistrationForm) -> Registration | None:
    """Issue the registration. If it is refused, add the reasons to the form and return None."""
    try:
        return registrations.register_patients(
            RegistrationRequest(
                practice=request.practice,
                patients=form.chosen_patients,
                recipient=form.chosen_recipient,
                method=form.chosen_method,
                delivery=form.chosen_delivery,
                language=form.chosen_language,
                proxy=form.chosen_proxy,
                identified_by=form.cleaned_data["identified_by"],
                risk_acknowledged=form.cleaned_data["risk_acknowledged"],
                override_reasons=form.override_reasons,
                form_token=form.cleaned_data["form_token"],
            ),
            session_key=session_key(request),
            actor=Actor.from_request(request),
        )
    except Refused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except OverrideRequired as error:
        form.ask(error.safety_warnings)
    return None


def _database_unavailable(form: Form, fault: Error) -> int:
    """Tell the user that nothing was saved, and return the HTTP status.

    The disk may be full, the rows may have been locked for too long, or the database server may be unreachable.
    """
    log.exception("database unavailable")
    database_errors.close_broken_connection(fault)
    form.add_error(
        None,
        "Nothing was saved because the portal is temporarily unavailable. "
        "What you typed is still here. Try again in a moment.",
    )
    return 503


def _completed(
    request: StaffRequest, patient: Patient, registration: Registration, *, print_now: bool = False
) -> HttpResponse:
    """Show the PIN in the response to the completed form, and nowhere else."""
    pin = pin_display.reveal(registration, session_key=session_key(request), actor=Actor.from_request(request))
    if pin is None:
        registration.refresh_from_db()  # another desk may have superseded it, which deletes its PIN
    panel = CompletedPanel(
        registration=registration,
        covered=list(registration.patients.order_by("birth_date")),
        pin=pin,
        replaced_names=sorted({replaced.recipient_name for replaced in registration.replaced()}),
        is_delivery_paused=worker_heartbeat.is_missed(),
    )
    return render(
        request, _template(request, "completed"), {"patient": patient, "panel": panel, "print_now": print_now}
    )


def _pending_request(patient: Patient) -> SelfRegistration | None:
    return patient.self_registrations.waiting().select_related("account").first()


def _record_view(request: StaffRequest, patient: Patient) -> None:
    audit.record(
        audit.Action.ACCOUNT_VIEWED,
        actor=Actor.from_request(request),
        practice=request.practice,
        patient=patient.pk,
        details={"in": "Patient Registration window"},
    )


def _template(request: StaffRequest, name: str) -> str:
    """Return the template for the window's content if htmx asks, otherwise the template for the whole page."""
    return f"desk/_{name}.html" if request.htmx else f"desk/{name}.html"
