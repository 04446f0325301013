"""The family's home page: children, offers, requests, adding a child, and signing out."""

from collections.abc import Callable
from datetime import date
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patients.models import Patient
from portal import audit
from portal.audit import Action, Actor
from portal.response_timing import evenly_timed
from portal.sessions import clear_site_data_on_logout
from registration.claiming import claims, rate_limits, verification
from registration.communications import languages
from registration.family import kiosk, labels
from registration.family.decorators import FamilyRequest, account_required, forget_account, public
from registration.family.forms.profile_forms import AnswerQuestionForm
from registration.family.forms.signup_forms import BirthDateForm
from registration.family.home import overview
from registration.family.language import current_language
from registration.family.signup import drafts
from registration.family.signup.add_to_account_views import WELCOME
from registration.family.signup.pin_views import too_many_attempts_message, wrong_birth_date_message
from registration.family.signup.steps import SignupFlow, not_claimable_message
from registration.matching import self_registrations
from registration.models import Registration, SelfRegistration


@require_safe
@account_required
def home(request: FamilyRequest) -> HttpResponse:
    account = request.account
    for practice in overview.practices_of(account):
        audit.record(Action.FAMILY_VIEWED, actor=Actor.from_request(request), practice=practice)
    children = overview.children_of(account)
    is_only_self = bool(children) and all(child.is_self for child in children)
    context = {
        "title": _("My access") if is_only_self else _("My children"),
        "children": children,
        "unconfirmed": overview.unconfirmed_of(account),
        "offers": overview.offers_to(account),
        "requests": overview.requests_by(account),
        "welcome": _welcome_sentences(request),
    }
    return render(request, "family/home.html", context)


def _welcome_sentences(request: FamilyRequest) -> list[str]:
    """Return sentences about what has just been added or requested. They are shown only once."""
    welcome = request.session.pop(WELCOME, None)
    if not welcome:
        return []
    sentences = []
    if welcome.get("is_new"):
        name = request.account.given_names
        sentences.append(_("Welcome, %(name)s. Your account is ready.") % {"name": name})
    names = languages.join(welcome["names"])
    if welcome.get("is_request"):
        sentence = _(
            "You requested access to the health records of %(names)s. "
            "We’ll email you when the practice confirms your request."
        )
    else:
        sentence = _("You now have access to the health records of %(names)s.")
    return [*sentences, sentence % {"names": names}]


@require_safe
@account_required
def add_child(request: FamilyRequest) -> HttpResponse:
    return redirect("family:start")


@account_required
@evenly_timed
def confirm_later(request: HttpRequest, registration_id: UUID, patient_id: UUID) -> HttpResponse:
    """Add a child whose date of birth was skipped during sign-up."""
    account = cast(FamilyRequest, request).account
    registration = get_object_or_404(account.claimed, pk=registration_id)
    patient = get_object_or_404(overview.remaining_patients(registration, account), pk=patient_id)

    def add(birth_date: date, client_address: str | None) -> HttpResponse:
        claims.confirm_later(registration, patient.pk, birth_date, account=account, address=client_address)
        request.session[WELCOME] = {"names": [patient.first_name], "is_request": False, "is_new": False}
        return redirect("family:home")

    explanation = _("Enter the date of birth so we know it’s the right person.")
    return _ask_for_birth_date(request, registration, add, patients=[patient], explanation=explanation)


@account_required
@evenly_timed
def offer(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Accept a practice's offer to add patients. One patient's date of birth is enough to open it."""
    account = cast(FamilyRequest, request).account
    registration = get_object_or_404(account.offers.live(), pk=registration_id)
    patients = list(registration.patients.all())

    def open_offer(birth_date: date, client_address: str | None) -> HttpResponse:
        key = verification.verify_offer(registration, birth_date, account=account, address=client_address)
        drafts.save(request, drafts.load(request).with_key(key))
        return SignupFlow(request).redirect_to_next()

    explanation = _("Enter the date of birth so we know it’s the right person.")
    if len(patients) > 1:
        explanation = _("First, enter the date of birth of one of these patients.")
    return _ask_for_birth_date(request, registration, open_offer, patients=patients, explanation=explanation)


def _ask_for_birth_date(
    request: HttpRequest,
    registration: Registration,
    use_birth_date: Callable[[date, str | None], HttpResponse],
    *,
    patients: list[Patient],
    explanation: str,
) -> HttpResponse:
    """Show the form until `use_birth_date` accepts the date. Then return the response from `use_birth_date`."""
    form = BirthDateForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            return use_birth_date(form.cleaned_data["birth_date"], audit.client_address(request))
        except verification.WrongBirthDate:
            form.add_error("birth_date", wrong_birth_date_message())
        except verification.NotClaimable:
            form.add_error(None, not_claimable_message(registration.practice))
        except rate_limits.TooManyAttempts:
            form.add_error(None, too_many_attempts_message(request))
            status = 429
    names = languages.join([labels.patient_label(registration.practice, patient) for patient in patients])
    is_offer = registration.method == Registration.Method.ACCOUNT
    context = {
        "form": form,
        "names": names,
        "offered_by": registration.practice.name if is_offer else "",
        "explanation": explanation,
    }
    return render(request, "family/birth_date.html", context, status=status)


@require_POST
@account_required
def answer_question(request: FamilyRequest, self_registration_id: UUID) -> HttpResponse:
    self_registration = _get_own_request(request, self_registration_id)
    form = AnswerQuestionForm(request.POST, prefix=str(self_registration.pk))
    if not form.is_valid():
        messages.error(request, _("Enter your answer."))
        return redirect("family:home")
    try:
        self_registrations.answer(
            self_registration, text=form.cleaned_data["answer"], actor=Actor.from_request(request)
        )
    except self_registrations.AlreadyDecided:
        messages.info(request, _("The practice has already decided. See the result below."))
    else:
        messages.success(request, _("We sent your answer to the practice."))
    return redirect("family:home")


@require_POST
@account_required
def withdraw(request: FamilyRequest, self_registration_id: UUID) -> HttpResponse:
    self_registration = _get_own_request(request, self_registration_id)
    try:
        self_registrations.withdraw(self_registration, actor=Actor.from_request(request))
    except self_registrations.AlreadyDecided:
        messages.info(request, _("The practice has already decided. See the result below."))
    else:
        messages.success(request, _("Request canceled."))
    return redirect("family:home")


def _get_own_request(request: FamilyRequest, self_registration_id: UUID) -> SelfRegistration:
    return get_object_or_404(request.account.self_registrations, pk=self_registration_id)


@public
@require_POST
def keep_session_alive(request: HttpRequest) -> HttpResponse:
    """Extend the draft or session of a page in use. Return 400 if there is no draft or session, so the page reloads."""
    has_draft = drafts.exists(request)
    if has_draft:
        drafts.save(request, drafts.load(request))
    return HttpResponse(status=204 if has_draft or request.user.is_authenticated else 400)


@public
@require_POST
@clear_site_data_on_logout
def sign_out(request: HttpRequest) -> HttpResponse:
    if kiosk.is_active(request):
        return kiosk.clear(request)
    logout(request)
    forget_account(request)
    # The query string carries the confirmation, because the browser deletes the cookie that would carry a message.
    query = urlencode({"lang": current_language(), "signed_out": "yes"})
    return redirect(f"{reverse('family:start')}?{query}")
