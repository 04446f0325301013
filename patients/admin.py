"""View and correct patients and family contacts, which come from the practice's record system."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from patients.keys import email_key, mrn_key, phone_key
from patients.models import Contact, NameKey, Patient, keys_of
from portal import audit
from portal.admin import AS_TEXT, PortalAdmin, ReadOnlyAdmin
from portal.form_messages import StaffModelForm


class ContactInline(admin.TabularInline[Contact, Patient]):
    model = Contact
    form = StaffModelForm
    extra = 0
    formfield_overrides = AS_TEXT
    fields = ("given_names", "family_name", "relationship", "email", "phone", "has_authority", "active", "in_source")
    readonly_fields = ("in_source",)
    can_delete = False  # a registration may refer to the contact, so make it inactive instead


@admin.register(Patient)
class PatientAdmin(PortalAdmin):
    list_display = ("name", "birth_date", "mrn", "practice", "portal_status", "active")
    list_filter = ("practice", "portal_status", "active", "deceased")
    search_fields = ("=mrn", "=source_id", "family_name__istartswith")
    show_full_result_count = False
    inlines = (ContactInline,)
    readonly_fields = ("practice", "source_system", "source_id", "portal_status", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return False

    @transaction.atomic
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lock the row before reading it, so that a correction cannot undo a simultaneous status change or import."""
        patient = self.get_object(request, unquote(object_id))
        if patient and request.method == "POST":
            Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        response = super().change_view(request, object_id, form_url, extra_context)
        return _record_view(request, response, patient)

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        """Save only the corrected columns. The desk or the import maintains the others."""
        obj.save(update_fields=[*form.changed_data, "updated_at"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Update the search keys, so that the patient is found by the corrected values."""
        patient: Patient = form.instance
        for formset in formsets:
            for contact_form in formset.forms:
                contact_form.instance.practice = patient.practice
        super().save_related(request, form, formsets, change)
        patient.refresh_from_db()
        contacts = list(patient.contacts.all())
        patient.mrn_key = mrn_key(patient.mrn)
        patient.save(update_fields=["mrn_key"])
        people: list[Patient | Contact] = [patient, *contacts]
        for person in people:
            person.phone_key, person.email_key = phone_key(person.phone), email_key(person.email)
            person.save(update_fields=["phone_key", "email_key"])
        patient.name_keys.all().delete()
        NameKey.objects.bulk_create(keys_of(patient, contacts))


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """Read-only. Contacts are corrected on the patient's page, which updates the search keys."""

    list_display = ("name", "relationship", "patient", "practice", "has_authority", "active", "in_source")
    list_filter = ("practice", "has_authority", "active", "in_source")
    search_fields = ("family_name__istartswith", "=email")
    show_full_result_count = False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        contact = self.get_object(request, unquote(object_id))
        return _record_view(request, response, contact.patient if contact else None)


def _record_view(request: HttpRequest, response: HttpResponse, patient: Patient | None) -> HttpResponse:
    """Audit each page that shows the record, as the desk's account page does. Skip redirects, which show nothing."""
    if patient and response.status_code == 200:
        audit.record(
            audit.Action.ACCOUNT_VIEWED,
            actor=audit.Actor.from_request(request),
            practice=patient.practice,
            patient=patient.pk,
            details={"in": "administration"},
        )
    return response
