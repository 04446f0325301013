"""Sign-in and help with signing in: django-allauth's views at the family-facing URLs."""

from typing import Any, cast

from allauth.account.models import Login
from allauth.account.views import LoginView
from allauth.mfa.webauthn.internal import flows
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.account_forms import Login as LoginForm
from portal.response_timing import evenly_timed
from registration.family import audience, kiosk
from registration.family.decorators import public
from registration.family.signup import drafts


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        login, password = self.fields["login"], self.fields["password"]
        login.label, password.help_text = _("Email address"), ""
        login.widget.attrs |= {"class": "form-control", "autocomplete": "username"}
        password.widget.attrs |= {"class": "form-control"}
        login.widget.attrs.pop("placeholder", None)
        password.widget.attrs.pop("placeholder", None)
        if self.request is not None and kiosk.is_active(self.request):
            login.widget.attrs["autocomplete"] = password.widget.attrs["autocomplete"] = "off"


def _page_after_sign_in(request: HttpRequest) -> str:
    return reverse("family:add" if drafts.load(request).has_pending_request else "family:home")


class _SignIn(LoginView):  # type: ignore[misc]  # allauth ships no types
    template_name = "family/sign_in.html"
    form_class = SignInForm

    def get_form_class(self) -> type[SignInForm]:
        return SignInForm

    def get_success_url(self) -> str:
        return _page_after_sign_in(self.request)

    def get_authenticated_redirect_url(self) -> str:
        return _page_after_sign_in(self.request)

    def get_initial(self) -> dict[str, Any]:
        draft = drafts.load(self.request)
        return {"login": draft.email if draft.is_email_verified else ""}

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**options)
        return context | {"has_pending_request": drafts.load(self.request).has_pending_request}

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        return cast(HttpResponse, self.render_to_response(self.get_context_data(form=form), status=422))


class _SignInWithPasskey(LoginWebAuthnView):  # type: ignore[misc]
    def get(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        response: HttpResponse = super().get(request, *args, **options)
        return redirect("family:sign_in") if isinstance(response, HttpResponseRedirect) else response

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, _("The passkey didn’t work. Try again, or use your password."))
        return redirect("family:sign_in")

    def form_valid(self, form: Any) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = Login(user=authenticator.user, redirect_url=_page_after_sign_in(self.request))
        response: HttpResponse = flows.perform_passwordless_login(self.request, authenticator, login)
        return response

    def get_authenticated_redirect_url(self) -> str:
        return _page_after_sign_in(self.request)


_sign_in = _SignIn.as_view()
_sign_in_with_passkey = _SignInWithPasskey.as_view()


@public
@evenly_timed
def sign_in(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = _sign_in(request)
    audience.remember_family(response)
    return response


@public
@evenly_timed
def sign_in_with_passkey(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = _sign_in_with_passkey(request)
    return response


@public
@require_safe
def help_signing_in(request: HttpRequest) -> HttpResponse:
    response = render(request, "family/help_signing_in.html")
    audience.remember_family(response)
    return response
