"""What every template is told: the layout of django-allauth's pages, and on the family's own pages what stands in the frame."""

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
from registration.family.language import spoken
from registration.family.signup import draft as drafts


@dataclass(frozen=True, kw_only=True)
class Page:
    url: str
    name: str
    is_here: bool


def family_context(request: HttpRequest) -> dict[str, Any]:
    if not is_family_page(request):
        return {"at_home": "/"}
    return {
        "at_home": reverse("family:home" if current_account(request) else "family:start"),
        "family_layout": "allauth/layouts/family.html",
        "family_base": "base_family.html",
        "family": _frame(request),
    }


def _frame(request: HttpRequest) -> dict[str, Any]:
    practice = current_practice.current(request)
    account = current_account(request)
    return {
        "practice": practice,
        "logo": _logo_of(practice),
        "phone": national(practice.phone) if practice else "",
        "tel": practice.phone if practice else "",
        "terms": (practice and practice.terms_url) or reverse("family:terms"),
        "account": account,
        "pages": _pages(request) if account else [],
        "languages": [(code, name, _in(request, code)) for code, name in settings.LANGUAGES if code != spoken()],
        "idle_minutes": _idle_minutes(request),
        "kiosk": kiosk.is_on(request),
        "kiosk_seconds": int(kiosk.WARN_AND_CLEAR_AFTER.total_seconds()),
        "passkeys": not kiosk.is_on(request),
    }


def _in(request: HttpRequest, language: str) -> str:
    """This page in another language."""
    query = request.GET.copy()
    query["lang"] = language
    return f"?{query.urlencode()}"


def _idle_minutes(request: HttpRequest) -> int:
    """After how long a session or a draft ends, of which the page warns; 0 where there is neither."""
    if kiosk.is_on(request) or not (request.user.is_authenticated or drafts.exists(request)):
        return 0
    return int(min(settings.SESSION_IDLE_LIMIT, drafts.KEPT_FOR).total_seconds() // 60)


def _logo_of(practice: Practice | None) -> str:
    if practice is None or not Logo.objects.filter(practice=practice).exists():
        return ""
    return reverse("family:logo", args=[practice.slug])


def _pages(request: HttpRequest) -> list[Page]:
    pages = [
        ("family:home", _("Home")),
        ("family:profile", _("My details")),
        ("mfa_index", _("Signing in")),
    ]
    if kiosk.is_on(request):
        pages = pages[:1]
    return [Page(url=reverse(name), name=text, is_here=request.path == reverse(name)) for name, text in pages]
