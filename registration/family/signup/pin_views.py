"""The first sign-up steps: PIN or link, question, children, and who the family member is."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patients.models import Patient
from portal import audit
from portal.phones import national
from portal.response_timing import evenly_timed
from registration.claiming import rate_limits, verification
from registration.claiming.verification import VerifiedKey
from registration.communications import languages
from registration.family import current_practice, labels
from registration.family.decorators import current_account, public
from registration.family.forms.fields import Key
from registration.family.forms.signup_forms import AboutYouForm, AnswerForm, BirthDateForm, PinForm
from registration.family.signup import drafts
from registration.family.signup.steps import ABOUT_YOU, CHILDREN, QUESTION, SignupFlow, render_step, requires_step

_ONE_DAY = 24 * 60 * 60  # seconds


@public
@evenly_timed
def start(request: HttpRequest) -> HttpResponse:
    """Show "Let's get started", and open the registration. The answer is the same for every key that fails."""
    form = PinForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        if request.GET.get("signed_out") == "yes" and not request.user.is_authenticated:
            messages.success(request, _("You’re signed out."))
        return _render_start(request, form)
    if not form.is_valid():
        return _render_start(request, form, status=422)
    key = form.key()
    try:
        verified_key = _verify(key, form.cleaned_data["birth_date"], client_address=audit.client_address(request))
        recipient_key = verification.get_registration(verified_key).recipient_key
    except verification.NotClaimable:
        message = _("That PIN and date of birth don’t match our records. Check each letter and number.")
        form.add_error(None, message)
        return _render_start(request, form, status=422, is_not_claimable=True)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return _render_start(request, form, status=429)
    # A new session key: someone who knew the old one must not get at the opened registration.
    request.session.cycle_key()
    draft = drafts.load(request).for_recipient(recipient_key)
    drafts.save(request, draft.with_key(verified_key, is_from_message=key.is_from_message))
    return SignupFlow(request).redirect_to_next()


def _verify(key: Key, birth_date: date, *, client_address: str | None) -> VerifiedKey:
    if key.pin:
        return verification.verify_pin(key.pin, birth_date, address=client_address)
    return verification.verify_link(key.token, birth_date, address=client_address)


def _render_start(
    request: HttpRequest, form: PinForm, *, status: int = 200, is_not_claimable: bool = False
) -> HttpResponse:
    practices = [] if current_practice.find(request) else current_practice.all_practices()
    context = {
        "form": form,
        "is_not_claimable": is_not_claimable,
        "title": _("Add a child") if current_account(request) else _("Let’s get started"),
        "is_signed_in": current_account(request) is not None,
        "practices": [(practice.name, national(practice.phone), practice.phone) for practice in practices],
    }
    return render(request, "family/start.html", context, status=status)


def too_many_attempts_message(request: HttpRequest) -> str:
    practice = current_practice.find(request)
    if practice is None:
        return _("There were too many tries. Wait an hour and try again, or call your practice.")
    return _("There were too many tries. Wait an hour and try again, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }


@public
@evenly_timed
@requires_step(QUESTION)
def question(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    registration = flow.registration
    assert registration is not None  # The start step is done.
    form = AnswerForm(request.POST if request.method == "POST" else None, question=registration.question)
    if not form.is_valid():
        return render_step(request, flow, "question", form)
    try:
        key = verification.verify_answer(flow.key, form.cleaned_data["answer"], address=flow.client_address)
    except verification.WrongAnswer:
        form.add_error("answer", _("That answer doesn’t match the one the practice has. Try writing it another way."))
        return render_step(request, flow, "question", form, status=422)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return render_step(request, flow, "question", form, status=429)
    flow.save(flow.draft.with_key(key))
    return flow.redirect_to_next()


@public
@evenly_timed
@requires_step(CHILDREN)
def children(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """Ask for one child's date of birth at a time. The family can skip a child and add that child later."""
    if not flow.unconfirmed_patients:  # The family came back to this page: ask again for the skipped children.
        flow.save(flow.draft.replace(postponed_patient_ids=()))
    if not flow.unconfirmed_patients:
        return flow.redirect_to_next()
    child = _chosen_child(request, flow)
    if request.method == "POST" and "later" in request.POST:
        postponed_patient_ids = (*flow.draft.postponed_patient_ids, str(child.pk))
        flow.save(flow.draft.replace(postponed_patient_ids=postponed_patient_ids))
        return flow.redirect_to_next()
    form = BirthDateForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _render_child(request, flow, form, child)
    return _confirm_child(request, flow, form, child)


def _chosen_child(request: HttpRequest, flow: SignupFlow) -> Patient:
    """Return the child that the submitted form is about, or else the first."""
    patient_id = request.POST.get("child") if request.method == "POST" else None
    patients = flow.unconfirmed_patients
    return next((patient for patient in patients if str(patient.pk) == patient_id), patients[0])


def _confirm_child(request: HttpRequest, flow: SignupFlow, form: BirthDateForm, child: Patient) -> HttpResponse:
    birth_date = form.cleaned_data["birth_date"]
    try:
        key = verification.verify_child(flow.key, child.pk, birth_date, address=flow.client_address)
    except verification.WrongBirthDate:
        form.add_error("birth_date", wrong_birth_date_message())
        return _render_child(request, flow, form, child, status=422)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return _render_child(request, flow, form, child, status=429)
    flow.save(flow.draft.with_key(key))
    return flow.redirect_to_next()


def wrong_birth_date_message() -> str:
    return _("That date of birth doesn’t match our records. Check it and try again.")


def _render_child(
    request: HttpRequest, flow: SignupFlow, form: BirthDateForm, child: Patient, *, status: int | None = None
) -> HttpResponse:
    assert flow.practice is not None
    found = languages.join([labels.patient_label(flow.practice, patient) for patient in flow.confirmed_patients])
    name = labels.patient_label(flow.practice, child)
    return render_step(request, flow, "children", form, status=status, child=child, name=name, found=found)


@public
@requires_step(ABOUT_YOU)
def about_you(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    form = AboutYouForm(
        request.POST if request.method == "POST" else None,
        may_be_self=flow.may_be_self,
        initial=_initial_about_you(flow),
    )
    if not form.is_valid():
        return render_step(request, flow, "about_you", form, back=flow.previous(ABOUT_YOU))
    flow.save(flow.draft.replace(about_you=form.about_you()))
    return flow.redirect_to_next()


def _initial_about_you(flow: SignupFlow) -> dict[str, str]:
    """Return what the family entered before, or else what the practice entered about the recipient."""
    entered = flow.draft.about_you
    if entered:
        return entered | {"who": drafts.SELF if flow.draft.is_self else "child"}
    registration = flow.registration
    given, _space, family = (registration.recipient_name if registration else "").rpartition(" ")
    return {
        "given_names": given or family,
        "family_name": family if given else "",
        "who": drafts.SELF if flow.is_for_the_patient else "child",
        "relationship": _relationship_choice(registration.recipient_relationship if registration else ""),
    }


def _relationship_choice(relationship: str) -> str:
    """Return the form choice that fits the relationship the practice typed, such as "Mother", or "" if none fits."""
    value = relationship.strip().lower()
    return value if value in dict(labels.relationship_choices()) and value != "other" else ""


@public
@require_safe
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    png = current_practice.small_logo(slug)
    if png is None:
        raise Http404
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": f"public, max-age={_ONE_DAY}"})


@public
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    practice = current_practice.find(request)
    if practice and practice.terms_url:
        return redirect(practice.terms_url)
    return render(request, "family/terms.html")
