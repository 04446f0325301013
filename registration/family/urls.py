"""The family's addresses. /start/ stands in messages and on sheets: it stays."""

from django.urls import path

from registration.family import kiosk, sign_in_views
from registration.family.home import home_views, profile_views
from registration.family.signup import account_views, pin_views, request_access_views

app_name = "family"
urlpatterns = [
    path("start/", pin_views.start, name="start"),
    path("start/question/", pin_views.question, name="question"),
    path("start/children/", pin_views.children, name="children"),
    path("start/you/", pin_views.you, name="you"),
    path("start/sign-in-details/", account_views.sign_in_details, name="sign_in_details"),
    path("start/code/", account_views.code, name="code"),
    path("start/known/", account_views.known, name="known"),
    path("start/add/", account_views.add, name="add"),
    path("start/without-a-pin/", request_access_views.without_a_pin, name="without_a_pin"),
    path("start/without-a-pin/practice/", request_access_views.without_a_pin, name="which_practice"),
    path("start/without-a-pin/you/", request_access_views.asking_you, name="asking_you"),
    path("start/without-a-pin/children/", request_access_views.asking_children, name="asking_children"),
    path("start/sign-in/", sign_in_views.sign_in, name="sign_in"),
    path("start/sign-in/passkey/", sign_in_views.sign_in_with_passkey, name="sign_in_with_passkey"),
    path("start/help-signing-in/", sign_in_views.help_signing_in, name="help_signing_in"),
    path("start/this-screen/", kiosk.hand_over, name="this_screen"),
    path("start/clear-screen/", kiosk.clear_screen, name="clear_screen"),
    path("start/cleared/", kiosk.screen_cleared, name="screen_cleared"),
    path("start/still-here/", home_views.still_here, name="still_here"),
    path("start/terms/", pin_views.terms, name="terms"),
    path("start/logo/<slug:slug>.png", pin_views.logo, name="logo"),
    path("family/", home_views.at_home, name="home"),
    path("family/add/", home_views.add_a_child, name="add_a_child"),
    path("family/children/<uuid:registration_id>/<uuid:patient_id>/", home_views.confirm_later, name="confirm_later"),
    path("family/offers/<uuid:registration_id>/", home_views.offer, name="offer"),
    path("family/asked/<uuid:asked_id>/answer/", home_views.answer_more, name="answer_more"),
    path("family/asked/<uuid:asked_id>/withdraw/", home_views.withdraw, name="withdraw"),
    path("family/details/", profile_views.details, name="details"),
    path("family/details/email/", profile_views.new_email, name="new_email"),
    path("family/details/email/code/", profile_views.prove_email, name="prove_email"),
    path("family/sign-out/", home_views.sign_out, name="sign_out"),
]
