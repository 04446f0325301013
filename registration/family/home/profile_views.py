"""My details: name, phone, language, and the e-mail address, which is proved before it is changed."""

from collections.abc import Callable
from functools import wraps
from typing import Final
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import audit, sealing
from portal.audit import Actor
from portal.phones import national
from registration.access import accounts
from registration.claiming import one_time_codes
from registration.family import current_practice
from registration.family.decorators import FamilyRequest, account_required
from registration.family.forms.signup_forms import CodeForm, EmailForm, ProfileForm
from registration.family.language import keep, spoken
from registration.family.signup.account_views import too_many_codes

_NEW_ADDRESS: Final = "family_new_address"


def _may_change_it(
    view: Callable[[FamilyRequest], HttpResponse],
) -> Callable[[FamilyRequest], HttpResponse]:
    """Whoever has proved a moment ago who they are, and is not of the staff, whose address the administrator changes."""
    verified_email = reauthentication_required(view)

    @wraps(view)
    def guarded(request: FamilyRequest) -> HttpResponse:
        if request.user.is_staff or request.user.memberships.exists():
            messages.error(request, _("You work for a practice, so your administrator changes your e-mail address."))
            return redirect("family:profile")
        response: HttpResponse = verified_email(request)
        return response

    return guarded


@account_required
def profile(request: FamilyRequest) -> HttpResponse:
    account = request.account
    initial = {
        "given_names": account.given_names,
        "family_name": account.family_name,
        "phone": national(account.phone) if account.phone else "",
        "language": account.language,
    }
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if not form.is_valid():
        context = {"form": form, "account": account}
        return render(request, "family/profile.html", context, status=422 if form.is_bound else 200)
    accounts.change(account, actor=Actor.from_request(request), **form.cleaned_data)
    messages.success(request, _("Your details are saved."))
    response = redirect("family:profile")
    keep(response, form.cleaned_data["language"])
    return response


@account_required
@_may_change_it
def new_email(request: FamilyRequest) -> HttpResponse:
    """Whether somebody else has the address is not told here: it is not proved yet."""
    form = EmailForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        address = form.cleaned_data["email"]
        try:
            code = one_time_codes.send_code(
                address,
                practice=current_practice.current(request),
                language=spoken(),
                requester_address=audit.client_address(request),
            )
        except one_time_codes.TooManyCodes:
            form.add_error("email", too_many_codes())
            return render(request, "family/new_email.html", {"form": form}, status=429)
        request.session[_NEW_ADDRESS] = {"sealed": sealing.seal(address), "code": str(code)}
        return redirect("family:verify_email")
    return render(request, "family/new_email.html", {"form": form}, status=422 if form.is_bound else 200)


@account_required
@_may_change_it
def verify_email(request: FamilyRequest) -> HttpResponse:
    waiting = request.session.get(_NEW_ADDRESS)
    if not waiting:
        return redirect("family:new_email")
    address = sealing.unseal(waiting["sealed"])
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if one_time_codes.verify_code(UUID(waiting["code"]), form.cleaned_data["code"]):
                return _change(request, address)
            form.add_error("code", _("This is not the code that we sent. Please check it."))
        except one_time_codes.CodeExpired:
            form.add_error("code", _("This code is no longer good. Ask for a new one."))
    context = {"form": form, "email": address, "change_url": reverse("family:new_email")}
    return render(request, "family/verify_email.html", context, status=422 if form.is_bound else 200)


def _change(request: FamilyRequest, address: str) -> HttpResponse:
    del request.session[_NEW_ADDRESS]
    before = request.user.email
    try:
        accounts.change(request.account, actor=Actor.from_request(request), email=address)
    except accounts.EmailTaken:
        messages.error(
            request, _("Another account signs in with this address already. Use that one, or call the practice.")
        )
    else:
        changed = {"from_email": before, "to_email": address}
        get_adapter(request).send_notification_mail("account/email/email_changed", request.user, changed, email=before)
        for session in UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key):
            session.end()
        messages.success(request, _("Your e-mail address is changed. You sign in with it from now on."))
    return redirect("family:profile")
