"""Template context for family pages, and the layout of django-allauth's pages."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.models import Logo, Practice
from portal.phones import national
from registration.family import current_practice, kiosk
from registration.family.audience import is_family_page
from registration.family.decorators import current_account
from registration.family.language import current_language
from registration.family.signup import drafts


@dataclass(frozen=True, kw_only=True)
class NavigationLink:
    url: str
    name: str
    is_current: bool


def family_context(request: HttpRequest) -> dict[str, Any]:
    if not is_family_page(request):
        return {"at_home": "/"}
    return {
        "at_home": reverse("family:home" if current_account(request) else "family:start"),
        "family_layout": "allauth/layouts/family.html",
        "family_base": "base_family.html",
        "family": _page_frame(request),
    }


def _page_frame(request: HttpRequest) -> dict[str, Any]:
    """Build what templates/base_family.html shows around every page."""
    practice = current_practice.find(request)
    account = current_account(request)
    return {
        "practice": practice,
        "logo": _logo_url(practice),
        "phone": national(practice.phone) if practice else "",
        "tel": practice.phone if practice else "",
        "terms": (practice and practice.terms_url) or reverse("family:terms"),
        "account": account,
        "pages": _navigation(request) if account else [],
        "languages": [
            (code, name, _url_in(request, code)) for code, name in settings.LANGUAGES if code != current_language()
        ],
        "idle_minutes": _idle_minutes(request),
        "kiosk": kiosk.is_active(request),
        "kiosk_seconds": int(kiosk.PAGE_CLEARS_AFTER.total_seconds()),
        "passkeys": not kiosk.is_active(request),
    }


def _url_in(request: HttpRequest, language: str) -> str:
    """Return the query string that shows the current page in another language."""
    query = request.GET.copy()
    query["lang"] = language
    return f"?{query.urlencode()}"


def _idle_minutes(request: HttpRequest) -> int:
    """Return the idle limit of the session or draft, in minutes, or 0 if there is no session and no draft.

    The page warns the family before the limit. Return 0 for a kiosk, which has its own timer.
    """
    if kiosk.is_active(request) or not (request.user.is_authenticated or drafts.exists(request)):
        return 0
    return int(min(settings.SESSION_IDLE_LIMIT, drafts.IDLE_LIMIT).total_seconds() // 60)


def _logo_url(practice: Practice | None) -> str:
    if practice is None or not Logo.objects.filter(practice=practice).exists():
        return ""
    return reverse("family:logo", args=[practice.slug])


def _navigation(request: HttpRequest) -> list[NavigationLink]:
    pages = [
        ("family:home", _("Home")),
        ("family:profile", _("My details")),
        ("mfa_index", _("Sign-in settings")),
    ]
    if kiosk.is_active(request):
        pages = pages[:1]
    return [
        NavigationLink(url=reverse(url_name), name=name, is_current=request.path == reverse(url_name))
        for url_name, name in pages
    ]
