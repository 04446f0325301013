"""Those of django-allauth's addresses whose answers could tell by their timing who has an account, at an even pace.

For staff and families. They stand before django-allauth's own, under its names.
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
