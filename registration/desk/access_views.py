"""The staff pages about access: taking it away and giving it back, lost passkeys, families that decline, the age limit."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications import suppressions
from notifications.models import Channel
from patients.models import Patient
from portal import audit
from portal.access import Permission, StaffRequest, requires
from portal.audit import Actor
from portal.signals import portal_statuses_needed
from registration.access import age_limit as coming_of_age
from registration.access import associations
from registration.desk.forms.access_forms import DeclineForm, RemoveForm, ResetForm, RestoreForm
from registration.issuing import declines
from registration.models import Association, SelfRegistration
from registration.values import Refused

_ASKS = ["GET", "HEAD", "POST"]


@require_http_methods(_ASKS)
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
            _tell_removed(request, association, removed=removed)
            return redirect(association.patient)
    return _ask(request, "remove_access", form, association=association)


@require_http_methods(_ASKS)
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
            notices.success(request, f"{association.account.name} has access again and is told by e-mail.")
            return redirect(association.patient)
    refused = associations.restore_refusal(association)
    of_age = associations.is_past_age_limit(association)
    return _ask(request, "restore_access", form, association=association, refused=refused, of_age=of_age)


@require_http_methods(_ASKS)
@requires(Permission.MANAGE_ACCESS)
def reset_sign_in(request: StaffRequest, association_id: uuid.UUID) -> HttpResponse:
    """A lost passkey: it is taken off the account that this association belongs to."""
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
            notices.success(request, f"The passkeys of {account.name} no longer work. An e-mail says how to go on.")
            return redirect(association.patient)
    refused = associations.reset_refusal(account, practice=request.practice)
    return _ask(request, "reset_sign_in", form, association=association, refused=refused)


@require_http_methods(_ASKS)
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
            notices.success(request, "Written down: the family declines the portal. Nothing is sent to it.")
            return redirect(patient)
    asked = SelfRegistration.objects.waiting().filter(likely=patient)
    return _ask(request, "decline", form, patient=patient, unfinished=patient.registrations.unfinished(), asked=asked)


@require_POST
@requires(Permission.MANAGE_ACCESS)
def undo_decline(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient = _patient(request, patient_id)
    row = patient.declines.live().first()
    if row and declines.undo(row, actor=Actor.from_request(request)):
        notices.success(request, "The family may be registered again.")
    else:
        notices.info(request, "That the family declines had been taken back already.")
    return redirect(patient)


@require_POST
@requires(Permission.MANAGE_ACCESS)
def stop_messages(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient, chosen = _address(request, patient_id)
    suppressions.suppress(request.practice, **chosen, actor=Actor.from_request(request), patient=patient.pk)
    notices.success(request, f"{request.practice.name} sends nothing to {chosen['address']} any more.")
    return redirect(patient)


@require_POST
@requires(Permission.MANAGE_ACCESS)
def allow_messages(request: StaffRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient, chosen = _address(request, patient_id)
    suppressions.unsuppress(request.practice, **chosen, actor=Actor.from_request(request), patient=patient.pk)
    notices.success(request, f"Messages may go to {chosen['address']} again.")
    return redirect(patient)


@require_safe
@requires(Permission.VIEW_PATIENT)
def age_limit(request: StaffRequest) -> HttpResponse:
    """The worklist of birthdays in the next 90 days that change what parents may see."""
    portal_statuses_needed.send(sender=None)
    rows = list(coming_of_age.upcoming_birthdays(request.practice))
    audit.record(
        audit.Action.SEARCHED,
        actor=Actor.from_request(request),
        practice=request.practice,
        details={"by": "minor age limit", "found": len(rows)},
    )
    return render(request, "desk/age_limit.html", {"rows": rows})


def _ask(request: StaffRequest, template: str, form: forms.Form, **context: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    if association := context.get("association"):
        context["patient"] = association.patient
    return render(request, f"desk/{template}.html", {"form": form, **context}, status=status)


def _association(request: StaffRequest, association_id: uuid.UUID) -> Association:
    portal_statuses_needed.send(sender=None)  # what has ended by its date is not to be removed
    rows = Association.objects.for_practice(request.practice).select_related(
        "account__user", "patient__practice", "registration"
    )
    return get_object_or_404(rows, pk=association_id)


def _patient(request: StaffRequest, patient_id: uuid.UUID) -> Patient:
    return get_object_or_404(Patient.objects.for_practice(request.practice).select_related("practice"), pk=patient_id)


def _address(request: StaffRequest, patient_id: uuid.UUID) -> tuple[Patient, dict[str, str]]:
    """What the family contact has on record: the page names the contact and the channel, never an address."""
    patient = _patient(request, patient_id)
    contact = next((each for each in patient.contacts.all() if str(each.pk) == request.POST.get("contact")), None)
    on_record = {Channel.EMAIL: contact.email, Channel.TEXT: contact.phone} if contact else {}
    channel = request.POST.get("channel", "")
    address = next((value for name, value in on_record.items() if name == channel), "")
    if not address:
        raise Http404
    return patient, {"channel": channel, "address": address}


def _tell_removed(request: StaffRequest, association: Association, *, removed: bool) -> None:
    association.refresh_from_db(fields=["ended_at", "ends_at"])
    who = association.account.name
    if not removed:
        notices.info(request, f"The access of {who} had ended already.")
    elif association.ended_at:
        notices.success(request, f"{who} has no access any more and is told by e-mail.")
    else:
        assert association.ends_at is not None
        day = request.practice.last_day(association.ends_at)
        notices.success(request, f"{who} has access until {date_format(day, 'F j, Y')} and is told by e-mail.")
