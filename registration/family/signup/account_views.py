"""The last steps: how the family signs in, the proof of the e-mail address, and the account."""

from datetime import date
from typing import Final
from uuid import UUID

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.audit import Actor
from portal.models import User
from portal.response_timing import evenly_timed
from registration.access import accounts
from registration.claiming import claims, one_time_codes, verification
from registration.communications import languages
from registration.family import kiosk
from registration.family.decorators import current_account, forget_account, public
from registration.family.forms.signup_forms import CodeForm, RelationshipForm, SignInDetailsForm
from registration.family.language import spoken
from registration.family.signup import draft as drafts
from registration.family.signup.draft import Draft
from registration.family.signup.steps import (
    ADD,
    CODE,
    DETAILS,
    EXISTING_ACCOUNT,
    START,
    SignupFlow,
    not_claimable,
    render_step,
    requires_step,
)
from registration.matching import self_registrations
from registration.models import PortalAccount

WELCOME: Final = "family_welcome"
# Names what is accepted; a new wording of templates/family/terms.html gets a new date.
OWN_TERMS: Final = "portal terms of 2026-11"


@public
@evenly_timed
@requires_step(DETAILS)
def sign_in_details(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """Whoever has the address already, the answer is the same: what happens next is decided once it is proved."""
    draft = flow.draft
    form = SignInDetailsForm(
        request.POST if request.method == "POST" else None,
        draft=draft,
        on_our_screen=kiosk.is_on(request),
        initial={
            "email": draft.email or flow.address_that_got_it,
            "way": "passkey" if draft.by_passkey else "passphrase",
            "terms": bool(draft.terms),
        },
    )
    if not form.is_valid():
        return render_step(request, flow, "sign_in_details", form, back=flow.previous(DETAILS))
    terms = flow.practice.terms_url if flow.practice else ""
    draft = draft.replace(**form.typed(), terms=terms or OWN_TERMS)
    if not draft.is_without_pin and draft.email == flow.address_that_got_it:
        draft = draft.replace(verified_email=draft.email)
    flow.keep(draft if draft.is_email_verified else draft.replace(verified_email="", code=""))
    return _arrive(request, flow) if draft.is_email_verified else _send_code(request, flow, form)


def _send_code(request: HttpRequest, flow: SignupFlow, form: SignInDetailsForm) -> HttpResponse:
    try:
        code = _enqueue_code(flow)
    except one_time_codes.TooManyCodes:
        form.add_error("email", too_many_codes())
        return render_step(request, flow, "sign_in_details", form, status=429, back=flow.previous(DETAILS))
    flow.keep(flow.draft.replace(code=str(code)))
    return redirect(CODE)


def _enqueue_code(flow: SignupFlow) -> UUID:
    key = flow.draft.key
    return one_time_codes.send_code(
        flow.draft.email,
        practice=flow.practice,
        language=spoken(),
        requester_address=flow.address,
        opened_with=f"registration {key.registration_id}" if key else "",
    )


def too_many_codes() -> str:
    return _("We sent several codes already. Please wait an hour, or call the practice.")


@public
@evenly_timed
@requires_step(CODE)
def code(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    if flow.draft.is_email_verified:
        return redirect(EXISTING_ACCOUNT)
    if request.method == "POST" and request.POST.get("action") == "resend":
        return _send_again(request, flow)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render_step(request, flow, "email_code", form)
    try:
        is_right = bool(flow.draft.code) and one_time_codes.verify_code(
            UUID(flow.draft.code), form.cleaned_data["code"]
        )
    except one_time_codes.CodeExpired:
        form.add_error("code", _("This code is no longer good. Ask for a new one below."))
        return render_step(request, flow, "email_code", form, status=422)
    if not is_right:
        form.add_error("code", _("This is not the code that we sent. Please check it."))
        return render_step(request, flow, "email_code", form, status=422)
    flow.keep(flow.draft.replace(verified_email=flow.draft.email, code=""))
    return _arrive(request, flow)


def _send_again(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    try:
        sent = _enqueue_code(flow)
    except one_time_codes.TooManyCodes:
        return render_step(request, flow, "email_code", CodeForm(), status=429, trouble=too_many_codes())
    flow.keep(flow.draft.replace(code=str(sent)))
    return redirect(f"{reverse(CODE)}?again=yes")


def _arrive(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """The address is proved: the account is made, or the family is told that it has one."""
    draft = flow.draft
    if flow.account:
        return redirect(ADD)
    try:
        account = _make_account(flow, draft)
    except accounts.EmailTaken:
        return redirect(EXISTING_ACCOUNT)
    except verification.NotClaimable:
        return not_claimable(request)
    except self_registrations.TooManyRequests:
        return too_many_requests(request)
    welcome = names_of(flow)
    drafts.clear(request)
    if kiosk.is_on(request):
        return kiosk.cleared(request, is_ready=True)
    request.session[WELCOME] = {"names": welcome, "asks": draft.is_without_pin, "is_new": True}
    if draft.by_passkey:
        return _sign_in(request, account, by="code", then="mfa_add_webauthn")
    return _sign_in(request, account, by="password", then="family:home")


def _make_account(flow: SignupFlow, draft: Draft) -> PortalAccount:
    details = details_of(draft)
    if not draft.is_without_pin:
        return claims.claim_with_new_account(flow.opened, details, relationship=flow.relationship, address=flow.address)
    assert flow.practice is not None  # the first step
    return self_registrations.submit_with_new_account(
        details, practice=flow.practice, children=children_from_draft(draft), address=flow.address
    )


def details_of(draft: Draft) -> accounts.Details:
    you = draft.you or {}
    return accounts.Details(
        email=draft.email,
        password_hash=None if draft.by_passkey else draft.password_hash,
        given_names=you.get("given_names", ""),
        family_name=you.get("family_name", ""),
        phone=you.get("phone", ""),
        language=spoken(),
        terms=draft.terms,
    )


def children_from_draft(draft: Draft) -> list[self_registrations.RequestedChild]:
    you = draft.you or {}
    return [
        self_registrations.RequestedChild(
            given_names=each["given_names"],
            family_name=each["family_name"],
            birth_date=date.fromisoformat(each["birth_date"]),
            relationship=you.get("relationship", "other"),
            street=you.get("street", ""),
            postal_code=you.get("postal_code", ""),
        )
        for each in draft.requested_children
    ]


def names_of(flow: SignupFlow) -> list[str]:
    """Who is added, as the family calls them: it has proved to know them."""
    if flow.draft.is_without_pin:
        return [each["given_names"] for each in flow.draft.requested_children]
    return [each.first_name for each in flow.confirmed_patients]


def _sign_in(request: HttpRequest, account: PortalAccount, *, by: str, then: str) -> HttpResponse:
    """As django-allauth signs in, so that its list of devices and its second factors know of it."""
    record_authentication(request, account.user, method=by, reauthenticated=True)  # a moment ago, by what was typed
    answer: HttpResponse = perform_login(request, Login(user=account.user, redirect_url=reverse(then)))
    forget_account(request)
    return answer


@public
@evenly_timed
def existing_account(request: HttpRequest) -> HttpResponse:
    """For whom proved the address, and for nobody else: there is an account already."""
    flow = SignupFlow(request)
    try:
        wanted = flow.next()
    except verification.NotClaimable:
        return not_claimable(request)
    if wanted != EXISTING_ACCOUNT:
        return redirect(wanted)
    if not accounts.is_known(flow.draft.email):
        return redirect(DETAILS)  # all is there but the account: the button makes it
    if isinstance(request.user, User) and request.user.email == flow.draft.email:
        return redirect(ADD)
    return render(request, "family/existing_account.html", {"flow": flow, "email": flow.draft.email})


@public
@evenly_timed
def add_to_account(request: HttpRequest) -> HttpResponse:
    """Adds what was opened, or asked for, to the account that is signed in."""
    flow = SignupFlow(request)
    try:
        if not flow.draft.has_pending_request:
            return redirect("family:home" if flow.account else START)
        if not request.user.is_authenticated:
            return redirect("family:sign_in")
        if wanted := _still_needed(flow):
            return redirect(wanted)
        return _add(request, flow)
    except verification.NotClaimable:
        return not_claimable(request)
    except self_registrations.TooManyRequests:
        return too_many_requests(request)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("You asked for several children already. Please wait until the practice has answered."))
    return redirect("family:home")


def _still_needed(flow: SignupFlow) -> str:
    """The step that is missing, also for somebody who signs in but has no portal account yet."""
    undone = [each.name for each in flow.steps() if not each.is_done and each.name != ADD]
    return undone[0] if undone else ""


def _add(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    initial = {"relationship": (flow.draft.you or {}).get("relationship", "")}
    form = RelationshipForm(
        request.POST if request.method == "POST" else None, may_be_self=flow.may_be_self, initial=initial
    )
    if request.method == "POST" and (flow.draft.is_without_pin or form.is_valid()):
        relationship = "" if flow.draft.is_without_pin else form.cleaned_data["relationship"]
        return _added(request, flow, relationship=relationship)
    labels = languages.join(names_of(flow))
    return render_step(request, flow, "add", form, names=labels, asks=flow.draft.is_without_pin)


def _added(request: HttpRequest, flow: SignupFlow, *, relationship: str) -> HttpResponse:
    actor = Actor.from_request(request)
    account = current_account(request)
    if account is None:
        assert isinstance(request.user, User)
        account = accounts.create_for(request.user, details_of(flow.draft), address=flow.address)
    if flow.draft.is_without_pin:
        assert flow.practice is not None
        self_registrations.submit(
            account=account, practice=flow.practice, children=children_from_draft(flow.draft), actor=actor
        )
    else:
        claims.claim(flow.opened, account=account, relationship=relationship, actor=actor)
    welcome = {"names": names_of(flow), "asks": flow.draft.is_without_pin, "is_new": False}
    drafts.clear(request)
    if kiosk.is_on(request):
        return kiosk.cleared(request, is_ready=True)
    request.session[WELCOME] = welcome
    return redirect("family:home")
