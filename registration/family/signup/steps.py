"""Where a family stands on its way in: the steps, which of them are done, and which comes next."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from patients.models import Patient
from portal import audit
from portal.models import Practice
from portal.phones import national
from registration import pin_policy
from registration.claiming import verification
from registration.family import current_practice
from registration.family.decorators import current_account
from registration.family.signup import draft as drafts
from registration.family.signup.draft import Draft
from registration.models import Association, PortalAccount, Registration
from registration.values import Recipient

START: Final = "family:start"
QUESTION: Final = "family:question"
CHILDREN: Final = "family:children"
ABOUT_YOU: Final = "family:about_you"
WHICH_PRACTICE: Final = "family:which_practice"
REQUEST_ABOUT_YOU: Final = "family:request_about_you"
REQUEST_CHILDREN: Final = "family:request_children"
DETAILS: Final = "family:sign_in_details"
CODE: Final = "family:code"
ADD: Final = "family:add"
EXISTING_ACCOUNT: Final = "family:existing_account"


@dataclass(frozen=True)
class Step:
    name: str
    is_done: bool


class SignupFlow:
    """One request on the way in. Asking for the registration raises opening.Closed where it can no longer be claimed."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.draft = drafts.load(request)
        self.account: PortalAccount | None = current_account(request)

    def keep(self, draft: Draft) -> None:
        self.draft = draft
        drafts.save(self.request, draft)

    @property
    def address(self) -> str | None:
        return audit.client_address(self.request)

    @cached_property
    def registration(self) -> Registration | None:
        key = self.draft.key
        return verification.get_registration(key) if key else None

    @property
    def opened(self) -> verification.VerifiedKey:
        key = self.draft.key
        if key is None:
            raise verification.NotClaimable
        return key

    @property
    def practice(self) -> Practice | None:
        if self.draft.is_without_pin:
            return current_practice.find(self.draft.practice) if self.draft.practice else None
        return self.registration.practice if self.registration else current_practice.current(self.request)

    @cached_property
    def patients(self) -> list[Patient]:
        return list(self.registration.patients.all()) if self.registration else []

    @property
    def confirmed_patients(self) -> list[Patient]:
        key = self.draft.key
        return [each for each in self.patients if key and each.pk in key.confirmed_patient_ids]

    @property
    def unconfirmed_patients(self) -> list[Patient]:
        """Whose date of birth is still to be asked for."""
        key = self.draft.key
        return [
            each
            for each in self.patients
            if key and each.pk not in key.confirmed_patient_ids and not self.draft.is_postponed(each.pk)
        ]

    @property
    def may_be_self(self) -> bool:
        """Whether the registration was issued to its one patient, who is of an age to have an account."""
        practice = self.practice
        if practice is None or len(self.patients) != 1 or not self.is_for_the_patient:
            return False
        today = practice.today()
        return all(each.age(on=today) >= pin_policy.own_pin_age(practice) for each in self.confirmed_patients)

    @property
    def is_for_the_patient(self) -> bool:
        registration = self.registration
        return registration is not None and registration.recipient_key == Recipient.PATIENT

    @property
    def address_that_got_it(self) -> str:
        """Where the registration's e-mail went, for whoever has followed its link: they have proved to read it. Else "".

        A PIN that was typed proves nothing: it may have been told at the desk, or printed.
        """
        registration = self.registration
        if registration is None or registration.message is None or not self.draft.from_message:
            return ""
        is_email = registration.delivery == Registration.Delivery.EMAIL
        return registration.message.recipient.strip().lower() if is_email else ""

    @property
    def relationship(self) -> str:
        return (self.draft.you or {}).get("relationship") or Association.Relationship.OTHER.value

    def steps(self) -> list[Step]:
        return [*self._first_steps(), *self._last_steps()]

    def _first_steps(self) -> list[Step]:
        draft = self.draft
        if draft.is_without_pin:
            return [
                Step(WHICH_PRACTICE, bool(draft.practice)),
                Step(REQUEST_ABOUT_YOU, self._has_said_who()),
                Step(REQUEST_CHILDREN, bool(draft.requested_children)),
            ]
        steps = [Step(START, self.registration is not None)]
        if self.registration and self.registration.method == Registration.Method.QUESTION:
            steps.append(Step(QUESTION, self.opened.answered))
        if len(self.patients) > 1:
            steps.append(Step(CHILDREN, not self.unconfirmed_patients))
        return steps

    def _last_steps(self) -> list[Step]:
        draft = self.draft
        if self.account:
            return [Step(ADD, is_done=False)]
        is_fitting = not draft.is_self or self.may_be_self  # not so with another PIN than the one it was said for
        you = [] if draft.is_without_pin else [Step(ABOUT_YOU, self._has_said_who() and is_fitting)]
        has_details = bool(draft.email and draft.terms and (draft.by_passkey or draft.password_hash))
        return [*you, Step(DETAILS, has_details), Step(CODE, draft.is_email_verified)]

    def _has_said_who(self) -> bool:
        """An account has a name already, and said only the relationship."""
        return bool(self.draft.you) and (self.account is not None or "given_names" in (self.draft.you or {}))

    def next(self) -> str:
        """The first step that is not done; KNOWN where all are, and an account with this address is there."""
        return next((step.name for step in self.steps() if not step.is_done), EXISTING_ACCOUNT)

    def previous(self, name: str) -> str:
        """Where "Back" leads."""
        names = [step.name for step in self.steps()]
        place = names.index(name) if name in names else 0
        return names[place - 1] if place else START

    def redirect_to_next(self) -> HttpResponse:
        return redirect(self.next())


def requires_step(
    name: str,
) -> Callable[[Callable[[HttpRequest, SignupFlow], HttpResponse]], Callable[[HttpRequest], HttpResponse]]:
    """The view is this step: whoever has not done those before it is led to them."""

    def decorate(view: Callable[[HttpRequest, SignupFlow], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        def guided(request: HttpRequest) -> HttpResponse:
            flow = SignupFlow(request)
            try:
                steps = flow.steps()
                names = [each.name for each in steps]
                if name not in names:
                    return flow.redirect_to_next()
                if earlier := next((each for each in steps[: names.index(name)] if not each.is_done), None):
                    return redirect(earlier.name)
                return view(request, flow)
            except verification.NotClaimable:
                return not_claimable(request)

        return guided

    return decorate


def render_step(
    request: HttpRequest,
    flow: SignupFlow,
    template: str,
    form: Any = None,
    *,
    status: int | None = None,
    **context: Any,
) -> HttpResponse:
    """The page of a step; 422 where what was sent has to be mended."""
    is_wrong = form is not None and form.is_bound and not form.is_valid()
    context = {"form": form, "flow": flow, **context}
    return render(request, f"family/{template}.html", context, status=status or (422 if is_wrong else 200))


def not_claimable(request: HttpRequest) -> HttpResponse:
    """What was opened cannot be claimed any more: to the door, with what to do. Who the family is stays known."""
    draft = drafts.load(request)
    drafts.save(request, draft.replace(opened=None, postponed=()))
    messages.warning(request, not_claimable_message(current_practice.current(request)))
    return redirect(START)


def not_claimable_message(practice: Practice | None) -> str:
    """One and the same, whatever the reason."""
    if practice is None:
        return _("This did not open. Please check the PIN and the date of birth, or call your practice.")
    return _("This did not open. Please check the PIN and the date of birth, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }
