"""django-allauth's sign-in and password-reset URLs, with evenly timed responses for staff and families.

Otherwise, the response time would reveal who has an account. These patterns come before django-allauth's own and use
the same names.
"""

from allauth.account import views
from django.urls import path

from portal.response_timing import evenly_timed

urlpatterns = [
    path("accounts/login/", evenly_timed(views.login), name="account_login"),
    path("accounts/password/reset/", evenly_timed(views.password_reset), name="account_reset_password"),
    path(
        "accounts/password/reset/confirm/",
        evenly_timed(views.confirm_password_reset_code),
        name="account_confirm_password_reset_code",
    ),
]
