"""Patients in the admin: views are audited, and a correction changes only the corrected values."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from patients.admin import PatientAdmin
from patients.models import Contact, Patient, PortalStatus, set_portal_status
from portal.models import AuditEvent, Practice, User
from tests import factories


@pytest.fixture
def administrator(db: None) -> User:
    return factories.a_member(None, email="admin@demo.example", is_staff=True, is_superuser=True)


@pytest.fixture
def administration(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def address(patient: Patient) -> str:
    return f"/admin/patients/patient/{patient.pk}/change/"


def filled(client: Client, patient: Patient, **corrected: Any) -> dict[str, Any]:
    """Return what the browser would send from this page, with these corrections."""
    context = client.get(address(patient)).context
    formsets = [formset.formset for formset in context["inline_admin_formsets"]]
    forms = [context["adminform"].form, *(form for formset in formsets for form in [formset.management_form, *formset])]
    sent = {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}
    return {name: value for name, value in (sent | corrected).items() if value is not None and value is not False}


def correct(client: Client, patient: Patient, **corrected: Any) -> None:
    response = client.post(address(patient), filled(client, patient, **corrected))
    assert response.status_code == 302, response.context["errors"]


def test_corrected_name_and_phone_update_the_search_keys(
    administration: Client, patient: Patient, mother: Contact
) -> None:
    correct(administration, patient, family_name="Nguyễn", phone="612 555 0177", **{"contacts-0-given_names": "Eva"})
    patient.refresh_from_db()
    assert (patient.family_name, patient.phone_key) == ("Nguyễn", "+16125550177")
    assert set(patient.name_keys.values_list("last", "first")) == {("nguyen", "sofia"), ("garcia", "eva")}


def test_corrected_mrn_updates_its_search_key(administration: Client, patient: Patient) -> None:
    correct(administration, patient, mrn="MG 00-77")
    patient.refresh_from_db()
    assert patient.mrn_key == "mg0077"


def test_contact_made_inactive_has_no_search_keys(administration: Client, patient: Patient, mother: Contact) -> None:
    correct(administration, patient, **{"contacts-0-active": False})
    mother.refresh_from_db()
    assert (mother.active, mother.in_source, mother.is_current) == (False, True, False)
    assert not mother.name_keys.exists()


@pytest.mark.parametrize("row", ["patient", "contact"])
def test_viewing_a_record_is_audited(
    administration: Client, administrator: User, patient: Patient, mother: Contact, row: str
) -> None:
    shown = patient if row == "patient" else mother
    html = administration.get(f"/admin/patients/{row}/{shown.pk}/change/").content.decode()
    assert shown.family_name in html
    event = AuditEvent.objects.get(action="account_viewed")
    assert (event.actor, event.practice, event.patient_id) == (administrator, patient.practice, patient.pk)
    assert event.details == {"in": "administration"}


def test_withdrawing_authority_is_audited(
    administration: Client, administrator: User, patient: Patient, mother: Contact
) -> None:
    correct(administration, patient, family_name="Nguyen", **{"contacts-0-has_authority": False})
    mother.refresh_from_db()
    assert not mother.has_authority
    event = AuditEvent.objects.get(action="administered")
    assert (event.actor, event.practice, event.patient_id) == (administrator, patient.practice, patient.pk)
    assert event.details == {
        "what": "patient",
        "done": f"changed Last name; changed contact {mother} (Authorized to see the record)",
    }


def test_rejected_correction_is_audited_as_a_view(administration: Client, patient: Patient) -> None:
    sent = filled(administration, patient, birth_date="soon")
    assert administration.post(address(patient), sent).status_code == 200
    assert AuditEvent.objects.filter(action="account_viewed", patient_id=patient.pk).count() == 2


@pytest.mark.parametrize("key", ["a839a288-03ba-4c4d-8a9b-e77feceb12b6", "nobody"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_request_for_an_unknown_record_is_not_audited(administration: Client, key: str, method: str) -> None:
    response = getattr(administration, method)(f"/admin/patients/patient/{key}/change/")
    assert response.status_code == 302
    assert not AuditEvent.objects.filter(action="account_viewed").exists()


def test_front_desk_gets_neither_the_admin_page_nor_an_audit_event(desk: Client, patient: Patient) -> None:
    assert desk.get(address(patient)).status_code == 302
    assert not AuditEvent.objects.filter(action="account_viewed").exists()


@pytest.mark.django_db(transaction=True)
def test_status_set_during_a_correction_is_kept(
    administration: Client, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front desk issues a PIN after the administrator's request has read the row and before it writes it."""
    patient = factories.a_patient(practice)
    sent = filled(administration, patient, city="Troy")
    save_model = PatientAdmin.save_model
    threads: list[threading.Thread] = []

    def issue() -> None:
        try:
            with transaction.atomic():
                set_portal_status(Patient.objects.select_for_update().get(pk=patient.pk), PortalStatus.PENDING)
        finally:
            connection.close()

    def save_while_the_desk_works(*args: Any, **named: Any) -> None:
        threads.append(threading.Thread(target=issue))
        threads[0].start()
        threads[0].join(timeout=1)  # it has finished, or it waits for this row
        save_model(*args, **named)

    monkeypatch.setattr(PatientAdmin, "save_model", save_while_the_desk_works)
    assert administration.post(address(patient), sent).status_code == 302
    threads[0].join(timeout=30)
    patient.refresh_from_db()
    assert (patient.city, patient.portal_status) == ("Troy", PortalStatus.PENDING)
    assert {key.status for key in patient.name_keys.all()} == {PortalStatus.PENDING}
