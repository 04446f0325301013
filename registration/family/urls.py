"""The family's addresses. /start/ stands in messages and on sheets: it stays."""

from django.urls import path

from registration.family import (
    arrive_views,
    asking_views,
    details_views,
    family_views,
    kiosk,
    sign_in_views,
    start_views,
)

app_name = "family"
urlpatterns = [
    path("start/", start_views.start, name="start"),
    path("start/question/", start_views.question, name="question"),
    path("start/children/", start_views.children, name="children"),
    path("start/you/", start_views.you, name="you"),
    path("start/sign-in-details/", arrive_views.sign_in_details, name="sign_in_details"),
    path("start/code/", arrive_views.code, name="code"),
    path("start/known/", arrive_views.known, name="known"),
    path("start/add/", arrive_views.add, name="add"),
    path("start/without-a-pin/", asking_views.without_a_pin, name="without_a_pin"),
    path("start/without-a-pin/practice/", asking_views.without_a_pin, name="which_practice"),
    path("start/without-a-pin/you/", asking_views.asking_you, name="asking_you"),
    path("start/without-a-pin/children/", asking_views.asking_children, name="asking_children"),
    path("start/sign-in/", sign_in_views.sign_in, name="sign_in"),
    path("start/sign-in/passkey/", sign_in_views.sign_in_with_passkey, name="sign_in_with_passkey"),
    path("start/help-signing-in/", sign_in_views.help_signing_in, name="help_signing_in"),
    path("start/this-screen/", kiosk.hand_over, name="this_screen"),
    path("start/clear-screen/", kiosk.clear_screen, name="clear_screen"),
    path("start/cleared/", kiosk.screen_cleared, name="screen_cleared"),
    path("start/still-here/", family_views.still_here, name="still_here"),
    path("start/terms/", start_views.terms, name="terms"),
    path("start/logo/<slug:slug>.png", start_views.logo, name="logo"),
    path("family/", family_views.at_home, name="home"),
    path("family/add/", family_views.add_a_child, name="add_a_child"),
    path("family/children/<uuid:registration_id>/<uuid:patient_id>/", family_views.confirm_later, name="confirm_later"),
    path("family/offers/<uuid:registration_id>/", family_views.offer, name="offer"),
    path("family/asked/<uuid:asked_id>/answer/", family_views.answer_more, name="answer_more"),
    path("family/asked/<uuid:asked_id>/withdraw/", family_views.withdraw, name="withdraw"),
    path("family/details/", details_views.details, name="details"),
    path("family/details/email/", details_views.new_email, name="new_email"),
    path("family/details/email/code/", details_views.prove_email, name="prove_email"),
    path("family/sign-out/", family_views.sign_out, name="sign_out"),
]
