"""Without a PIN: who asks, for whom, at which practice. It shows nothing about any patient."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registration.family import current_practice
from registration.family.decorators import for_everybody
from registration.family.forms.signup_forms import BirthDateForm, ChildForm, PracticeForm, YouForm
from registration.family.signup import draft as drafts
from registration.family.signup.steps import ASKING_CHILDREN, ASKING_YOU, Walk, show, step
from registration.matching import self_registrations


@for_everybody
def without_a_pin(request: HttpRequest) -> HttpResponse:
    """What it means, and which practice is asked."""
    walk = Walk(request)
    at_hand = current_practice.at_hand(request)
    offered = [at_hand] if at_hand else current_practice.everyone()
    form = PracticeForm(
        request.POST if request.method == "POST" else None,
        practices=offered,
        initial={"practice": walk.draft.practice},
    )
    if at_hand and request.method == "POST":
        practice = at_hand
    elif form.is_valid():
        practice = next(each for each in offered if str(each.pk) == form.cleaned_data["practice"])
    else:
        return show(request, walk, "without_a_pin", form, asks_which=at_hand is None)
    current_practice.choose(request, practice)
    walk.keep(walk.draft.but(asking=True, practice=str(practice.pk), opened=None, later=()))
    return walk.on()


@for_everybody
@step(ASKING_YOU)
def asking_you(request: HttpRequest, walk: Walk) -> HttpResponse:
    typed = walk.draft.you
    initial = typed | {"who": drafts.SELF if walk.draft.is_self else "child"} if typed else {"who": "child"}
    form = YouForm(
        request.POST if request.method == "POST" else None,
        may_be_self=True,
        with_address=True,
        has_account=walk.account is not None,
        initial=initial,
    )
    if not form.is_valid():
        return show(request, walk, "you", form, asks=True, back=walk.before(ASKING_YOU))
    was_self, draft = walk.draft.is_self, walk.draft.but(you=form.you())
    walk.keep(draft if draft.is_self == was_self else draft.but(asked=()))
    return walk.on()


@for_everybody
@step(ASKING_CHILDREN)
def asking_children(request: HttpRequest, walk: Walk) -> HttpResponse:
    if walk.draft.is_self:
        return _asking_for_oneself(request, walk)
    if request.method == "POST" and (taken_off := request.POST.get("take_off", "")):
        walk.keep(walk.draft.but(asked=tuple(each for n, each in enumerate(walk.draft.asked) if str(n) != taken_off)))
        return redirect(ASKING_CHILDREN)
    form = ChildForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and walk.draft.asked and not form.has_changed() and "more" not in request.POST:
        return redirect(_after_children(walk))
    if not form.is_valid():
        return show(request, walk, "asking_children", form, asked=_shown(walk), back=walk.before(ASKING_CHILDREN))
    if len(walk.draft.asked) < self_registrations.MOST_OPEN:
        walk.keep(walk.draft.with_child(**form.cleaned_data))
    return redirect(ASKING_CHILDREN if "more" in request.POST else _after_children(walk))


def _asking_for_oneself(request: HttpRequest, walk: Walk) -> HttpResponse:
    known = {"birth_date": date.fromisoformat(walk.draft.asked[0]["birth_date"])} if walk.draft.asked else {}
    form = BirthDateForm(request.POST if request.method == "POST" else None, initial=known)
    if not form.is_valid():
        return show(request, walk, "asking_self", form, back=walk.before(ASKING_CHILDREN))
    who: Any = walk.account or _Named(walk.draft.you or {})
    walk.keep(walk.draft.but(asked=()).with_child(who.given_names, who.family_name, form.cleaned_data["birth_date"]))
    return redirect(_after_children(walk))


class _Named:
    def __init__(self, you: dict[str, str]) -> None:
        self.given_names = you.get("given_names", "")
        self.family_name = you.get("family_name", "")


def _shown(walk: Walk) -> list[tuple[int, str, date]]:
    return [
        (n, f"{each['given_names']} {each['family_name']}", date.fromisoformat(each["birth_date"]))
        for n, each in enumerate(walk.draft.asked)
    ]


def _after_children(walk: Walk) -> str:
    names = [each.name for each in walk.steps()]
    return names[names.index(ASKING_CHILDREN) + 1]
