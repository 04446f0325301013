"""Which pages are for families: those under /start/ and /family/, and django-allauth's pages when a family uses them."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.models import Membership, User
from registration.family.decorators import current_account

_FAMILY_PATHS: Final = ("/start/", "/family/")
_SHARED_PATH: Final = "/accounts/"
_STAFF_SIGN_IN: Final = "/accounts/login/"
# Marks a browser whose user came from a family page and may not be signed in: a password is reset under /accounts/.
_COOKIE: Final = "door"


def is_family_page(request: HttpRequest) -> bool:
    if is_family_path(request):
        return True
    if not _is_shared_path(request):
        return False
    user = getattr(request, "user", None)
    if isinstance(user, User):
        return current_account(request) is not None and not Membership.objects.filter(user=user).exists()
    return came_from_family_page(request)


def is_family_path(request: HttpRequest) -> bool:
    return request.path.startswith(_FAMILY_PATHS)


def came_from_family_page(request: HttpRequest) -> bool:
    """Return True for a shared page if the browser last showed a family sign-in page."""
    return _is_shared_path(request) and request.COOKIES.get(_COOKIE) == "family"


def remember_family(response: HttpResponse) -> None:
    """Show this browser the shared pages in the family style from now on."""
    response.set_cookie(_COOKIE, "family", secure=settings.HTTPS, httponly=True, samesite="Lax")


def _is_shared_path(request: HttpRequest) -> bool:
    return request.path.startswith(_SHARED_PATH) and request.path != _STAFF_SIGN_IN
