"""Staff pages about access: removing and restoring access, lost passkeys, declines, stopped messages, and the age limit."""

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications import suppressions
from notifications.models import Channel
from patients.models import Patient
from patients.templatetags.patient_values import us_date
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.models import Practice
from portal.signals import portal_statuses_needed
from registration.access import age_limit as age_limits
from registration.access import associations
from registration.desk.forms.access_forms import DeclineForm, RemoveForm, ResetForm, RestoreForm
from registration.desk.presenters.access_pages import RestorePage, decline_note
from registration.issuing import declines
from registration.models import Association, SelfRegistration
from registration.values import Refused

_FORM_METHODS: Final = ["GET", "HEAD", "POST"]
_AT_AGE_LIMIT: Final = {
    Practice.AtAgeLimit.ENDS: "On that birthday, the parents’ access ends.",
    Practice.AtAgeLimit.LIMITED: "On that birthday, the parents’ access becomes limited.",
    Practice.AtAgeLimit.RENEWAL: "On that birthday, the parents’ access pauses until you renew it.",
}


@require_http_methods(_FORM_METHODS)
@requires(Permission.MANAGE_ACCESS)
def remove(request: StaffRequest, association_id: uuid.UUID) -> HttpResponse:
    association = _association(request, association_id)
    form = RemoveForm(request.POST or None)
    form.fields["on"].widget.attrs["min"] = request.practice.today().isoformat()
    if request.method == "POST" and form.is_valid():
        try:
            removed = associations.remove(association, **form.cleaned_data, actor=Actor.from_request(request))
        except Refused as error:
            form.add_error(error.field, str(error))
        else:
            _confirm_removal(request, association, removed=removed)
            return redirect(association.patient)
    return _form_page(request, "remove_access", form, association=association)


@require_http_methods(_FORM_METHODS)
@requires(Permission.MANAGE_ACCESS)
def restore(request: StaffRequest, association_id: uuid.UUID) -> HttpResponse:
    association = _association(request, association_id)
    form = RestoreForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            associations.restore(association, **form.cleaned_data, actor=Actor.from_request(request))
        except Refused as error:
            form.add_error(None, str(error))
        else:
            notices.success(request, f"{association.account.name} has access again and will be notified by email.")
            return redirect(association.patient)
    page = RestorePage(association)
    return _form_page(request, "restore_access", form, association=association, page=page)


@require_http_methods(_FORM_METHODS)
@requires(Permission.MANAGE_ACCESS)
def reset_sign_in(request: StaffRequest, association_id: uuid.UUID) -> HttpResponse:
    """Remove the passkeys of the account that has this association, because the owner lost one."""
    association = _association(request, association_id)
    account = association.account
    form = ResetForm(request.POST or None, practice=request.practice)
    if request.method == "POST" and form.is_valid():
        try:
            associations.reset_sign_in(
                account, **form.cleaned_data, practice=request.practice, actor=Actor.from_request(request)
            )
        except Refused as error:
            form.add_error(None, str(error))
        else:
            notices.success(request, f"{account.name}’s passkeys no longer work. We’ll email them what to do next.")
            return redirect(association.patient)
    refused = associations.reset_refusal(account, practice=request.practice)
    return _form_page(request, "reset_sign_in", form, association=association, refused=refused)


@require_http_methods(_FORM_METHODS)
@requires(Permission.MANAGE_ACCESS)
def decline(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient = _patient(request, patient_id)
    form = DeclineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            declines.decline(patient, **form.cleaned_data, actor=Actor.from_request(request))
        except Refused as error:
            form.add_error(None, str(error))
        else:
            notices.success(request, "Decline recorded. We won’t send anything to this family.")
            return redirect(patient)
    return _form_page(
        request,
        "decline",
        form,
        patient=patient,
        revoked_notes=[decline_note(registration, patient) for registration in patient.registrations.unfinished()],
        self_registrations=SelfRegistration.objects.waiting().filter(likely=patient),
    )


@require_POST
@requires(Permission.MANAGE_ACCESS)
def undo_decline(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient = _patient(request, patient_id)
    row = patient.declines.live().first()
    if row and declines.undo(row, actor=Actor.from_request(request)):
        notices.success(request, "Decline undone. You can register the family again.")
    else:
        notices.info(request, "The decline was already undone.")
    return redirect(patient)


@require_POST
@requires(Permission.MANAGE_ACCESS)
def stop_messages(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient, chosen = _address(request, patient_id)
    suppressions.suppress(request.practice, **chosen, actor=Actor.from_request(request), patient=patient.pk)
    notices.success(request, f"{request.practice.name} will no longer send messages to {chosen['address']}.")
    return redirect(patient)


@require_POST
@requires(Permission.MANAGE_ACCESS)
def allow_messages(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient, chosen = _address(request, patient_id)
    suppressions.unsuppress(request.practice, **chosen, actor=Actor.from_request(request), patient=patient.pk)
    notices.success(request, f"{request.practice.name} can send messages to {chosen['address']} again.")
    return redirect(patient)


@require_safe
@requires(Permission.VIEW_PATIENT)
def age_limit(request: StaffRequest) -> HttpResponse:
    """List the birthdays in the next 90 days that change what parents can see."""
    portal_statuses_needed.send(sender=None)
    rows = list(age_limits.upcoming_birthdays(request.practice))
    audit.record(
        audit.Action.SEARCHED,
        actor=Actor.from_request(request),
        practice=request.practice,
        details={"by": "minor age limit", "found": len(rows)},
    )
    what_happens = _AT_AGE_LIMIT[Practice.AtAgeLimit(request.practice.at_minor_age_limit)]
    return render(request, "desk/age_limit.html", {"rows": rows, "what_happens": what_happens})


def _form_page(request: StaffRequest, template: str, form: forms.Form, **context: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    if association := context.get("association"):
        context["patient"] = association.patient
    return render(request, f"desk/{template}.html", {"form": form, **context}, status=status)


def _association(request: StaffRequest, association_id: uuid.UUID) -> Association:
    portal_statuses_needed.send(sender=None)  # ends access whose end date has passed, so it cannot be removed
    rows = Association.objects.for_practice(request.practice).select_related(
        "account__user", "patient__practice", "registration"
    )
    return get_object_or_404(rows, pk=association_id)


def _patient(request: StaffRequest, patient_id: uuid.UUID) -> Patient:
    return get_object_or_404(Patient.objects.for_practice(request.practice).select_related("practice"), pk=patient_id)


def _address(request: StaffRequest, patient_id: uuid.UUID) -> tuple[Patient, dict[str, str]]:
    """Look up the contact's address on record, or raise 404. The form names the contact and the channel, never an address."""
    patient = _patient(request, patient_id)
    chosen = request.POST.get("contact")
    contact = next((contact for contact in patient.contacts.all() if str(contact.pk) == chosen), None)
    on_record = {Channel.EMAIL: contact.email, Channel.TEXT: contact.phone} if contact else {}
    channel = request.POST.get("channel", "")
    address = next((value for name, value in on_record.items() if name == channel), "")
    if not address:
        raise Http404
    return patient, {"channel": channel, "address": address}


def _confirm_removal(request: StaffRequest, association: Association, *, removed: bool) -> None:
    association.refresh_from_db(fields=["ended_at", "ends_at"])
    name = association.account.name
    if not removed:
        notices.info(request, f"{name}’s access had already ended.")
    elif association.ended_at:
        notices.success(request, f"{name} no longer has access and will be notified by email.")
    else:
        assert association.ends_at is not None
        day = us_date(request.practice.last_day(association.ends_at))
        notices.success(request, f"{name} has access until {day} and will be notified by email.")
