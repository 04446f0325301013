"""Show family pages in the family's language. Staff pages are always in English."""

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
    """Choose the language: from the URL, the saved choice, the account or the browser, or else English.

    A language in the URL (`?lang=es`) is saved as the choice.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_family_page(request):
            return get_response(request)
        in_address = request.GET.get("lang", "")
        language = in_address if in_address in CODES else _saved_or_browser_language(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or language)
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        if in_address in CODES and request.COOKIES.get(COOKIE) != in_address:
            save_language(response, in_address)
        return response

    return middleware


def save_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(COOKIE, language, secure=settings.HTTPS, httponly=True, samesite="Lax")


def current_language() -> str:
    """Return the active language as one of settings.LANGUAGES."""
    language = translation.get_language() or "en"
    return language if language in CODES else "en"


def requested_language(request: HttpRequest) -> str:
    """Choose the language from the request alone, without the database."""
    for language in (request.GET.get("lang", ""), request.COOKIES.get(COOKIE, "")):
        if language in CODES:
            return language
    return _browser_language(request)


def _saved_or_browser_language(request: HttpRequest) -> str:
    saved = request.COOKIES.get(COOKIE, "")
    if saved in CODES:
        return saved
    account = current_account(request)
    if account and account.language in CODES:
        return account.language
    return _browser_language(request)


def _browser_language(request: HttpRequest) -> str:
    """Return the first language in Accept-Language that the portal offers."""
    for accepted, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        for code in CODES:
            if accepted == code or accepted.startswith(f"{code}-"):
                return code
    return "en"
