"""Families are spoken to in their language; the desk's pages stay English."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from registration.family.audience import is_family_page
from registration.family.decorators import current_account

COOKIE: Final = "family-language"
CODES: Final = [code for code, _ in settings.LANGUAGES]


def family_language(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The language that the address asks for, and keeps; or the one kept; the account's; the browser's; English."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_family_page(request):
            return get_response(request)
        asked = request.GET.get("lang", "")
        language = asked if asked in CODES else _known(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or language)
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        if asked in CODES and request.COOKIES.get(COOKIE) != asked:
            keep(response, asked)
        return response

    return middleware


def keep(response: HttpResponse, language: str) -> None:
    response.set_cookie(COOKIE, language, secure=settings.HTTPS, httponly=True, samesite="Lax")


def spoken() -> str:
    """The language of the page that is being made, as one of ours."""
    language = translation.get_language() or "en"
    return language if language in CODES else "en"


def asked_or_kept(request: HttpRequest) -> str:
    """As far as the request alone tells it, where the database is not to be asked."""
    for wished in (request.GET.get("lang", ""), request.COOKIES.get(COOKIE, "")):
        if wished in CODES:
            return wished
    return _of_the_browser(request)


def _known(request: HttpRequest) -> str:
    kept = request.COOKIES.get(COOKIE, "")
    if kept in CODES:
        return kept
    account = current_account(request)
    if account and account.language in CODES:
        return account.language
    return _of_the_browser(request)


def _of_the_browser(request: HttpRequest) -> str:
    """The first language of Accept-Language that we speak."""
    for wanted, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        for code in CODES:
            if wanted == code or wanted.startswith(f"{code}-"):
                return code
    return "en"
