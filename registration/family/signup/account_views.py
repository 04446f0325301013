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
from portal.response_timing import evenly
from registration.access import accounts
from registration.claiming import claims, one_time_codes, verification
from registration.communications import languages
from registration.family import kiosk
from registration.family.decorators import account_of, for_everybody, forget_account
from registration.family.forms.signup_forms import CodeForm, RelationshipForm, SignInDetailsForm
from registration.family.language import spoken
from registration.family.signup import draft as drafts
from registration.family.signup.draft import Draft
from registration.family.signup.steps import ADD, CODE, DETAILS, KNOWN, START, Walk, closed, show, step
from registration.matching import self_registrations
from registration.models import PortalAccount

WELCOME: Final = "family_welcome"
# Names what is accepted; a new wording of templates/family/terms.html gets a new date.
OWN_TERMS: Final = "portal terms of 2026-11"


@for_everybody
@evenly
@step(DETAILS)
def sign_in_details(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Whoever has the address already, the answer is the same: what happens next is decided once it is proved."""
    draft = walk.draft
    form = SignInDetailsForm(
        request.POST if request.method == "POST" else None,
        draft=draft,
        on_our_screen=kiosk.is_on(request),
        initial={
            "email": draft.email or walk.address_that_got_it,
            "way": "passkey" if draft.by_passkey else "passphrase",
            "terms": bool(draft.terms),
        },
    )
    if not form.is_valid():
        return show(request, walk, "sign_in_details", form, back=walk.before(DETAILS))
    terms = walk.practice.terms_url if walk.practice else ""
    draft = draft.but(**form.typed(), terms=terms or OWN_TERMS)
    if not draft.asking and draft.email == walk.address_that_got_it:
        draft = draft.but(proved=draft.email)
    walk.keep(draft if draft.is_proved else draft.but(proved="", code=""))
    return _arrive(request, walk) if draft.is_proved else _send_code(request, walk, form)


def _send_code(request: HttpRequest, walk: Walk, form: SignInDetailsForm) -> HttpResponse:
    try:
        code = _owe_code(walk)
    except one_time_codes.TooManyCodes:
        form.add_error("email", too_many_codes())
        return show(request, walk, "sign_in_details", form, status=429, back=walk.before(DETAILS))
    walk.keep(walk.draft.but(code=str(code)))
    return redirect(CODE)


def _owe_code(walk: Walk) -> UUID:
    key = walk.draft.key
    return one_time_codes.send_code(
        walk.draft.email,
        practice=walk.practice,
        language=spoken(),
        asked_from=walk.address,
        known_as=f"registration {key.registration_id}" if key else "",
    )


def too_many_codes() -> str:
    return _("We sent several codes already. Please wait an hour, or call the practice.")


@for_everybody
@evenly
@step(CODE)
def code(request: HttpRequest, walk: Walk) -> HttpResponse:
    if walk.draft.is_proved:
        return redirect(KNOWN)
    if request.method == "POST" and request.POST.get("action") == "resend":
        return _send_again(request, walk)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return show(request, walk, "code", form)
    try:
        is_right = bool(walk.draft.code) and one_time_codes.is_right(UUID(walk.draft.code), form.cleaned_data["code"])
    except one_time_codes.CodeGone:
        form.add_error("code", _("This code is no longer good. Ask for a new one below."))
        return show(request, walk, "code", form, status=422)
    if not is_right:
        form.add_error("code", _("This is not the code that we sent. Please check it."))
        return show(request, walk, "code", form, status=422)
    walk.keep(walk.draft.but(proved=walk.draft.email, code=""))
    return _arrive(request, walk)


def _send_again(request: HttpRequest, walk: Walk) -> HttpResponse:
    try:
        sent = _owe_code(walk)
    except one_time_codes.TooManyCodes:
        return show(request, walk, "code", CodeForm(), status=429, trouble=too_many_codes())
    walk.keep(walk.draft.but(code=str(sent)))
    return redirect(f"{reverse(CODE)}?again=yes")


def _arrive(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The address is proved: the account is made, or the family is told that it has one."""
    draft = walk.draft
    if walk.account:
        return redirect(ADD)
    try:
        account = _make_account(walk, draft)
    except accounts.EmailTaken:
        return redirect(KNOWN)
    except verification.Closed:
        return closed(request)
    except self_registrations.TooMany:
        return too_many_asked(request)
    welcome = names_of(walk)
    drafts.clear(request)
    if kiosk.is_on(request):
        return kiosk.cleared(request, is_ready=True)
    request.session[WELCOME] = {"names": welcome, "asks": draft.asking, "is_new": True}
    if draft.by_passkey:
        return _sign_in(request, account, by="code", on="mfa_add_webauthn")
    return _sign_in(request, account, by="password", on="family:home")


def _make_account(walk: Walk, draft: Draft) -> PortalAccount:
    details = details_of(draft)
    if not draft.asking:
        return claims.claim_with_new_account(walk.opened, details, relationship=walk.relationship, address=walk.address)
    assert walk.practice is not None  # the first step
    asked = asked_of(draft)
    return self_registrations.ask_with_new_account(details, practice=walk.practice, asked=asked, address=walk.address)


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


def asked_of(draft: Draft) -> list[self_registrations.Asked]:
    you = draft.you or {}
    return [
        self_registrations.Asked(
            given_names=each["given_names"],
            family_name=each["family_name"],
            birth_date=date.fromisoformat(each["birth_date"]),
            relationship=you.get("relationship", "other"),
            street=you.get("street", ""),
            postal_code=you.get("postal_code", ""),
        )
        for each in draft.asked
    ]


def names_of(walk: Walk) -> list[str]:
    """Who is added, as the family calls them: it has proved to know them."""
    if walk.draft.asking:
        return [each["given_names"] for each in walk.draft.asked]
    return [each.first_name for each in walk.confirmed]


def _sign_in(request: HttpRequest, account: PortalAccount, *, by: str, on: str) -> HttpResponse:
    """As django-allauth signs in, so that its list of devices and its second factors know of it."""
    record_authentication(request, account.user, method=by, reauthenticated=True)  # a moment ago, by what was typed
    answer: HttpResponse = perform_login(request, Login(user=account.user, redirect_url=reverse(on)))
    forget_account(request)
    return answer


@for_everybody
@evenly
def known(request: HttpRequest) -> HttpResponse:
    """For whom proved the address, and for nobody else: there is an account already."""
    walk = Walk(request)
    try:
        wanted = walk.next()
    except verification.Closed:
        return closed(request)
    if wanted != KNOWN:
        return redirect(wanted)
    if not accounts.is_known(walk.draft.email):
        return redirect(DETAILS)  # all is there but the account: the button makes it
    if isinstance(request.user, User) and request.user.email == walk.draft.email:
        return redirect(ADD)
    return render(request, "family/existing_account.html", {"walk": walk, "email": walk.draft.email})


@for_everybody
@evenly
def add(request: HttpRequest) -> HttpResponse:
    """Adds what was opened, or asked for, to the account that is signed in."""
    walk = Walk(request)
    try:
        if not walk.draft.waits:
            return redirect("family:home" if walk.account else START)
        if not request.user.is_authenticated:
            return redirect("family:sign_in")
        if wanted := _still_wanted(walk):
            return redirect(wanted)
        return _add(request, walk)
    except verification.Closed:
        return closed(request)
    except self_registrations.TooMany:
        return too_many_asked(request)


def too_many_asked(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("You asked for several children already. Please wait until the practice has answered."))
    return redirect("family:home")


def _still_wanted(walk: Walk) -> str:
    """The step that is missing, also for somebody who signs in but has no portal account yet."""
    undone = [each.name for each in walk.steps() if not each.is_done and each.name != ADD]
    return undone[0] if undone else ""


def _add(request: HttpRequest, walk: Walk) -> HttpResponse:
    initial = {"relationship": (walk.draft.you or {}).get("relationship", "")}
    form = RelationshipForm(
        request.POST if request.method == "POST" else None, may_be_self=walk.may_be_self, initial=initial
    )
    if request.method == "POST" and (walk.draft.asking or form.is_valid()):
        relationship = "" if walk.draft.asking else form.cleaned_data["relationship"]
        return _added(request, walk, relationship=relationship)
    labels = languages.listed(names_of(walk))
    return show(request, walk, "add", form, names=labels, asks=walk.draft.asking)


def _added(request: HttpRequest, walk: Walk, *, relationship: str) -> HttpResponse:
    actor = Actor.of(request)
    account = account_of(request)
    if account is None:
        assert isinstance(request.user, User)
        account = accounts.open_for(request.user, details_of(walk.draft), address=walk.address)
    if walk.draft.asking:
        assert walk.practice is not None
        self_registrations.ask(account=account, practice=walk.practice, asked=asked_of(walk.draft), actor=actor)
    else:
        claims.claim(walk.opened, account=account, relationship=relationship, actor=actor)
    welcome = {"names": names_of(walk), "asks": walk.draft.asking, "is_new": False}
    drafts.clear(request)
    if kiosk.is_on(request):
        return kiosk.cleared(request, is_ready=True)
    request.session[WELCOME] = welcome
    return redirect("family:home")
