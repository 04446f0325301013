"""Steps to request access without a PIN: the practice, the family member, the children. They show no patient data."""

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registration.communications import languages
from registration.family import current_practice
from registration.family.decorators import public
from registration.family.forms.signup_forms import AboutYouForm, BirthDateForm, ChildForm, PracticeForm
from registration.family.signup import drafts
from registration.family.signup.steps import REQUEST_ABOUT_YOU, REQUEST_CHILDREN, SignupFlow, render_step, requires_step
from registration.matching import self_registrations


@dataclass(frozen=True, kw_only=True)
class RequestedChildRow:
    number: int
    name: str
    birth_date: str


@public
def request_access(request: HttpRequest) -> HttpResponse:
    """Explain how to request access. If there are several practices, ask the family to choose one."""
    flow = SignupFlow(request)
    known_practice = current_practice.find(request)
    practices = [known_practice] if known_practice else current_practice.all_practices()
    form = PracticeForm(
        request.POST if request.method == "POST" else None,
        practices=practices,
        initial={"practice": flow.draft.practice_id},
    )
    if known_practice and request.method == "POST":
        practice = known_practice
    elif form.is_valid():
        practice = next(practice for practice in practices if str(practice.pk) == form.cleaned_data["practice"])
    else:
        return render_step(request, flow, "request_access", form, must_choose_practice=known_practice is None)
    current_practice.choose(request, practice)
    flow.save(
        flow.draft.replace(is_without_pin=True, practice_id=str(practice.pk), key_data=None, postponed_patient_ids=())
    )
    return flow.redirect_to_next()


@public
@requires_step(REQUEST_ABOUT_YOU)
def request_about_you(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    entered = flow.draft.about_you
    initial = entered | {"who": drafts.SELF if flow.draft.is_self else "child"} if entered else {"who": "child"}
    form = AboutYouForm(
        request.POST if request.method == "POST" else None,
        may_be_self=True,
        with_address=True,
        has_account=flow.account is not None,
        initial=initial,
    )
    if not form.is_valid():
        return render_step(request, flow, "about_you", form, back=flow.previous(REQUEST_ABOUT_YOU))
    was_self, draft = flow.draft.is_self, flow.draft.replace(about_you=form.about_you())
    flow.save(draft if draft.is_self == was_self else draft.replace(requested_children=()))
    return flow.redirect_to_next()


@public
@requires_step(REQUEST_CHILDREN)
def request_children(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    if flow.draft.is_self:
        return _request_self(request, flow)
    if request.method == "POST" and (number := request.POST.get("remove", "")):
        flow.save(flow.draft.without_child(number))
        return redirect(REQUEST_CHILDREN)
    form = ChildForm(request.POST if request.method == "POST" else None)
    wants_another = "add_another" in request.POST
    has_enough = bool(flow.draft.requested_children) and not form.has_changed() and not wants_another
    if request.method == "POST" and has_enough:
        return redirect(_step_after_children(flow))
    if not form.is_valid():
        rows, back = _requested_child_rows(flow), flow.previous(REQUEST_CHILDREN)
        return render_step(request, flow, "request_children", form, requested_children=rows, back=back)
    if len(flow.draft.requested_children) < self_registrations.MAX_OPEN:
        flow.save(flow.draft.with_child(**form.cleaned_data))
    return redirect(REQUEST_CHILDREN if wants_another else _step_after_children(flow))


def _request_self(request: HttpRequest, flow: SignupFlow) -> HttpResponse:
    """Ask for the person's own date of birth. The names are known from the account or the page before."""
    requested = flow.draft.requested_children
    initial = {"birth_date": date.fromisoformat(requested[0]["birth_date"])} if requested else {}
    form = BirthDateForm(request.POST if request.method == "POST" else None, initial=initial)
    if not form.is_valid():
        return render_step(request, flow, "request_self", form, back=flow.previous(REQUEST_CHILDREN))
    given_names, family_name = _own_names(flow)
    draft = flow.draft.replace(requested_children=())
    flow.save(draft.with_child(given_names, family_name, form.cleaned_data["birth_date"]))
    return redirect(_step_after_children(flow))


def _own_names(flow: SignupFlow) -> tuple[str, str]:
    if flow.account:
        return flow.account.given_names, flow.account.family_name
    about_you = flow.draft.about_you or {}
    return about_you.get("given_names", ""), about_you.get("family_name", "")


def _requested_child_rows(flow: SignupFlow) -> list[RequestedChildRow]:
    return [
        RequestedChildRow(
            number=number,
            name=f"{child['given_names']} {child['family_name']}",
            birth_date=languages.format_day(date.fromisoformat(child["birth_date"])),
        )
        for number, child in enumerate(flow.draft.requested_children)
    ]


def _step_after_children(flow: SignupFlow) -> str:
    url_names = [step.url_name for step in flow.steps()]
    return url_names[url_names.index(REQUEST_CHILDREN) + 1]
