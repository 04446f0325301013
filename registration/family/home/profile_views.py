"""My details: name, phone, language, and the email address. A new address is verified before it replaces the old one."""

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
from django.utils.translation import gettext as _

from portal import audit, sealing
from portal.audit import Actor
from portal.phones import national
from registration.access import accounts
from registration.claiming import one_time_codes
from registration.family import current_practice
from registration.family.decorators import FamilyRequest, account_required
from registration.family.forms.account_forms import CodeForm
from registration.family.forms.profile_forms import EmailForm, ProfileForm
from registration.family.language import current_language, save_language
from registration.family.signup.account_views import too_many_codes_message, wrong_code_message

_SESSION_KEY: Final = "family_new_address"


def _may_change_email(
    view: Callable[[FamilyRequest], HttpResponse],
) -> Callable[[FamilyRequest], HttpResponse]:
    """Require a recent sign-in. Turn staff away, because an administrator changes the address of staff."""
    view_after_reauthentication = reauthentication_required(view)

    @wraps(view)
    def guarded_view(request: FamilyRequest) -> HttpResponse:
        if request.user.is_staff or request.user.memberships.exists():
            messages.error(
                request, _("You work for a practice, so only your administrator can change your email address.")
            )
            return redirect("family:profile")
        response: HttpResponse = view_after_reauthentication(request)
        return response

    return guarded_view


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
    messages.success(request, _("Your details have been saved."))
    response = redirect("family:profile")
    save_language(response, form.cleaned_data["language"])
    return response


@account_required
@_may_change_email
def new_email(request: FamilyRequest) -> HttpResponse:
    """Send a code to the new address. The response does not reveal whether another account has the address."""
    form = EmailForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "family/new_email.html", {"form": form}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    try:
        code_id = one_time_codes.send_code(
            email,
            practice=current_practice.find(request),
            language=current_language(),
            requester_address=audit.client_address(request),
        )
    except one_time_codes.TooManyCodes:
        form.add_error("email", too_many_codes_message(request))
        return render(request, "family/new_email.html", {"form": form}, status=429)
    request.session[_SESSION_KEY] = {"sealed": sealing.seal(email), "code": str(code_id)}
    return redirect("family:verify_email")


@account_required
@_may_change_email
def verify_email(request: FamilyRequest) -> HttpResponse:
    pending = request.session.get(_SESSION_KEY)
    if not pending:
        return redirect("family:new_email")
    email = sealing.unseal(pending["sealed"])
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if one_time_codes.verify_code(UUID(pending["code"]), form.cleaned_data["code"]):
                return _change_email(request, email)
            form.add_error("code", wrong_code_message())
        except one_time_codes.CodeExpired:
            form.add_error("code", _("This code has expired. Request a new one."))
    context = {"form": form, "email": email}
    return render(request, "family/verify_email.html", context, status=422 if form.is_bound else 200)


def _change_email(request: FamilyRequest, email: str) -> HttpResponse:
    """Change the address, notify the old address, and sign out all other sessions."""
    del request.session[_SESSION_KEY]
    old_email = request.user.email
    try:
        accounts.change(request.account, actor=Actor.from_request(request), email=email)
    except accounts.EmailTaken:
        messages.error(
            request,
            _("Another account already uses this email address. Sign in to that account, or call the practice."),
        )
        return redirect("family:profile")
    context = {"from_email": old_email, "to_email": email}
    get_adapter(request).send_notification_mail("account/email/email_changed", request.user, context, email=old_email)
    for session in UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key):
        session.end()
    messages.success(request, _("Your email address has been changed. Use it the next time you sign in."))
    return redirect("family:profile")
