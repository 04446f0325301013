"""The steps of sign-up: which ones are done, and which one comes next."""

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
from registration.family.signup import drafts
from registration.family.signup.drafts import Draft
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
    url_name: str
    is_done: bool


class SignupFlow:
    """The sign-up that one request belongs to.

    If the registration can no longer be claimed, everything that needs it raises verification.NotClaimable.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.draft = drafts.load(request)
        self.account: PortalAccount | None = current_account(request)

    def save(self, draft: Draft) -> None:
        self.draft = draft
        drafts.save(self.request, draft)

    @property
    def client_address(self) -> str | None:
        return audit.client_address(self.request)

    @cached_property
    def registration(self) -> Registration | None:
        key = self.draft.key
        return verification.get_registration(key) if key else None

    @property
    def key(self) -> verification.VerifiedKey:
        key = self.draft.key
        if key is None:
            raise verification.NotClaimable
        return key

    @property
    def practice(self) -> Practice | None:
        if self.draft.is_without_pin:
            return current_practice.get(self.draft.practice_id) if self.draft.practice_id else None
        return self.registration.practice if self.registration else current_practice.find(self.request)

    @cached_property
    def patients(self) -> list[Patient]:
        return list(self.registration.patients.all()) if self.registration else []

    @property
    def confirmed_patients(self) -> list[Patient]:
        key = self.draft.key
        return [patient for patient in self.patients if key and patient.pk in key.confirmed_patient_ids]

    @property
    def unconfirmed_patients(self) -> list[Patient]:
        """Return the patients whose date of birth the family still has to enter."""
        key = self.draft.key
        return [
            patient
            for patient in self.patients
            if key and patient.pk not in key.confirmed_patient_ids and not self.draft.is_postponed(patient.pk)
        ]

    @property
    def may_be_self(self) -> bool:
        """Return True if the PIN was issued to its only patient, who is old enough to have an account."""
        practice = self.practice
        if practice is None or len(self.patients) != 1 or not self.is_for_the_patient:
            return False
        today = practice.today()
        return all(patient.age(on=today) >= pin_policy.own_pin_age(practice) for patient in self.confirmed_patients)

    @property
    def is_for_the_patient(self) -> bool:
        registration = self.registration
        return registration is not None and registration.recipient_key == Recipient.PATIENT

    @property
    def verified_email_address(self) -> str:
        """Return the address that the registration was emailed to if the family opened the emailed link, or else "".

        Opening the link proves that the family can read that mailbox. A typed PIN proves nothing: it may have been
        given in person or printed.
        """
        registration = self.registration
        if registration is None or registration.message is None or not self.draft.is_from_message:
            return ""
        is_email = registration.delivery == Registration.Delivery.EMAIL
        return registration.message.recipient.strip().lower() if is_email else ""

    @property
    def relationship(self) -> str:
        return (self.draft.about_you or {}).get("relationship") or Association.Relationship.OTHER.value

    def steps(self) -> list[Step]:
        return [*self._patient_steps(), *self._account_steps()]

    def _patient_steps(self) -> list[Step]:
        draft = self.draft
        if draft.is_without_pin:
            return [
                Step(WHICH_PRACTICE, bool(draft.practice_id)),
                Step(REQUEST_ABOUT_YOU, self._has_about_you()),
                Step(REQUEST_CHILDREN, bool(draft.requested_children)),
            ]
        steps = [Step(START, self.registration is not None)]
        if self.registration and self.registration.method == Registration.Method.QUESTION:
            steps.append(Step(QUESTION, self.key.answered))
        if len(self.patients) > 1:
            steps.append(Step(CHILDREN, not self.unconfirmed_patients))
        return steps

    def _account_steps(self) -> list[Step]:
        draft = self.draft
        if self.account:
            return [Step(ADD, is_done=False)]
        # "Myself" may have been chosen for an earlier PIN, and this one is for a child.
        is_self_allowed = not draft.is_self or self.may_be_self
        about_you = [] if draft.is_without_pin else [Step(ABOUT_YOU, self._has_about_you() and is_self_allowed)]
        has_details = bool(draft.email and draft.accepted_terms and (draft.uses_passkey or draft.password_hash))
        return [*about_you, Step(DETAILS, has_details), Step(CODE, draft.is_email_verified)]

    def _has_about_you(self) -> bool:
        """Return True if the page about the family member is done.

        If the family has an account, the page asks only for the relationship.
        """
        return bool(self.draft.about_you) and (
            self.account is not None or "given_names" in (self.draft.about_you or {})
        )

    def next(self) -> str:
        """Return the first step that is not done.

        If all steps are done but sign-up has not created an account, the email address already has an account.
        """
        return next((step.url_name for step in self.steps() if not step.is_done), EXISTING_ACCOUNT)

    def previous(self, url_name: str) -> str:
        """Return the step that the "Back" link of this step leads to."""
        url_names = [step.url_name for step in self.steps()]
        position = url_names.index(url_name) if url_name in url_names else 0
        return url_names[position - 1] if position else START

    def redirect_to_next(self) -> HttpResponse:
        return redirect(self.next())


def requires_step(
    url_name: str,
) -> Callable[[Callable[[HttpRequest, SignupFlow], HttpResponse]], Callable[[HttpRequest], HttpResponse]]:
    """Declare that a view is this step. If an earlier step is not done, redirect to the first such step."""

    def decorate(view: Callable[[HttpRequest, SignupFlow], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        def step_view(request: HttpRequest) -> HttpResponse:
            flow = SignupFlow(request)
            try:
                steps = flow.steps()
                url_names = [step.url_name for step in steps]
                if url_name not in url_names:
                    return flow.redirect_to_next()
                earlier_steps = steps[: url_names.index(url_name)]
                if missing := next((step for step in earlier_steps if not step.is_done), None):
                    return redirect(missing.url_name)
                return view(request, flow)
            except verification.NotClaimable:
                return redirect_not_claimable(request)

        return step_view

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
    """Render templates/family/<template>.html. Use status 422 if the form has errors."""
    has_errors = form is not None and form.is_bound and not form.is_valid()
    context = {"form": form, "flow": flow, **context}
    return render(request, f"family/{template}.html", context, status=status or (422 if has_errors else 200))


def redirect_not_claimable(request: HttpRequest) -> HttpResponse:
    """Go back to the start page with a message. The draft keeps what the family entered about itself."""
    draft = drafts.load(request)
    drafts.save(request, draft.replace(key_data=None, postponed_patient_ids=()))
    messages.warning(request, not_claimable_message(current_practice.find(request)))
    return redirect(START)


def not_claimable_message(practice: Practice | None) -> str:
    """Return a message that is the same for every reason, and so reveals nothing (OWASP ASVS 5.0 6.3.8)."""
    if practice is None:
        return _("That PIN and date of birth don’t match our records. Check both, or call your practice.")
    return _("That PIN and date of birth don’t match our records. Check both, or call us at %(phone)s.") % {
        "phone": national(practice.phone)
    }
