"""Without a PIN: who asks, for whom, at which practice. It shows nothing about any patient."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registration.family import current_practice
from registration.family.decorators import public
from registration.family.forms.signup_forms import AboutYouForm, BirthDateForm, ChildForm, PracticeForm
from registration.family.signup import draft as drafts
from registration.family.signup.steps import REQUEST_ABOUT_YOU, REQUEST_CHILDREN, SignupFlow, render_step, requires_step
from registration.matching import self_registrations


@public
def request_access(request: HttpRequest) -> HttpResponse:
    """What it means, and which practice is asked."""
    flow = SignupFlow(request)
    at_hand = current_practice.current(request)
    offered = [at_hand] if at_hand else current_practice.all_practices()
    form = PracticeForm(
        request.POST if request.method == "POST" else None,
        practices=offered,
        initial={"practice": flow.draft.practice},
    )
    if at_hand and request.method == "POST":
        practice = at_hand
    elif form.is_valid():
        practice = next(each for each in offered if str(each.pk) == form.cleaned_data["practice"])
    else:
        return render_step(request, flow, "request_access", form, asks_which=at_hand is None)
    current_practice.choose(request, practice)
    flow.keep(flow.draft.replace(is_without_pin=True, practice=str(practice.pk), opened=None, postponed=()))
    return flow.redirect_to_next()


@public
@requires_step(REQUEST_ABOUT_YOU)
def request_about_you(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    typed = flow.draft.you
    initial = typed | {"who": drafts.SELF if flow.draft.is_self else "child"} if typed else {"who": "child"}
    form = AboutYouForm(
        request.POST if request.method == "POST" else None,
        may_be_self=True,
        with_address=True,
        has_account=flow.account is not None,
        initial=initial,
    )
    if not form.is_valid():
        return render_step(request, flow, "about_you", form, asks=True, back=flow.previous(REQUEST_ABOUT_YOU))
    was_self, draft = flow.draft.is_self, flow.draft.replace(you=form.you())
    flow.keep(draft if draft.is_self == was_self else draft.replace(requested_children=()))
    return flow.redirect_to_next()


@public
@requires_step(REQUEST_CHILDREN)
def request_children(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    if flow.draft.is_self:
        return _request_self(request, flow)
    if request.method == "POST" and (taken_off := request.POST.get("take_off", "")):
        flow.keep(
            flow.draft.replace(
                requested_children=tuple(
                    each for n, each in enumerate(flow.draft.requested_children) if str(n) != taken_off
                )
            )
        )
        return redirect(REQUEST_CHILDREN)
    form = ChildForm(request.POST if request.method == "POST" else None)
    if (
        request.method == "POST"
        and flow.draft.requested_children
        and not form.has_changed()
        and "more" not in request.POST
    ):
        return redirect(_after_children(flow))
    if not form.is_valid():
        return render_step(
            request,
            flow,
            "request_children",
            form,
            requested_children=_shown(flow),
            back=flow.previous(REQUEST_CHILDREN),
        )
    if len(flow.draft.requested_children) < self_registrations.MAX_OPEN:
        flow.keep(flow.draft.with_child(**form.cleaned_data))
    return redirect(REQUEST_CHILDREN if "more" in request.POST else _after_children(flow))


def _request_self(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    known = (
        {"birth_date": date.fromisoformat(flow.draft.requested_children[0]["birth_date"])}
        if flow.draft.requested_children
        else {}
    )
    form = BirthDateForm(request.POST if request.method == "POST" else None, initial=known)
    if not form.is_valid():
        return render_step(request, flow, "request_self", form, back=flow.previous(REQUEST_CHILDREN))
    who: Any = flow.account or _Named(flow.draft.you or {})
    flow.keep(
        flow.draft.replace(requested_children=()).with_child(
            who.given_names, who.family_name, form.cleaned_data["birth_date"]
        )
    )
    return redirect(_after_children(flow))


class _Named:
    def __init__(self, you: dict[str, str]) -> None:
        self.given_names = you.get("given_names", "")
        self.family_name = you.get("family_name", "")


def _shown(flow: SignupFlow) -> list[tuple[int, str, date]]:
    return [
        (n, f"{each['given_names']} {each['family_name']}", date.fromisoformat(each["birth_date"]))
        for n, each in enumerate(flow.draft.requested_children)
    ]


def _after_children(flow: SignupFlow) -> str:
    names = [each.name for each in flow.steps()]
    return names[names.index(REQUEST_CHILDREN) + 1]
