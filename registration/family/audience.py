"""Which pages are the family's: its own addresses, and django-allauth's where a family comes to them."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.models import Membership, User
from registration.family.decorators import current_account

_OWN: Final = ("/start/", "/family/")
_SHARED: Final = "/accounts/"
_STAFF_DOOR: Final = "/accounts/login/"
# Who came through the family's door and is not signed in yet: a code for a new passphrase is asked for under /accounts/.
_COOKIE: Final = "door"


def is_family_page(request: HttpRequest) -> bool:
    if is_own(request):
        return True
    if not _is_shared(request):
        return False
    user = getattr(request, "user", None)
    if isinstance(user, User):
        return current_account(request) is not None and not Membership.objects.filter(user=user).exists()
    return came_by_it(request)


def is_own(request: HttpRequest) -> bool:
    return request.path.startswith(_OWN)


def came_by_it(request: HttpRequest) -> bool:
    """A page that staff and families share, in a browser that came through the family's door."""
    return _is_shared(request) and request.COOKIES.get(_COOKIE) == "family"


def came_in(response: HttpResponse) -> None:
    """From now on this browser's sign-in pages have the family's look."""
    response.set_cookie(_COOKIE, "family", secure=settings.HTTPS, httponly=True, samesite="Lax")


def _is_shared(request: HttpRequest) -> bool:
    return request.path.startswith(_SHARED) and request.path != _STAFF_DOOR
