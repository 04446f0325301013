"""Staff pages reached from the account page: the live list of registrations, the PIN sheet, and revoking a registration."""

import uuid

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from patients.models import Patient
from portal import access
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.sessions import session_key
from portal.signals import portal_statuses_needed
from registration.desk import account_panels
from registration.desk.forms.register_form import RevokeForm
from registration.desk.presenters import registration_pages
from registration.issuing import lifecycle, pin_printing
from registration.models import Registration


@require_safe
@requires(Permission.VIEW_PATIENT)
def registrations(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Return only the Registrations panel, so that the page can refresh the panel."""
    portal_statuses_needed.send(sender=None)  # a message that was just accepted ends the PIN it replaces
    patient = get_object_or_404(Patient.objects.for_practice(request.practice), pk=patient_id)
    may = access.staff_context(request)["may"]
    panel = account_panels.panel(request, patient, may=may)
    if request.GET.get("seen") == panel["seen"]:
        return HttpResponse(status=204)  # nothing new: the page keeps its content and the focus
    return render(request, "desk/_live_update.html", panel)


@require_safe
@requires(Permission.REGISTER_PATIENT)
def sheet(request: StaffRequest, registration_id: uuid.UUID) -> HttpResponse:
    registration = _registration(request, registration_id)
    pdf = pin_printing.print_sheet(registration, session_key=session_key(request), actor=Actor.from_request(request))
    if pdf is None:
        return render(request, "desk/sheet_expired.html", {"registration": registration}, status=410)
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
        if lifecycle.revoke(registration, reason=form.cleaned_data["reason"], actor=Actor.from_request(request)):
            notices.success(request, f"The registration for {registration.recipient_name} has been revoked.")
        else:
            notices.info(request, f"The registration for {registration.recipient_name} had already ended.")
        return redirect(patient)
    status = 422 if request.method == "POST" else 200
    context = {
        "patient": patient,
        "form": form,
        "summary": registration_pages.summary(registration, patient),
        "message_note": registration_pages.revoke_note(registration),
    }
    return render(request, "desk/revoke.html", context, status=status)


def _registration(request: StaffRequest, registration_id: uuid.UUID) -> Registration:
    return get_object_or_404(Registration.objects.for_practice(request.practice), pk=registration_id)
