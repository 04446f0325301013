from django.urls import path

from registration.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("patients/<uuid:patient_id>/register/", views.register_patient, name="register"),
    path("patients/<uuid:patient_id>/registrations/", views.registrations, name="registrations"),
    path("registrations/<uuid:registration_id>/sheet.pdf", views.sheet, name="sheet"),
    path("registrations/<uuid:registration_id>/revoke/", views.revoke, name="revoke"),
]
