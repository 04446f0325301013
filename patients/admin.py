"""Patients and family contacts come from the practice's record system: here they are looked at, and corrected where need be."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from patients.models import Contact, NameKey, Patient, email_key, keys_of, phone_key
from portal.admin import ReadOnlyAdmin


class ContactInline(admin.TabularInline[Contact, Patient]):
    model = Contact
    extra = 0
    fields = ("given_names", "family_name", "relationship", "email", "phone", "has_authority", "active")
    can_delete = False  # a registration may name the contact: make it inactive


@admin.register(Patient)
class PatientAdmin(admin.ModelAdmin[Patient]):
    list_display = ("name", "birth_date", "mrn", "practice", "portal_status", "active")
    list_filter = ("practice", "portal_status", "active", "deceased")
    search_fields = ("=mrn", "=source_id", "family_name__istartswith")
    show_full_result_count = False
    inlines = (ContactInline,)
    readonly_fields = ("practice", "source_system", "source_id", "portal_status", "settled_status", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return False

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """What was corrected is found under its new name at once."""
        patient: Patient = form.instance
        for formset in formsets:
            for contact_form in formset.forms:
                contact_form.instance.practice = patient.practice
        super().save_related(request, form, formsets, change)
        contacts = list(patient.contacts.all())
        people: list[Patient | Contact] = [patient, *contacts]
        for person in people:
            person.phone_key, person.email_key = phone_key(person.phone), email_key(person.email)
            person.save(update_fields=["phone_key", "email_key"])
        patient.name_keys.all().delete()
        NameKey.objects.bulk_create(keys_of(patient, contacts))


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """Corrected with the patient, so that the keys follow."""

    list_display = ("name", "relationship", "patient", "practice", "has_authority", "active")
    list_filter = ("practice", "has_authority", "active")
    search_fields = ("family_name__istartswith", "=email")
    show_full_result_count = False
