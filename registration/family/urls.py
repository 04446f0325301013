"""URLs of the family pages. /start/ is printed in messages and on PIN sheets, so it must never change."""

from django.urls import path
from django.views.generic import RedirectView

from registration.family import kiosk, sign_in_views
from registration.family.home import home_views, profile_views
from registration.family.signup import account_views, add_to_account_views, pin_views, request_access_views

app_name = "family"
urlpatterns = [
    path("start/", pin_views.start, name="start"),
    path("start/question/", pin_views.question, name="question"),
    path("start/children/", pin_views.children, name="children"),
    path("start/about-you/", pin_views.about_you, name="about_you"),
    path("start/sign-in-details/", account_views.sign_in_details, name="sign_in_details"),
    path("start/code/", account_views.code, name="code"),
    path("start/code/resend/", account_views.resend_code, name="resend_code"),
    path("start/existing-account/", account_views.existing_account, name="existing_account"),
    path("start/add/", add_to_account_views.add_to_account, name="add"),
    path("start/request-access/", request_access_views.request_access, name="request_access"),
    path("start/request-access/practice/", request_access_views.request_access, name="which_practice"),
    path("start/request-access/about-you/", request_access_views.request_about_you, name="request_about_you"),
    path("start/request-access/children/", request_access_views.request_children, name="request_children"),
    path("start/sign-in/", sign_in_views.sign_in, name="sign_in"),
    path("start/sign-in/passkey/", sign_in_views.sign_in_with_passkey, name="sign_in_with_passkey"),
    path("start/help-signing-in/", sign_in_views.help_signing_in, name="help_signing_in"),
    path("start/kiosk/", kiosk.start_kiosk, name="start_kiosk"),
    path("start/clear-screen/", kiosk.clear_screen, name="clear_screen"),
    path("start/cleared/", kiosk.screen_cleared, name="screen_cleared"),
    path("start/keep-alive/", home_views.keep_session_alive, name="keep_session_alive"),
    path("start/terms/", pin_views.terms, name="terms"),
    path("start/logo/<slug:slug>.png", pin_views.logo, name="logo"),
    path("family/", home_views.home, name="home"),
    path("family/add/", home_views.add_child, name="add_child"),
    path("family/children/<uuid:registration_id>/<uuid:patient_id>/", home_views.confirm_later, name="confirm_later"),
    path("family/offers/<uuid:registration_id>/", home_views.offer, name="offer"),
    path("family/requests/<uuid:self_registration_id>/answer/", home_views.answer_question, name="answer_question"),
    path("family/requests/<uuid:self_registration_id>/withdraw/", home_views.withdraw, name="withdraw"),
    path("family/profile/", profile_views.profile, name="profile"),
    path("family/profile/email/", profile_views.new_email, name="new_email"),
    path("family/profile/email/code/", profile_views.verify_email, name="verify_email"),
    path("family/sign-out/", home_views.sign_out, name="sign_out"),
]

# Addresses of earlier versions, which may be bookmarked or open in a browser.
_MOVED = {
    "start/you/": "family:about_you",
    "start/known/": "family:existing_account",
    "start/without-a-pin/": "family:request_access",
    "start/without-a-pin/practice/": "family:which_practice",
    "start/without-a-pin/you/": "family:request_about_you",
    "start/without-a-pin/children/": "family:request_children",
    "start/this-screen/": "family:start_kiosk",
    "family/details/": "family:profile",
    "family/details/email/": "family:new_email",
    "family/details/email/code/": "family:verify_email",
}
urlpatterns += [path(old, RedirectView.as_view(pattern_name=name, query_string=True)) for old, name in _MOVED.items()]
