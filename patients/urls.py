from django.urls import path

from patients import views

app_name = "patients"
urlpatterns = [
    path("", views.search_patients, name="search"),
    path("<uuid:patient_id>/", views.account, name="account"),
]
