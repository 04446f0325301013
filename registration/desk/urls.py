from django.urls import path
from django.views.generic import RedirectView

from registration.desk import access_views, account_page_views, dashboard, match_views, register_views

app_name = "desk"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("patients/<uuid:patient_id>/register/", register_views.register_patient, name="register"),
    path("patients/<uuid:patient_id>/proxy/", register_views.add_proxy, name="proxy"),
    path("registrations/<uuid:registration_id>/send-again/", register_views.send_again, name="send_again"),
    path("patients/<uuid:patient_id>/registrations/", account_page_views.registrations, name="registrations"),
    path("registrations/<uuid:registration_id>/sheet.pdf", account_page_views.sheet, name="sheet"),
    path("registrations/<uuid:registration_id>/revoke/", account_page_views.revoke, name="revoke"),
    path("patients/<uuid:patient_id>/decline/", access_views.decline, name="decline"),
    path("patients/<uuid:patient_id>/decline/undo/", access_views.undo_decline, name="undo_decline"),
    path("patients/<uuid:patient_id>/messages/stop/", access_views.stop_messages, name="stop_messages"),
    path("patients/<uuid:patient_id>/messages/allow/", access_views.allow_messages, name="allow_messages"),
    path("associations/<uuid:association_id>/remove/", access_views.remove, name="remove_access"),
    path("associations/<uuid:association_id>/restore/", access_views.restore, name="restore_access"),
    path("associations/<uuid:association_id>/reset-sign-in/", access_views.reset_sign_in, name="reset_sign_in"),
    path("minor-age-limit/", access_views.age_limit, name="age_limit"),
    path("matches/", match_views.matches, name="matches"),
    path("matches/<uuid:self_registration_id>/", match_views.match, name="match"),
    path("matches/<uuid:self_registration_id>/match/", match_views.make_match, name="make_match"),
    path("matches/<uuid:self_registration_id>/refuse/", match_views.refuse_match, name="refuse_match"),
    path("matches/<uuid:self_registration_id>/ask/", match_views.ask_for_information, name="ask_for_information"),
    path("matches/<uuid:self_registration_id>/reopen/", match_views.reopen_match, name="reopen_match"),
]

# Addresses of earlier versions that staff may have bookmarked.
urlpatterns += [
    path("age-limit/", RedirectView.as_view(pattern_name="desk:age_limit", query_string=True)),
    path(
        "associations/<uuid:association_id>/undo/",
        RedirectView.as_view(pattern_name="desk:restore_access", query_string=True),
    ),
]
