from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.mailbox, name="mailbox"),
    path("<str:key>/", views.received, name="received"),
    path("<str:key>/html/", views.received_html, name="received_html"),
]
