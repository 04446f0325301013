"""The family's door: the PIN or the link, the question, the children, and who the family member is."""

from typing import Any

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
from registration.family.signup import draft as drafts
from registration.family.signup.steps import ABOUT_YOU, CHILDREN, QUESTION, SignupFlow, render_step, requires_step

A_DAY = 24 * 60 * 60  # seconds


@public
@evenly_timed
def start(request: HttpRequest) -> HttpResponse:
    """ "Let's get started": whatever does not open gets one and the same answer."""
    form = PinForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        if request.GET.get("signed_out") == "yes" and not request.user.is_authenticated:
            messages.success(request, _("You are signed out."))
        return _door(request, form)
    if not form.is_valid():
        return _door(request, form, status=422)
    key = form.key()
    try:
        opened = _open(key, form.cleaned_data["birth_date"], address=audit.client_address(request))
        recipient = verification.get_registration(opened).recipient_key
    except verification.NotClaimable:
        form.add_error(None, _("This did not open. Please check each letter of the PIN, and the date of birth."))
        return _door(request, form, status=422, is_closed=True)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return _door(request, form, status=429)
    request.session.cycle_key()  # whoever knew this browser's session before does not know what it has opened
    draft = drafts.load(request).of_recipient(recipient)
    drafts.save(request, draft.with_key(opened, from_message=key.is_from_message))
    return SignupFlow(request).redirect_to_next()


def _open(key: Key, birth_date: Any, *, address: str | None) -> VerifiedKey:
    if key.pin:
        return verification.verify_pin(key.pin, birth_date, address=address)
    return verification.verify_link(key.token, birth_date, address=address)


def _door(request: HttpRequest, form: PinForm, *, status: int = 200, is_closed: bool = False) -> HttpResponse:
    practice = current_practice.current(request)
    context = {
        "form": form,
        "is_closed": is_closed,
        "adds": current_account(request) is not None,
        "others": []
        if practice
        else [(each.name, national(each.phone), each.phone) for each in current_practice.all_practices()],
    }
    return render(request, "family/start.html", context, status=status)


def too_many_attempts_message(request: HttpRequest) -> str:
    practice = current_practice.current(request)
    if practice is None:
        return _("There were too many tries. Please wait an hour and try again, or call your practice.")
    return _("There were too many tries. Please wait an hour and try again, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }


@public
@evenly_timed
@requires_step(QUESTION)
def question(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    registration = flow.registration
    assert registration is not None  # the steps before this one
    form = AnswerForm(request.POST if request.method == "POST" else None, question=registration.question)
    if not form.is_valid():
        return render_step(request, flow, "question", form)
    try:
        opened = verification.verify_answer(flow.opened, form.cleaned_data["answer"], address=flow.address)
    except verification.WrongAnswer:
        form.add_error("answer", _("This is not the answer that the practice has. Please try it another way."))
        return render_step(request, flow, "question", form, status=422)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return render_step(request, flow, "question", form, status=429)
    flow.keep(flow.draft.with_key(opened))
    return flow.redirect_to_next()


@public
@evenly_timed
@requires_step(CHILDREN)
def children(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """One child after the other; what is not known now can be added later."""
    if not flow.unconfirmed_patients:  # somebody came back: those that were left for later are asked for again
        flow.keep(flow.draft.replace(postponed=()))
    if not flow.unconfirmed_patients:
        return flow.redirect_to_next()
    child = flow.unconfirmed_patients[0]
    if request.method == "POST":
        child = next((each for each in flow.unconfirmed_patients if str(each.pk) == request.POST.get("child")), child)
    if request.method == "POST" and "later" in request.POST:
        flow.keep(flow.draft.replace(postponed=(*flow.draft.postponed, str(child.pk))))
        return flow.redirect_to_next()
    form = BirthDateForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _ask_for(request, flow, form, child)
    return _confirm(request, flow, form, child)


def _confirm(request: HttpRequest, flow: SignupFlow, form: BirthDateForm, child: Patient) -> HttpResponse:
    birth_date = form.cleaned_data["birth_date"]
    try:
        opened = verification.verify_child(flow.opened, child.pk, birth_date, address=flow.address)
    except verification.WrongBirthDate:
        form.add_error("birth_date", wrong_birth_date())
        return _ask_for(request, flow, form, child, status=422)
    except rate_limits.TooManyAttempts:
        form.add_error(None, too_many_attempts_message(request))
        return _ask_for(request, flow, form, child, status=429)
    flow.keep(flow.draft.with_key(opened))
    return flow.redirect_to_next()


def wrong_birth_date() -> str:
    return _("This is not the date of birth that the practice has. Please check it.")


def _ask_for(
    request: HttpRequest, flow: SignupFlow, form: BirthDateForm, child: Patient, *, status: int | None = None
) -> HttpResponse:
    assert flow.practice is not None
    found = languages.join([labels.label(flow.practice, each) for each in flow.confirmed_patients])
    name = labels.label(flow.practice, child)
    return render_step(request, flow, "children", form, status=status, child=child, name=name, found=found)


@public
@requires_step(ABOUT_YOU)
def about_you(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    form = AboutYouForm(
        request.POST if request.method == "POST" else None, may_be_self=flow.may_be_self, initial=_known_about_you(flow)
    )
    if not form.is_valid():
        return render_step(request, flow, "about_you", form, back=flow.previous(ABOUT_YOU))
    flow.keep(flow.draft.replace(you=form.you()))
    return flow.redirect_to_next()


def _known_about_you(flow: SignupFlow) -> dict[str, str]:
    """What was typed before, or whom the practice gave the PIN to."""
    typed = flow.draft.you
    if typed:
        return typed | {"who": drafts.SELF if flow.draft.is_self else "child"}
    registration = flow.registration
    given, _space, family = (registration.recipient_name if registration else "").rpartition(" ")
    who = drafts.SELF if flow.is_for_the_patient else "child"
    known = {"given_names": given or family, "family_name": family if given else "", "who": who}
    return known | {"relationship": _as_choice(registration.recipient_relationship if registration else "")}


def _as_choice(relationship: str) -> str:
    """The practice's own word, "Mother", as one of the choices; "" where it is none."""
    word = relationship.strip().lower()
    return word if word in dict(labels.relationships()) and word != "other" else ""


@public
@require_safe
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    png = current_practice.small_logo(slug)
    if png is None:
        raise Http404
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": f"public, max-age={A_DAY}"})


@public
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    practice = current_practice.current(request)
    if practice and practice.terms_url:
        return redirect(practice.terms_url)
    return render(request, "family/terms.html")
