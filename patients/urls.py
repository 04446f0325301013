from django.urls import path

from patients import quick_search_views, views

app_name = "patients"
urlpatterns = [
    path("", views.search_patients, name="search"),
    path("quick/", quick_search_views.quick_search_page, name="quick"),
    path("quick/hits/", quick_search_views.quick_hits, name="quick_hits"),
    path("<uuid:patient_id>/", views.account, name="account"),
]
