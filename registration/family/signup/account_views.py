"""The last sign-up steps: sign-in details, the code that verifies the email address, and the new account."""

from typing import Final
from uuid import UUID

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.models import User
from portal.phones import national
from portal.response_timing import evenly_timed
from registration.access import accounts
from registration.claiming import claims, one_time_codes, verification
from registration.family import current_practice, kiosk
from registration.family.decorators import forget_account, public
from registration.family.forms.account_forms import PASSKEY, PASSWORD, CodeForm, SignInDetailsForm
from registration.family.language import current_language
from registration.family.signup import drafts
from registration.family.signup.add_to_account_views import (
    WELCOME,
    account_details,
    names_to_add,
    redirect_too_many_requests,
    requested_children,
)
from registration.family.signup.drafts import Draft
from registration.family.signup.steps import (
    ADD,
    CODE,
    DETAILS,
    EXISTING_ACCOUNT,
    SignupFlow,
    redirect_not_claimable,
    render_step,
    requires_step,
)
from registration.matching import self_registrations
from registration.models import PortalAccount

# Recorded with the account. Change the date when the wording of templates/family/terms.html changes.
DEFAULT_TERMS: Final = "portal terms of 2026-11-28"


@public
@evenly_timed
@requires_step(DETAILS)
def sign_in_details(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """Ask for the email address and password.

    The response is the same whether or not the address has an account. Only the owner of the mailbox learns that.
    """
    draft = flow.draft
    form = SignInDetailsForm(
        request.POST if request.method == "POST" else None,
        draft=draft,
        is_kiosk=kiosk.is_active(request),
        initial={
            "email": draft.email or flow.verified_email_address,
            "sign_in_method": PASSKEY if draft.uses_passkey else PASSWORD,
            "terms": bool(draft.accepted_terms),
        },
    )
    if not form.is_valid():
        return render_step(request, flow, "sign_in_details", form, back=flow.previous(DETAILS))
    terms_url = flow.practice.terms_url if flow.practice else ""
    draft = draft.replace(**form.draft_values(), accepted_terms=terms_url or DEFAULT_TERMS)
    if not draft.is_without_pin and draft.email == flow.verified_email_address:
        draft = draft.replace(verified_email=draft.email)
    flow.save(draft if draft.is_email_verified else draft.replace(verified_email="", code_id=""))
    return _finish_signup(request, flow) if draft.is_email_verified else _send_code(request, flow, form)


def _send_code(request: HttpRequest, flow: SignupFlow, form: SignInDetailsForm) -> HttpResponse:
    try:
        code_id = _enqueue_code(flow)
    except one_time_codes.TooManyCodes:
        form.add_error("email", too_many_codes_message(request))
        return render_step(request, flow, "sign_in_details", form, status=429, back=flow.previous(DETAILS))
    flow.save(flow.draft.replace(code_id=str(code_id)))
    return redirect(CODE)


def _enqueue_code(flow: SignupFlow) -> UUID:
    key = flow.draft.key
    return one_time_codes.send_code(
        flow.draft.email,
        practice=flow.practice,
        language=current_language(),
        requester_address=flow.client_address,
        opened_with=f"registration {key.registration_id}" if key else "",
    )


def too_many_codes_message(request: HttpRequest) -> str:
    practice = current_practice.find(request)
    if practice is None:
        return _("We’ve already sent several codes. Wait an hour, or call your practice.")
    return _("We’ve already sent several codes. Wait an hour, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }


@public
@evenly_timed
@requires_step(CODE)
def code(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    if flow.draft.is_email_verified:
        return redirect(EXISTING_ACCOUNT)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render_step(request, flow, "email_code", form)
    code_id = flow.draft.code_id
    try:
        is_right = bool(code_id) and one_time_codes.verify_code(UUID(code_id), form.cleaned_data["code"])
    except one_time_codes.CodeExpired:
        form.add_error("code", _("This code has expired. Request a new one below."))
        return render_step(request, flow, "email_code", form, status=422)
    if not is_right:
        form.add_error("code", wrong_code_message())
        return render_step(request, flow, "email_code", form, status=422)
    flow.save(flow.draft.replace(verified_email=flow.draft.email, code_id=""))
    return _finish_signup(request, flow)


def wrong_code_message() -> str:
    return _("That code isn’t right. Check it and try again.")


@public
@evenly_timed
@requires_step(CODE)
def resend_code(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    if request.method != "POST" or flow.draft.is_email_verified:
        return redirect(CODE)
    try:
        code_id = _enqueue_code(flow)
    except one_time_codes.TooManyCodes:
        form = CodeForm()
        return render_step(request, flow, "email_code", form, status=429, problem=too_many_codes_message(request))
    flow.save(flow.draft.replace(code_id=str(code_id)))
    messages.success(request, _("We sent a new code. The old one no longer works."))
    return redirect(CODE)


def _finish_signup(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """Create the account, now that the email address is verified, or say that the address already has an account."""
    draft = flow.draft
    if flow.account:
        return redirect(ADD)
    try:
        account = _create_account(flow, draft)
    except accounts.EmailTaken:
        return redirect(EXISTING_ACCOUNT)
    except verification.NotClaimable:
        return redirect_not_claimable(request)
    except self_registrations.TooManyRequests:
        return redirect_too_many_requests(request)
    names = names_to_add(flow)
    drafts.clear(request)
    if kiosk.is_active(request):
        return kiosk.clear(request, is_ready=True)
    request.session[WELCOME] = {"names": names, "is_request": draft.is_without_pin, "is_new": True}
    if draft.uses_passkey:
        return _sign_in(request, account, method="code", next_page="mfa_add_webauthn")
    return _sign_in(request, account, method="password", next_page="family:home")


def _create_account(flow: SignupFlow, draft: Draft) -> PortalAccount:
    details = account_details(draft)
    if not draft.is_without_pin:
        return claims.claim_with_new_account(
            flow.key, details, relationship=flow.relationship, address=flow.client_address
        )
    assert flow.practice is not None  # The first step is done.
    return self_registrations.submit_with_new_account(
        details, practice=flow.practice, children=requested_children(draft), address=flow.client_address
    )


def _sign_in(request: HttpRequest, account: PortalAccount, *, method: str, next_page: str) -> HttpResponse:
    """Sign in through django-allauth, so that its device list and second factors take the sign-in into account."""
    # The family entered its code or password a moment ago, so this counts as a fresh authentication.
    record_authentication(request, account.user, method=method, reauthenticated=True)
    response: HttpResponse = perform_login(request, Login(user=account.user, redirect_url=reverse(next_page)))
    forget_account(request)
    return response


@public
@evenly_timed
def existing_account(request: HttpRequest) -> HttpResponse:
    """Say that the address already has an account. Families see this only after they verified the address."""
    flow = SignupFlow(request)
    try:
        next_step = flow.next()
    except verification.NotClaimable:
        return redirect_not_claimable(request)
    if next_step != EXISTING_ACCOUNT:
        return redirect(next_step)
    if not accounts.is_known(flow.draft.email):
        return redirect(DETAILS)  # Every step is done. Submitting the details again creates the account.
    if isinstance(request.user, User) and request.user.email == flow.draft.email:
        return redirect(ADD)
    return render(request, "family/existing_account.html", {"flow": flow, "email": flow.draft.email})
