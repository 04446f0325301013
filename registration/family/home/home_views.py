"""The family's home: my children, what waits, and adding another one."""

from collections.abc import Callable
from datetime import date
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
from portal.phones import national
from portal.response_timing import evenly_timed
from portal.sessions import clear_site_data_on_logout
from registration.claiming import claims, rate_limits, verification
from registration.communications import languages
from registration.family import kiosk, labels
from registration.family.decorators import FamilyRequest, account_required, current_account, forget_account, public
from registration.family.forms.signup_forms import AnswerQuestionForm, BirthDateForm
from registration.family.home import overview
from registration.family.language import spoken
from registration.family.signup import draft as drafts
from registration.family.signup.account_views import WELCOME
from registration.family.signup.pin_views import too_many_attempts_message, wrong_birth_date
from registration.family.signup.steps import SignupFlow, not_claimable_message
from registration.matching import self_registrations
from registration.models import PortalAccount, Registration, SelfRegistration


@require_safe
@account_required
def home(request: FamilyRequest) -> HttpResponse:
    account = request.account
    for practice in overview.practices_of(account):
        audit.record(Action.FAMILY_VIEWED, actor=Actor.from_request(request), practice=practice)
    children = overview.children_of(account)
    welcome = request.session.pop(WELCOME, None)
    context = {
        "account": account,
        "children": children,
        "is_only_self": bool(children) and all(each.is_self for each in children),
        "unconfirmed": overview.unconfirmed_of(account),
        "offers": overview.offers_to(account),
        "requests": [
            (each, AnswerQuestionForm(prefix=str(each.pk)), national(each.practice.phone))
            for each in overview.requests_by(account)
        ],
        "welcome": welcome,
        "welcome_names": languages.join(welcome["names"]) if welcome else "",
    }
    return render(request, "family/home.html", context)


@require_safe
@account_required
def add_child(request: FamilyRequest) -> HttpResponse:
    """The door again: PIN and date of birth."""
    return redirect("family:start")


@account_required
@evenly_timed
def confirm_later(request: HttpRequest, registration_id: UUID, patient_id: UUID) -> HttpResponse:
    """A child whose date of birth was not known when the PIN was used."""
    account = _account(request)
    registration = get_object_or_404(account.claimed, pk=registration_id)
    patient = get_object_or_404(overview.remaining_of(registration, account), pk=patient_id)

    def add(born: date, address: str | None) -> HttpResponse:
        claims.confirm_later(registration, patient.pk, born, account=account, address=address)
        request.session[WELCOME] = {"names": [patient.first_name], "asks": False, "is_new": False}
        return redirect("family:home")

    return _ask_for_birth_date(request, registration, add, patients=[patient])


@account_required
@evenly_timed
def offer(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """A practice offers to add somebody: the date of birth of one of them opens it."""
    account = _account(request)
    registration = get_object_or_404(account.offers.live(), pk=registration_id)
    patients = list(registration.patients.all())

    def go_on(born: date, address: str | None) -> HttpResponse:
        opened = verification.verify_offer(registration, born, account=account, address=address)
        drafts.save(request, drafts.load(request).with_key(opened))
        return SignupFlow(request).redirect_to_next()

    return _ask_for_birth_date(request, registration, go_on, patients=patients, is_offer=True)


def _account(request: HttpRequest) -> PortalAccount:
    account = current_account(request)
    assert account is not None  # for_families
    return account


def _ask_for_birth_date(
    request: HttpRequest,
    registration: Registration,
    use: Callable[[date, str | None], HttpResponse],
    *,
    patients: list[Patient],
    is_offer: bool = False,
) -> HttpResponse:
    """The form, and what `use` answers to a date that is right."""
    form = BirthDateForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            return use(form.cleaned_data["birth_date"], audit.client_address(request))
        except verification.WrongBirthDate:
            form.add_error("birth_date", wrong_birth_date())
        except verification.NotClaimable:
            form.add_error(None, not_claimable_message(registration.practice))
        except rate_limits.TooManyAttempts:
            form.add_error(None, too_many_attempts_message(request))
            status = 429
    name = languages.join([labels.label(registration.practice, each) for each in patients])
    context = {"form": form, "name": name, "offer": registration if is_offer else None, "several": len(patients) > 1}
    return render(request, "family/birth_date.html", context, status=status)


@require_POST
@account_required
def answer_question(request: FamilyRequest, self_registration_id: UUID) -> HttpResponse:
    self_registration = _own(request, self_registration_id)
    form = AnswerQuestionForm(request.POST, prefix=str(self_registration.pk))
    if not form.is_valid():
        messages.error(request, _("Type your answer."))
        return redirect("family:home")
    try:
        self_registrations.answer(
            self_registration, text=form.cleaned_data["answer"], actor=Actor.from_request(request)
        )
    except self_registrations.AlreadyDecided:
        messages.info(request, _("The practice has decided meanwhile."))
    else:
        messages.success(request, _("Your answer is with the practice."))
    return redirect("family:home")


@require_POST
@account_required
def withdraw(request: FamilyRequest, self_registration_id: UUID) -> HttpResponse:
    try:
        self_registrations.withdraw(_own(request, self_registration_id), actor=Actor.from_request(request))
    except self_registrations.AlreadyDecided:
        messages.info(request, _("The practice has decided meanwhile."))
    else:
        messages.success(request, _("You do not ask for this child any more."))
    return redirect("family:home")


def _own(request: FamilyRequest, self_registration_id: UUID) -> SelfRegistration:
    return get_object_or_404(request.account.self_registrations, pk=self_registration_id)


@public
@require_POST
def keep_session_alive(request: HttpRequest) -> HttpResponse:
    """A page says it while somebody types: 400 where there is no session and no draft any more."""
    has_draft = drafts.exists(request)
    if has_draft:
        drafts.save(request, drafts.load(request))
    return HttpResponse(status=204 if has_draft or request.user.is_authenticated else 400)


@public
@require_POST
@clear_site_data_on_logout
def sign_out(request: HttpRequest) -> HttpResponse:
    """What the door says then stands in its address, as no cookie is left that could bear it."""
    if kiosk.is_on(request):
        return kiosk.cleared(request)
    logout(request)
    forget_account(request)
    return redirect(f"{reverse('family:start')}?{urlencode({'lang': spoken(), 'signed_out': 'yes'})}")
