"""Add the opened registration, or the request without a PIN, to the account that is signed in."""

from datetime import date
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.audit import Actor
from portal.models import User
from portal.response_timing import evenly_timed
from registration.access import accounts
from registration.claiming import claims, verification
from registration.communications import languages
from registration.family import kiosk
from registration.family.decorators import current_account, public
from registration.family.forms.account_forms import RelationshipForm
from registration.family.language import current_language
from registration.family.signup import drafts
from registration.family.signup.drafts import Draft
from registration.family.signup.steps import ADD, START, SignupFlow, redirect_not_claimable, render_step
from registration.matching import self_registrations

# Session key: what the home page announces once.
WELCOME: Final = "family_welcome"


@public
@evenly_timed
def add_to_account(request: HttpRequest) -> HttpResponse:
    flow = SignupFlow(request)
    try:
        if not flow.draft.has_pending_request:
            return redirect("family:home" if flow.account else START)
        if not request.user.is_authenticated:
            return redirect("family:sign_in")
        if missing := _missing_step(flow):
            return redirect(missing)
        return _ask_or_add(request, flow)
    except verification.NotClaimable:
        return redirect_not_claimable(request)
    except self_registrations.TooManyRequests:
        return redirect_too_many_requests(request)


def redirect_too_many_requests(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("You already have several open requests. Please wait for the practice to answer them."))
    return redirect("family:home")


def _missing_step(flow: SignupFlow) -> str:
    """Return the first step that is not done, or "" if all steps are done.

    The person can sign in, but may not have a portal account yet.
    """
    return next((step.url_name for step in flow.steps() if not step.is_done and step.url_name != ADD), "")


def _ask_or_add(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    initial = {"relationship": (flow.draft.about_you or {}).get("relationship", "")}
    form = RelationshipForm(
        request.POST if request.method == "POST" else None, may_be_self=flow.may_be_self, initial=initial
    )
    is_request = flow.draft.is_without_pin
    if request.method == "POST" and (is_request or form.is_valid()):
        return _add(request, flow, relationship="" if is_request else form.cleaned_data["relationship"])
    names = languages.join(names_to_add(flow))
    return render_step(request, flow, "add", form, names=names, is_request=is_request)


def _add(request: HttpRequest, flow: SignupFlow, *, relationship: str) -> HttpResponse:
    draft = flow.draft
    actor = Actor.from_request(request)
    account = current_account(request)
    if account is None:
        assert isinstance(request.user, User)
        account = accounts.create_for(request.user, account_details(draft), address=flow.client_address)
    if draft.is_without_pin:
        assert flow.practice is not None
        self_registrations.submit(
            account=account, practice=flow.practice, children=requested_children(draft), actor=actor
        )
    else:
        claims.claim(flow.key, account=account, relationship=relationship, actor=actor)
    welcome = {"names": names_to_add(flow), "is_request": draft.is_without_pin, "is_new": False}
    drafts.clear(request)
    if kiosk.is_active(request):
        return kiosk.clear(request, is_ready=True)
    request.session[WELCOME] = welcome
    return redirect("family:home")


def account_details(draft: Draft) -> accounts.Details:
    about_you = draft.about_you or {}
    return accounts.Details(
        email=draft.email,
        password_hash=None if draft.uses_passkey else draft.password_hash,
        given_names=about_you.get("given_names", ""),
        family_name=about_you.get("family_name", ""),
        phone=about_you.get("phone", ""),
        language=current_language(),
        terms=draft.accepted_terms,
    )


def requested_children(draft: Draft) -> list[self_registrations.RequestedChild]:
    about_you = draft.about_you or {}
    return [
        self_registrations.RequestedChild(
            given_names=child["given_names"],
            family_name=child["family_name"],
            birth_date=date.fromisoformat(child["birth_date"]),
            relationship=about_you.get("relationship", "other"),
            street=about_you.get("street", ""),
            postal_code=about_you.get("postal_code", ""),
        )
        for child in draft.requested_children
    ]


def names_to_add(flow: SignupFlow) -> list[str]:
    """Return the first names to add. The family entered them or confirmed the dates of birth, so they may be shown."""
    if flow.draft.is_without_pin:
        return [child["given_names"] for child in flow.draft.requested_children]
    return [patient.first_name for patient in flow.confirmed_patients]
