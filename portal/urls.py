"""All URLs. Keep them stable, because people bookmark them, and they are printed on PIN sheets and in manuals."""

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import sessions, views

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Practice portal administration"
admin.site.index_title = "Administration"
admin.site.site_url = None  # an administrator may work in no practice

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/session/", views.keep_session_alive),
    path("practice/", views.choose_practice, name="choose_practice"),
    path("activity/", views.activity, name="activity"),
    path("accounts/email/", views.always_not_found),  # only administrators change the addresses of staff
    path("accounts/signup/", views.always_not_found),
    path("", include("registration.family.urls")),
    path("", include("registration.family.allauth_urls")),  # some of allauth's URLs with even response times
    path("accounts/logout/", sessions.clear_site_data_on_logout(logout), name="account_logout"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("patients/", include("patients.urls")),
    path("", include("registration.desk.urls")),
]
if settings.DEMO_MAILBOX:
    urlpatterns.append(path("demo/mailbox/", include("notifications.urls")))

handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler400 = "registration.family.error_pages.bad_request"
handler500 = "registration.family.error_pages.server_error"
