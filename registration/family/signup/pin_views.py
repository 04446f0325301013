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
from portal.response_timing import evenly
from registration.claiming import rate_limits, verification
from registration.claiming.verification import Opened
from registration.communications import languages
from registration.family import current_practice, labels
from registration.family.decorators import account_of, for_everybody
from registration.family.forms.fields import Key
from registration.family.forms.signup_forms import AnswerForm, BirthDateForm, PinForm, YouForm
from registration.family.signup import draft as drafts
from registration.family.signup.steps import CHILDREN, QUESTION, YOU, Walk, show, step

A_DAY = 24 * 60 * 60  # seconds


@for_everybody
@evenly
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
        recipient = verification.registration_of(opened).recipient_key
    except verification.Closed:
        form.add_error(None, _("This did not open. Please check each letter of the PIN, and the date of birth."))
        return _door(request, form, status=422, is_closed=True)
    except rate_limits.TooManyTries:
        form.add_error(None, too_many_words(request))
        return _door(request, form, status=429)
    request.session.cycle_key()  # whoever knew this browser's session before does not know what it has opened
    draft = drafts.of(request).of_recipient(recipient)
    drafts.keep(request, draft.with_key(opened, from_message=key.is_from_message))
    return Walk(request).on()


def _open(key: Key, birth_date: Any, *, address: str | None) -> Opened:
    if key.pin:
        return verification.open_with_pin(key.pin, birth_date, address=address)
    return verification.open_with_link(key.token, birth_date, address=address)


def _door(request: HttpRequest, form: PinForm, *, status: int = 200, is_closed: bool = False) -> HttpResponse:
    practice = current_practice.at_hand(request)
    context = {
        "form": form,
        "is_closed": is_closed,
        "adds": account_of(request) is not None,
        "others": []
        if practice
        else [(each.name, national(each.phone), each.phone) for each in current_practice.everyone()],
    }
    return render(request, "family/start.html", context, status=status)


def too_many_words(request: HttpRequest) -> str:
    practice = current_practice.at_hand(request)
    if practice is None:
        return _("There were too many tries. Please wait an hour and try again, or call your practice.")
    return _("There were too many tries. Please wait an hour and try again, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }


@for_everybody
@evenly
@step(QUESTION)
def question(request: HttpRequest, walk: Walk) -> HttpResponse:
    registration = walk.registration
    assert registration is not None  # the steps before this one
    form = AnswerForm(request.POST if request.method == "POST" else None, question=registration.question)
    if not form.is_valid():
        return show(request, walk, "question", form)
    try:
        opened = verification.answer(walk.opened, form.cleaned_data["answer"], address=walk.address)
    except verification.WrongAnswer:
        form.add_error("answer", _("This is not the answer that the practice has. Please try it another way."))
        return show(request, walk, "question", form, status=422)
    except rate_limits.TooManyTries:
        form.add_error(None, too_many_words(request))
        return show(request, walk, "question", form, status=429)
    walk.keep(walk.draft.with_key(opened))
    return walk.on()


@for_everybody
@evenly
@step(CHILDREN)
def children(request: HttpRequest, walk: Walk) -> HttpResponse:
    """One child after the other; what is not known now can be added later."""
    if not walk.unconfirmed:  # somebody came back: those that were left for later are asked for again
        walk.keep(walk.draft.but(later=()))
    if not walk.unconfirmed:
        return walk.on()
    child = walk.unconfirmed[0]
    if request.method == "POST":
        child = next((each for each in walk.unconfirmed if str(each.pk) == request.POST.get("child")), child)
    if request.method == "POST" and "later" in request.POST:
        walk.keep(walk.draft.but(later=(*walk.draft.later, str(child.pk))))
        return walk.on()
    form = BirthDateForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _ask_for(request, walk, form, child)
    return _confirm(request, walk, form, child)


def _confirm(request: HttpRequest, walk: Walk, form: BirthDateForm, child: Patient) -> HttpResponse:
    birth_date = form.cleaned_data["birth_date"]
    try:
        opened = verification.confirm_child(walk.opened, child.pk, birth_date, address=walk.address)
    except verification.NotThisDate:
        form.add_error("birth_date", not_this_date())
        return _ask_for(request, walk, form, child, status=422)
    except rate_limits.TooManyTries:
        form.add_error(None, too_many_words(request))
        return _ask_for(request, walk, form, child, status=429)
    walk.keep(walk.draft.with_key(opened))
    return walk.on()


def not_this_date() -> str:
    return _("This is not the date of birth that the practice has. Please check it.")


def _ask_for(
    request: HttpRequest, walk: Walk, form: BirthDateForm, child: Patient, *, status: int | None = None
) -> HttpResponse:
    assert walk.practice is not None
    found = languages.listed([labels.label(walk.practice, each) for each in walk.confirmed])
    name = labels.label(walk.practice, child)
    return show(request, walk, "children", form, status=status, child=child, name=name, found=found)


@for_everybody
@step(YOU)
def you(request: HttpRequest, walk: Walk) -> HttpResponse:
    form = YouForm(
        request.POST if request.method == "POST" else None, may_be_self=walk.may_be_self, initial=_known_of_you(walk)
    )
    if not form.is_valid():
        return show(request, walk, "you", form, back=walk.before(YOU))
    walk.keep(walk.draft.but(you=form.you()))
    return walk.on()


def _known_of_you(walk: Walk) -> dict[str, str]:
    """What was typed before, or whom the practice gave the PIN to."""
    typed = walk.draft.you
    if typed:
        return typed | {"who": drafts.SELF if walk.draft.is_self else "child"}
    registration = walk.registration
    given, _space, family = (registration.recipient_name if registration else "").rpartition(" ")
    who = drafts.SELF if walk.is_for_the_patient else "child"
    known = {"given_names": given or family, "family_name": family if given else "", "who": who}
    return known | {"relationship": _as_choice(registration.recipient_relationship if registration else "")}


def _as_choice(relationship: str) -> str:
    """The practice's own word, "Mother", as one of the choices; "" where it is none."""
    word = relationship.strip().lower()
    return word if word in dict(labels.relationships()) and word != "other" else ""


@for_everybody
@require_safe
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    png = current_practice.small_logo(slug)
    if png is None:
        raise Http404
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": f"public, max-age={A_DAY}"})


@for_everybody
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    practice = current_practice.at_hand(request)
    if practice and practice.terms_url:
        return redirect(practice.terms_url)
    return render(request, "family/terms.html")
